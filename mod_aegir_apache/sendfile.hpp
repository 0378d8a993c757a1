// X-Sendfile: a site's PHP names a file of the site, and the server sends it in place of what PHP wrote.
#pragma once

#include "mod_aegir_apache/httpd.hpp"

namespace aegir::apache {

/// Name of the filter.
inline constexpr char kSendfileFilter[] = "AEGIR_SENDFILE";

/// Output filter of a request that PHP answers. The header X-Sendfile, which no client gets to see, names a file by its
/// whole path; it must lie below files/ or private/ of the request's own site, and links in it are followed as
/// tenant_file.hpp says. PHP's other headers stay.
apr_status_t send_named_file(ap_filter_t* filter, apr_bucket_brigade* brigade) noexcept;

}  // namespace aegir::apache
