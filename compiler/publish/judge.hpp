// Who has accepted the .htaccess files that are in force: Apache as it was then. Another version, or a module more, may
// read them in another way; then they are asked about again.
#pragma once

#include "compiler/core/config.hpp"
#include "compiler/publish/kept.hpp"

namespace aegir::publish {

/// What Apache's word about an .htaccess depends on beside the file: its version and modules, as it says itself of the
/// configuration on disk, and our module, which judges. For Kept::kJudge. The process has root in reserve.
[[nodiscard]] Files apache_as_judge(const Config& config);

}  // namespace aegir::publish
