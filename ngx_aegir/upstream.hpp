// Where PHP runs: an upstream whose only server is the socket of the request's site.
#pragma once

#include "ngx_aegir/ngx.hpp"

namespace aegir::ngx {

/// Makes the upstream "aegir_fpm", for fastcgi_pass. A request without a site, or whose site has no socket or
/// credentials that can't be opened, is answered 500: PHP never runs without them.
///
/// A variable in fastcgi_pass would do as well, but then nginx parses an address and makes up an upstream with one
/// server for each request.
[[nodiscard]] bool add_upstream(ngx_conf_t* cf) noexcept;

}  // namespace aegir::ngx
