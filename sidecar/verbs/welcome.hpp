// The welcome to a new site: a one-time login link, to its client by mail or else to who asked for the site.
#pragma once

#include "sidecar/tasks/saga.hpp"
#include "sidecar/verbs/services.hpp"

namespace aegir::verbs {

/// After the commit, at least once: a mail to the site's client. Without a client's address, or when the mail can't be
/// sent, the task hands the link out instead; it stands in no log. One link is made for one of the two, since who logs
/// in first makes all others void.
[[nodiscard]] tasks::Step welcome_step(Services& services, std::string uri);

/// The mail, with its header. `origin` and `link` as in drush::Site and drush::login_link().
[[nodiscard]] std::string welcome_mail(const std::string& recipient, const std::string& uri, const std::string& origin,
                                       const std::string& link);

}  // namespace aegir::verbs
