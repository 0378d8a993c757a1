// aegir.conf(5), made from the keys that the parser of the configuration knows, so that it can't say anything else.
#pragma once

#include <string>

namespace aegir::cli {

/// aegir.conf(5) in the language of man(7).
[[nodiscard]] std::string config_page();

}  // namespace aegir::cli
