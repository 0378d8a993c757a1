// What may run, and with what: no code below files/ and private/, PHP through the socket of its own site, and that
// site's credentials for it alone.
#pragma once

#include "mod_aegir_apache/httpd.hpp"

namespace aegir::apache {

/// What SetHandler names in a configuration.
inline constexpr char kPhpHandler[] = "aegir-php";

/// fixups: redirects to a folder's own name, which ends with a slash, and gives neither index nor listing of a
/// directory of a site's users.
int answer_folder(request_rec* request) noexcept;

/// insert_filter: takes the filter of mod_include away from what a site's users can write.
void insert_filter(request_rec* request) noexcept;

/// handler, before all others: forces plain files where nothing may run, and turns the handler aegir-php into
/// mod_proxy_fcgi's with the site's socket. Declines unless it refuses, so that the handler it has chosen runs.
///
/// Secrets go into subprocess_env here and nowhere earlier: what is there in fixups comes back as REDIRECT_* after an
/// internal redirect, and SSI could print it.
int choose_handler(request_rec* request) noexcept;

}  // namespace aegir::apache
