// A request on its way through the module: decided once by its host, and by its path whenever that changes.
#pragma once

#include <string_view>

#include "compiler/map/answer.hpp"
#include "compiler/map/route.hpp"
#include "ngx_aegir/ngx.hpp"

namespace aegir::ngx {

struct LocationCopy;

/// What is kept of a client's request from its decision to its end, internal redirects and subrequests included.
/// Lives in the request's pool, and so does what the site's views point to.
struct Kept {
  map::HostDecision decision;  ///< `location` is over when the answer has its header
  bool secure = false;         ///< https, by the connection or by a trusted proxy's word
  bool by_site = false;        ///< the main request's path came from the site's PHP: X-Accel-Redirect
  bool opened = false;         ///< credentials were asked for; `credentials` has them, or null after a fault
  const map::CredentialFields* credentials = nullptr;
  LocationCopy* copies = nullptr;   ///< in use by this request
  std::string_view served;          ///< the main request's path that decide() let pass, in nginx's own memory
  bool served_static_only = false;  ///< what it said of that path

  /// False: refused before a site was known.
  [[nodiscard]] bool has_site() const noexcept { return decision.verdict != map::Verdict::kStatus; }
  [[nodiscard]] const map::SiteView& site() const noexcept { return decision.site; }
};

/// Null when the request was not decided (another server's, or broken before its headers were complete).
[[nodiscard]] Kept* find_kept(ngx_http_request_t* r) noexcept;

/// The site's credentials, opened at the first call; null when it has none, or after a fault, which is logged.
[[nodiscard]] const map::CredentialFields* credentials_of(ngx_http_request_t* r, Kept& kept) noexcept;

/// `pieces` one after the other, in the request's pool; data is null when there is no memory.
[[nodiscard]] std::string_view join(ngx_http_request_t* r, std::span<const std::string_view> pieces) noexcept;

/// Phase SERVER_REWRITE, before nginx's own rewrite rules: the decision.
ngx_int_t decide(ngx_http_request_t* r) noexcept;
/// Phase PREACCESS, when location and path are settled: the path's rules again, since rewrite rules and named locations
/// come between, and the limits of static paths.
ngx_int_t confirm(ngx_http_request_t* r) noexcept;

}  // namespace aegir::ngx
