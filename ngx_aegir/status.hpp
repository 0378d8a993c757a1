// The directive aegir_status: Prometheus text about the map and the requests.
#pragma once

#include "ngx_aegir/ngx.hpp"

namespace aegir::ngx {

/// Setter of the directive: the location answers with the status.
char* set_status(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;

}  // namespace aegir::ngx
