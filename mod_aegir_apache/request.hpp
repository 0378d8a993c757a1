// What happens to a request before a handler runs: who is meant (post_read_request), what needs no file
// (quick_handler), and which file (translate_name).
//
// A Visit is made once for what a client sent and is kept through all its internal redirects and subrequests, so that
// a site that changes meanwhile is served from one record to the end.
#pragma once

#include "compiler/map/route.hpp"
#include "mod_aegir_apache/conf.hpp"
#include "mod_aegir_apache/httpd.hpp"

namespace aegir::apache {

/// One request of a client. Lives in its pool; no view in it points into the site map.
struct Visit {
  map::HostDecision decision;     ///< its `host` has a NUL at its end
  std::string_view raw_target;    ///< path and query as sent (an absolute URI may lack the slash); NUL at its end
  bool absolute = false;          ///< sent as an absolute URI
  const char* site = nullptr;     ///< the site's uri; null when there is none
  const char* docroot = nullptr;  ///< of the site
  bool secure = false;            ///< https, by the connection or by a trusted proxy's word
  server_rec* came_to = nullptr;  ///< the virtual host that httpd found
  server_rec* led_to = nullptr;   ///< the one whose settings hold: a site may have its own
};

/// The visit that `request` belongs to, or null: the engine is off, or httpd refused the request before we saw it.
[[nodiscard]] const Visit* visit_of(const request_rec* request) noexcept;

/// post_read_request: decides by the host name. Never answers itself: httpd closes the connection after an answer that
/// comes from this hook.
int post_read_request(request_rec* request) noexcept;
/// post_read_request, round that of mod_ssl, which refuses a request that changes its virtual host on a connection of
/// another (SNI). It is asked about the one that httpd found.
int before_tls(request_rec* request) noexcept;
int after_tls(request_rec* request) noexcept;
/// quick_handler: answers what was decided, before anything of the configuration is looked at.
int answer_early(request_rec* request, int lookup) noexcept;
/// translate_name: decides by the path, and sets the docroot.
int translate_name(request_rec* request) noexcept;

}  // namespace aegir::apache
