#include "compiler/registry/sealed_text.hpp"

#include <sodium.h>

#include <vector>

namespace aegir::registry {
namespace {

constexpr int kBase64 = sodium_base64_VARIANT_ORIGINAL;

/// What the value is bound to. Short, since a seal binds 256 bytes of it and a uri may have 253.
std::string bound_to(Secret secret, std::string_view uri) {
  return std::string(1, static_cast<char>(secret)) + "/" + std::string(uri);
}

}  // namespace

std::string seal_text(const KeyRing& key, Secret secret, std::string_view uri, std::string_view plain) {
  const std::vector<unsigned char> sealed = key.seal(bound_to(secret, uri), plain);
  std::string text(sodium_base64_encoded_len(sealed.size(), kBase64), '\0');
  sodium_bin2base64(text.data(), text.size(), sealed.data(), sealed.size(), kBase64);
  text.pop_back();  // its NUL
  return text;
}

std::optional<std::string> open_text(const KeyRing& key, std::uint32_t key_id, Secret secret, std::string_view uri,
                                     std::string_view sealed) {
  std::vector<unsigned char> bytes(sealed.size());
  std::size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(bytes.data(), bytes.size(), sealed.data(), sealed.size(), nullptr, &size, &end, kBase64) != 0 ||
      end != sealed.data() + sealed.size()) {
    return {};
  }
  bytes.resize(size);
  std::string plain(size, '\0');
  const std::ptrdiff_t length = key.open(key_id, bound_to(secret, uri), bytes, plain);
  if (length < 0) return {};
  plain.resize(static_cast<std::size_t>(length));
  return plain;
}

}  // namespace aegir::registry
