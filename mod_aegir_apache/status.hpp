// The handler aegir-status: the state of the map and of this module for Prometheus and for people.
#pragma once

#include "mod_aegir_apache/httpd.hpp"

namespace aegir::apache {

/// What SetHandler names in a configuration.
inline constexpr char kStatusHandler[] = "aegir-status";

int show_status(request_rec* request) noexcept;

}  // namespace aegir::apache
