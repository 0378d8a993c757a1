#include "sidecar/database/names.hpp"

#include <algorithm>
#include <array>

#include "compiler/core/secret_box.hpp"

namespace aegir::database {
namespace {

// Databases that are MariaDB's own, and users that it makes itself or that have a meaning in its grammar.
constexpr std::array<std::string_view, 4> kSystemDatabases = {"information_schema", "mysql", "performance_schema",
                                                              "sys"};
constexpr std::array<std::string_view, 5> kSystemUsers = {"mariadb.sys", "mysql", "root", "public", "none"};

constexpr std::size_t kDigestLetters = 8;

bool only(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || more.contains(c);
  });
}

bool is_one_of(std::string_view name, const auto& names) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::ranges::find(names, std::string_view(lower)) != names.end();
}

}  // namespace

std::string name_for(std::string_view uri, unsigned number) {
  std::string name(uri);
  std::ranges::replace_if(name, [](char c) { return (c < 'a' || c > 'z') && (c < '0' || c > '9'); }, '_');
  if (name == "test" || name.starts_with("test_") || is_one_of(name, kSystemDatabases) ||
      is_one_of(name, kSystemUsers)) {
    name.insert(0, "site_");
  }
  const std::string suffix = number == 1 ? std::string() : '_' + std::to_string(number);
  if (name.size() + suffix.size() > kLongestName) {
    name.resize(kLongestName - suffix.size() - kDigestLetters - 1);
    name += '_' + content_hash(uri).substr(0, kDigestLetters);
  }
  return name + suffix;
}

// The registry's rules for the fields of a site's record (compiler/registry/validate.cpp) allow the same bytes.
bool is_site_database(std::string_view name) {
  return !name.empty() && name.size() <= 64 && only(name, "_$-") && !is_one_of(name, kSystemDatabases);
}

bool is_site_user(std::string_view user) {
  return !user.empty() && user.size() <= 80 && only(user, "_$-") && !is_one_of(user, kSystemUsers);
}

bool is_account_host(std::string_view host) { return !host.empty() && host.size() <= 255 && only(host, ".:-_%/"); }

}  // namespace aegir::database
