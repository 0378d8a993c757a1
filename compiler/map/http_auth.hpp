// HTTP authentication of a whole site (RFC 7617), as both modules ask for it: after the gates and redirects, before
// any path of the site. The record holds a keyed digest of user and password, so that no request costs a slow hash.
#pragma once

#include <span>
#include <string_view>

#include "compiler/core/secret_box.hpp"
#include "compiler/map/route.hpp"

namespace aegir::map {

/// A site that asks for a password is nobody's search result: value of X-Robots-Tag on all of its answers.
inline constexpr std::string_view kRobotsTag = "noindex";

/// Whether this answer may only be given to somebody who knows the site's password: it comes from the site, and the
/// request is neither a probe nor an ACME challenge.
[[nodiscard]] bool is_protected(const HostDecision& decision) noexcept;

/// Whether `authorization` (the header's value as sent) names user and password of the site. Takes the same time for
/// every wrong password. False also when the keys do not hold the record's.
[[nodiscard]] bool is_authorised(const KeyRing& keys, const SiteView& site, std::string_view authorization) noexcept;

/// The value of WWW-Authenticate takes at most this; a realm has at most 128 characters, none of them a quote.
inline constexpr std::size_t kChallengeSize = 160;
[[nodiscard]] std::string_view write_challenge(const SiteView& site, std::span<char, kChallengeSize> out) noexcept;

/// Makes a protected answer a 401.
void refuse_unauthorised(HostDecision& decision) noexcept;

}  // namespace aegir::map
