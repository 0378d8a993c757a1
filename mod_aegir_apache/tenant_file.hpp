// Files that a site's own users write, below files/ and private/: sent as they are, and symbolic links followed only
// to what the link's owner owns.
//
// httpd's own SymLinksIfOwnerMatch looks first and opens later. Who exchanges a file and a link in between gets a
// neighbour's file sent to him, so here the owner is asked of what has been opened.
#pragma once

#include "mod_aegir_apache/httpd.hpp"

namespace aegir::apache {

/// httpd's name for the handler that sends a file as it is.
inline constexpr const char* kFileHandler = "default-handler";

/// Answers a request for such a file in place of httpd's default handler. `docroot` is where the walk begins; a file
/// that lies elsewhere (Alias) is walked to from the root of the file system.
[[nodiscard]] int send_tenant_file(request_rec* request, std::string_view docroot) noexcept;

// Its parts, for files that a site's PHP names.

/// Opens the file `name` (a whole path), which is closed with the request, and puts what it is into finfo. OK, or the
/// status of the answer, with a line in the error log when that is 403.
[[nodiscard]] int open_tenant_file(request_rec* request, std::string_view docroot, std::string_view name,
                                   apr_file_t*& file) noexcept;
/// Sets the headers that finfo gives.
void describe_tenant_file(request_rec* request) noexcept;
/// Puts the content at the end of `brigade`.
void insert_tenant_file(request_rec* request, apr_file_t* file, apr_bucket_brigade* brigade) noexcept;

}  // namespace aegir::apache
