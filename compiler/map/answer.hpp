// What both modules send and count after a decision (route.hpp), in one place, so that they can't differ: the pages of
// the gates, what PHP is told about its site, and the text of the status endpoint. Nothing here allocates or throws.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "compiler/core/secret_box.hpp"
#include "compiler/map/reader.hpp"
#include "compiler/map/route.hpp"

namespace aegir::map {

/// Media type of the pages; they are ASCII.
inline constexpr std::string_view kPageType = "text/html";
/// Body for Verdict::kMaintenance and kDisabled; empty for every other one.
[[nodiscard]] std::string_view page(Verdict verdict) noexcept;
/// Value of Retry-After (seconds) that goes with maintenance only: nobody knows when a disabled site comes back.
inline constexpr std::string_view kRetryAfter = "300";

/// HTTP_HOST takes at most this.
inline constexpr std::size_t kHttpHostSize = kMaxHostName + 6;
/// What PHP gets as HTTP_HOST, whatever was sent: the accepted name, and the port if the client named one.
[[nodiscard]] std::string_view write_http_host(const HostDecision& decision,
                                               std::span<char, kHttpHostSize> out) noexcept;

/// The value of kSiteHeader takes at most this.
inline constexpr std::size_t kSiteHeaderSize = kMaxHostName + 40;
/// "<uri>; generation=<n>".
[[nodiscard]] std::string_view write_site_header(const SiteView& site, std::span<char, kSiteHeaderSize> out) noexcept;

/// Names of the variables that hold a site's credentials, in the order of FORMAT.md.
inline constexpr std::array<std::string_view, 6> kCredentialNames = {"db_type",   "db_name", "db_user",
                                                                     "db_passwd", "db_host", "db_port"};
using CredentialFields = std::array<std::string_view, kCredentialNames.size()>;

/// Opens a site's sealed credentials into `plain` (at least site.sealed.size() bytes); `fields` point into it, each
/// with a NUL after it. False when key, site and bytes do not fit each other: a fault (500), never a request without
/// credentials.
[[nodiscard]] bool open_credentials(const KeyRing& keys, const SiteView& site, std::span<char> plain,
                                    CredentialFields& fields) noexcept;
/// Its two steps: to plaintext, whose size it returns, or -1; and from the first `size` bytes of `plain` to fields.
[[nodiscard]] std::ptrdiff_t unseal_credentials(const KeyRing& keys, const SiteView& site,
                                                std::span<char> plain) noexcept;
[[nodiscard]] bool split_credentials(std::span<char> plain, std::size_t size, CredentialFields& fields) noexcept;

/// PHP_ADMIN_VALUE takes at most this.
inline constexpr std::size_t kPhpLimitsSize = 160;
/// All four limits, one a line. Always all of them: what a PHP-FPM child was told once stays until it is told
/// something else.
[[nodiscard]] std::string_view write_php_limits(const SiteView& site, std::span<char, kPhpLimitsSize> out) noexcept;

/// How a request is counted.
enum class Outcome : std::uint8_t {
  kServe,
  kProbe,
  kAcme,
  kRedirect,
  kMaintenance,
  kDisabled,
  kRefused,  ///< 400 and 405
  kUnknown,  ///< 404
  kFault,    ///< a broken record
  kNoMap,    ///< nothing was published yet
};
inline constexpr std::size_t kOutcomes = 10;
[[nodiscard]] Outcome outcome_of(const HostDecision& decision) noexcept;

/// Lives in memory that all workers of a server share; all zero at first.
struct Counters {
  std::array<std::atomic<std::uint64_t>, kOutcomes> requests;
  std::atomic<std::uint64_t> decrypts;  ///< sets opened for a request, by CredentialMemo from memory too
  std::atomic<std::uint64_t> faults;    ///< broken records, and credentials that could not be opened

  void count(Outcome outcome) noexcept {
    requests[static_cast<std::size_t>(outcome)].fetch_add(1, std::memory_order_relaxed);
    if (outcome == Outcome::kFault) faults.fetch_add(1, std::memory_order_relaxed);
  }
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "counters are shared between processes");

/// The status endpoint takes at most this.
inline constexpr std::size_t kStatusSize = 4096;
inline constexpr std::string_view kStatusType = "text/plain; version=0.0.4; charset=utf-8";
/// Prometheus text. The map's figures and the pid are those of the worker that answers, the counters those of all
/// workers since the server's last start or reload. `snapshot` may be null (generation 0). `configuration` is a name
/// (is_configuration_name()), or empty when the server was not told which one it has. A server that has it says, in a
/// line of its own: aegir_configuration{name="<name>"} 1
[[nodiscard]] std::string_view write_status(const Counters& counters, const Snapshot* snapshot, std::uint64_t refusals,
                                            pid_t pid, std::string_view configuration,
                                            std::span<char, kStatusSize> out) noexcept;

/// 1 to 64 letters and digits.
[[nodiscard]] bool is_configuration_name(std::string_view name) noexcept;

}  // namespace aegir::map
