// The module's variables. Each is made when it is used, never before: a request that needs no password opens none.
#pragma once

#include "ngx_aegir/ngx.hpp"

namespace aegir::ngx {

/// Adds all of them to a configuration that is about to be read.
ngx_int_t add_variables(ngx_conf_t* cf) noexcept;

}  // namespace aegir::ngx
