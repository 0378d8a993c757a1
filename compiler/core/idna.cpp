#include "compiler/core/idna.hpp"

#include <idn2.h>

#include <memory>

#include "compiler/core/host_name.hpp"

namespace aegir {
namespace {

std::string quoted(std::string_view text) { return "'" + std::string(text.substr(0, 80)) + "'"; }

}  // namespace

Result<std::string> canonical_host(std::string_view typed) {
  if (!typed.empty() && typed.back() == '.') typed.remove_suffix(1);
  if (typed.empty()) return fail(Code::kInvalid, "a host name is empty", "write a name such as shop.example");
  if (typed.find('\0') != std::string_view::npos) {
    return fail(Code::kInvalid, "the host name " + quoted(typed.substr(0, typed.find('\0'))) + "… holds a NUL byte");
  }
  if (typed.find_first_of(":/@?#*") != std::string_view::npos) {
    return fail(Code::kInvalid, quoted(typed) + " is not a host name",
                "write the name alone, without scheme, port, path or wildcard");
  }
  char* out = nullptr;
  const std::string input(typed);
  const int rc = idn2_to_ascii_8z(input.c_str(), &out, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, void (*)(void*)> owned(out, [](void* p) { idn2_free(p); });
  if (rc != IDN2_OK) {
    return fail(Code::kInvalid, quoted(typed) + " is not a host name (" + idn2_strerror(rc) + ")",
                "host names have letters, digits and '-' between dots, at most 63 characters each");
  }
  std::string name(owned.get());
  HostBuffer buffer;
  const HostAndPort host = normalise_host(name, buffer);
  if (host.status == HostStatus::kTooLong) {
    return fail(Code::kInvalid, quoted(typed) + " has more than 253 characters");
  }
  if (host.status != HostStatus::kOk) {
    return fail(Code::kInvalid, quoted(typed) + " is not a host name",
                "host names have letters, digits, '-' and '_' between dots");
  }
  std::size_t start = 0;
  while (start < host.name.size()) {
    std::size_t end = host.name.find('.', start);
    if (end == std::string_view::npos) end = host.name.size();
    if (end - start > 63) return fail(Code::kInvalid, quoted(typed) + " has a label of more than 63 characters");
    start = end + 1;
  }
  return std::string(host.name);
}

Result<std::string> canonical_host_or_wildcard(std::string_view typed) {
  if (!typed.starts_with("*.")) return canonical_host(typed);
  Result<std::string> suffix = canonical_host(typed.substr(2));
  if (!suffix) return suffix;
  return "*." + *suffix;
}

}  // namespace aegir
