// The configuration of a location as one request sees it: with its site's docroot, and with limits below files/ and
// private/.
#pragma once

#include <string_view>

#include "ngx_aegir/ngx.hpp"

namespace aegir::ngx {

struct LocationCopy;

/// Sees to it that the request's location has `docroot` as its root where it says `root $aegir_docroot` (nginx would
/// evaluate a root with variables each time it needs it) and, with `limits`, that symbolic links below `docroot` are
/// followed only if their owner owns the target. A location that says all that literally is left as it is; every other
/// one is copied for the request, and the copy put before `copies`, the list of the client's request. `docroot` must
/// live as long as the request. False when there is no memory.
[[nodiscard]] bool fit_location(ngx_http_request_t* r, std::string_view docroot, bool limits,
                                LocationCopy*& copies) noexcept;

/// Ends the use of a list of copies, with the request's pool.
void give_back(LocationCopy* copies) noexcept;

}  // namespace aegir::ngx
