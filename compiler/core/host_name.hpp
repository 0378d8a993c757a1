// Host names as the site map keys them: lower-case ASCII, A-labels for international names, no port, no trailing dot.
//
// This part needs libc only, since the modules normalise the Host of every request with it. Turning what a person
// typed (umlauts, capitals, a wildcard) into that form is idna.hpp's job.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace aegir {

/// Longest host name in octets (RFC 1035 §2.3.4: 255 octets on the wire are 253 characters).
inline constexpr std::size_t kMaxHostName = 253;

/// What a request's authority turned out to be.
enum class HostStatus : std::uint8_t {
  kOk,
  kEmpty,      ///< nothing left after port and dot were taken away
  kMalformed,  ///< a byte or a port that no host name has; answered 400
  kTooLong,    ///< more than kMaxHostName characters; such a name is simply unknown
};

/// A normalised authority. `name` points into the buffer that was handed to normalise_host().
struct HostAndPort {
  HostStatus status = HostStatus::kEmpty;
  std::string_view name;
  std::uint16_t port = 0;  ///< 0 when the authority named none
};

using HostBuffer = std::array<char, kMaxHostName + 1>;

/// Normalises the authority of a request ("Shop.Example.:8080" becomes "shop.example", 8080).
/// Accepts letters, digits, '-', '_' and single dots between labels; one trailing dot and ":digits" are taken away.
/// Never allocates; `buffer` must outlive the result.
[[nodiscard]] HostAndPort normalise_host(std::string_view authority, HostBuffer& buffer) noexcept;

/// Whether `name` is already in canonical form (what normalise_host() would return unchanged, without a port).
[[nodiscard]] bool is_canonical_host(std::string_view name) noexcept;

/// A canonical name without dots, as Drush needs it, that no other canonical name has: '.' becomes '_', and '_', which
/// is rare, "_U".
[[nodiscard]] std::string dotless_host(std::string_view name);

/// Number of labels in a canonical name or suffix: "a.b.example" has 3, ".b.example" (a wildcard key) has 2.
[[nodiscard]] unsigned label_count(std::string_view name) noexcept;

}  // namespace aegir
