#include "compiler/map/http_auth.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>

namespace aegir::map {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kDigestSize = sizeof(Digest);
constexpr std::size_t kMaxUserAndPassword = 511;  // each has at most 255 characters

/// What follows "Basic" in any case and blanks; empty for another scheme.
std::string_view basic_token(std::string_view authorization) noexcept {
  constexpr std::string_view kScheme = "basic "sv;
  if (authorization.size() < kScheme.size()) return {};
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = authorization[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kScheme[i]) return {};
  }
  authorization.remove_prefix(kScheme.size());
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  while (authorization.ends_with(' ')) authorization.remove_suffix(1);
  return authorization;
}

}  // namespace

bool is_protected(const HostDecision& decision) noexcept {
  return decision.verdict == Verdict::kServe && !decision.probe && !decision.site.auth.empty();
}

bool is_authorised(const KeyRing& keys, const SiteView& site, std::string_view authorization) noexcept {
  if (site.auth.size() < kDigestSize) return false;
  const std::string_view token = basic_token(authorization);
  std::array<char, kMaxUserAndPassword> plain;
  std::size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(plain.data()), plain.size(), token.data(), token.size(),
                        nullptr, &size, &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
      end != token.data() + token.size()) {
    return false;
  }
  const std::string_view both(plain.data(), size);
  const std::size_t colon = both.find(':');
  if (colon == std::string_view::npos) return false;
  const std::array<std::string_view, 2> parts = {both.substr(0, colon), both.substr(colon + 1)};
  Digest digest;
  const bool known = keys.digest(site.key_id, parts, digest);
  sodium_memzero(plain.data(), plain.size());
  return known && sodium_memcmp(digest.data(), site.auth.data(), digest.size()) == 0;
}

std::string_view write_challenge(const SiteView& site, std::span<char, kChallengeSize> out) noexcept {
  constexpr std::string_view kBegin = "Basic realm=\""sv;
  const std::string_view realm = site.auth.substr(std::min(kDigestSize, site.auth.size()), 128);
  char* end = std::ranges::copy(kBegin, out.data()).out;
  end = std::ranges::copy(realm, end).out;
  *end++ = '"';
  return {out.data(), static_cast<std::size_t>(end - out.data())};
}

void refuse_unauthorised(HostDecision& decision) noexcept {
  decision.verdict = Verdict::kStatus;
  decision.status = 401;
}

}  // namespace aegir::map
