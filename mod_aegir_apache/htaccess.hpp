// The handler aegir-htaccess: whether httpd would take a file as an .htaccess. `aegirc verify` asks it, in a server of
// its own, before it puts a platform's .htaccess into the configuration.
#pragma once

#include "mod_aegir_apache/httpd.hpp"

namespace aegir::apache {

/// What SetHandler names in a configuration.
inline constexpr char kHtaccessHandler[] = "aegir-htaccess";

/// Reads the request's file with httpd's own parser and the AllowOverride of its <Directory>, and obeys nothing of it.
/// Answers "accepted", or "<line> <httpd's message>".
int judge_htaccess(request_rec* request) noexcept;

}  // namespace aegir::apache
