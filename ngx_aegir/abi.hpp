// Whether the server that loads the module has the structures that the module was built for.
#pragma once

#include "ngx_aegir/ngx.hpp"

namespace aegir::ngx {

/// nginx compares its version and the options that its signature knows. A patch of a distribution can still move
/// fields (Debian counts them as nginx-abi-…-N). This compares where server and module say that some fields are, and
/// refuses with one sentence.
ngx_int_t check_abi(ngx_conf_t* cf) noexcept;

}  // namespace aegir::ngx
