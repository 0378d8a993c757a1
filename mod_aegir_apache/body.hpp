// The body of a request for PHP: how much of it is taken, and how long it is when the client has not said so.
#pragma once

#include "mod_aegir_apache/httpd.hpp"

namespace aegir::apache {

/// Name of the filter.
inline constexpr char kBodyFilter[] = "AEGIR_BODY";

/// Before the handler of mod_proxy_fcgi: holds the body to LimitRequestBody, which for httpd has no meaning where
/// requests are handed on, and makes a body that comes in chunks known by its length, as PHP needs it. OK, or the
/// status of the answer.
[[nodiscard]] int prepare_body(request_rec* request, ap_filter_rec_t* filter) noexcept;

/// Input filter of a request whose body comes in chunks: APR_ENOSPC, which becomes 413, when it is above the limit.
apr_status_t limit_chunks(ap_filter_t* filter, apr_bucket_brigade* brigade, ap_input_mode_t mode, apr_read_type_e block,
                          apr_off_t wanted) noexcept;

}  // namespace aegir::apache
