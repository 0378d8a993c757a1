// Whether a secret gets out while aegird works. Scenario 2 of the acceptance scenarios (the password), and issue
// "Secrets".
#pragma once

#include "tests/root/sidecar/sidecar_lab.hpp"

namespace aegir::sidecar {

/// Runs every verb in `lab`, whose aegird does not run yet, while another uid and root look on, and fails for each
/// secret that stands where it may not: argv of any process, environment of another uid than the site's, files that are
/// made on the way, files that stay, logs, API answers, the tasks' history. `password`: what the installer, which was
/// changed so, gives user 1.
void expect_no_secret_gets_out(Lab& lab, const std::string& password);

}  // namespace aegir::sidecar
