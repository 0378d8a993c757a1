// The acceptance scenarios of a site's life, as a person goes through them with `aegir` and a browser. They run on the
// fixture (root_sidecar_hostile) and on real Drupal 10.6 and 7 (drupal_scenarios), each on Apache and on nginx. By
// number:
//
//    1  Verify of a platform            here; version and profiles: Codebases/SidecarOnDrupal.*
//    2  install, no password anywhere   here; secrets.cpp
//    3  the same for Drupal 7, Backdrop here; Codebases/SidecarOnDrupal.ASiteLivesFromInstallToDelete/*
//    4  one-time login link             here; Codebases/DrupalSite.AOneTimeLinkLogsInOnce/*
//    5  upload, derivative              Codebases/DrupalSite.APictureIsUploadedAndServedWithItsDerivative/*
//    6  PHP below files/                here; Codebases/DenyTable.*
//    7  closed URLs                     Codebases/DenyTable.*
//    8  credentials of another site     Hunt.*, SidecarHunt.*
//    9  no password in $_SERVER         Codebases/DrupalSite.CredentialsAreTakenAwayAfterUse/*
//   19  aliases, unknown hosts          here; Codebases/DrupalSite.*Alias*, *TheCmsTakesNoHost*
//   20  disable, enable                 here
//   21  delete                          here; HostileFiles.*
//   22  never an installer              here; Codebases/DrupalSite.WithoutCredentialsThereIsNoInstaller/*
//   23  installs beside a long request  here
//   24  cron                            */DrushContract.*: the run of it; nothing starts it by the clock yet
//   26  an edit is in force at the end  here
#pragma once

#include "tests/root/sidecar/sidecar_lab.hpp"

namespace aegir::sidecar {

/// Goes through those that say "here". aegird is at work in `lab`, and has the platform p1.
void live_through_scenarios(Lab& lab);

}  // namespace aegir::sidecar
