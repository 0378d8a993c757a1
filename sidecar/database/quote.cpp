#include "sidecar/database/quote.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <span>

#include "compiler/core/secret_box.hpp"

namespace aegir::database {
namespace {

using Sha1 = std::array<unsigned char, 20>;

Sha1 sha1(std::span<const unsigned char> data) {
  Sha1 digest{};
  (void)::EVP_Digest(data.data(), data.size(), digest.data(), nullptr, ::EVP_sha1(), nullptr);
  return digest;
}

/// `text` with `escape` before each of `special`.
std::string escaped(std::string_view text, std::string_view special, char escape) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (special.contains(c)) out += escape;
    out += c;
  }
  return out;
}

}  // namespace

std::string quoted_name(std::string_view name) { return '`' + escaped(name, "`", '`') + '`'; }

std::string quoted_text(std::string_view value) { return '\'' + escaped(value, "'\\", '\\') + '\''; }

std::string grant_pattern(std::string_view name) { return quoted_name(escaped_pattern(name)); }

std::string escaped_pattern(std::string_view name) { return escaped(name, "_%\\", '\\'); }

std::string unescaped_pattern(std::string_view pattern) {
  std::string name;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    name += pattern[i];
  }
  return name;
}

std::string quoted_account(std::string_view user, std::string_view host) {
  return quoted_text(user) + '@' + quoted_text(host);
}

std::string password_hash(std::string_view password) {
  const Sha1 once = sha1(std::span(reinterpret_cast<const unsigned char*>(password.data()), password.size()));
  std::string hash = '*' + to_hex(sha1(once));
  std::ranges::transform(hash, hash.begin(),
                         [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c; });
  return hash;
}

}  // namespace aegir::database
