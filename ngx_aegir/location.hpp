// The configuration of a location as one request sees it: with its site's docroot, and with limits below files/ and
// private/.
#pragma once

#include <string_view>

#include "ngx_aegir/ngx.hpp"

namespace aegir::ngx {

struct LocationCopy;

/// Gives the request a copy of its location's core configuration in which `root $aegir_docroot` is `docroot` itself
/// (nginx would evaluate a root with variables each time it needs it) and, with `limits`, symbolic links below
/// `docroot` are followed only if their owner owns the target. `docroot` must live as long as the request. The copy is
/// put before `copies`, the list of the client's request. False when there is no memory.
[[nodiscard]] bool fit_location(ngx_http_request_t* r, std::string_view docroot, bool limits,
                                LocationCopy*& copies) noexcept;

/// Ends the use of a list of copies, with the request's pool.
void give_back(LocationCopy* copies) noexcept;

}  // namespace aegir::ngx
