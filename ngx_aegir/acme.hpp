// Answers /.well-known/acme-challenge/<token>, in every state of a site.
#pragma once

#include <string_view>

#include "ngx_aegir/conf.hpp"

namespace aegir::ngx {

/// Sends the file of that path below aegir_acme_root, else the one below `docroot`, else 404; the return value is what
/// a phase handler returns. Locations, and what they demand, are passed by.
ngx_int_t serve_acme(ngx_http_request_t* r, const ServerConf& conf, std::string_view docroot) noexcept;

}  // namespace aegir::ngx
