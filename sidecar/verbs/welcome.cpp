#include "sidecar/verbs/welcome.hpp"

namespace aegir::verbs {
namespace {

using registry::LogLevel;
using tasks::Work;

/// What is left to do when there is no link, or nobody got it.
std::string by_hand(const std::string& uri) {
  return "`aegir site login " + uri + "` makes a new link, for you to send";
}

Result<void> welcome(Services& services, Work& work, const std::string& uri) {
  const Result<SiteContext> context =
      services.store().with([&](registry::Store& store) { return load_site(store, uri); });
  if (!context) return warn_when_lasting(work, std::unexpected<Error>(context.error()));
  const Result<drush::Site> site = drush_site(services.config(), *context);
  if (!site) return warn_when_lasting(work, std::unexpected<Error>(site.error()));
  work.hide(site->database.password);
  SiteRunner runner(services, work, *context);
  Result<std::string> link = drush::login_link(*runner, *site);
  if (!link) {
    if (services.host().is_gone()) return pass(link);
    link.error().hint = by_hand(uri);
    work.warn(link.error());
    return {};
  }
  work.hide(*link);
  const Result<std::string> recipient =
      services.store().with([&](registry::Store& store) { return mail_of_client(store, context->site.client); });
  if (!recipient) return std::unexpected<Error>(recipient.error());
  if (recipient->empty()) {
    work.log(LogLevel::kInfo, "no welcome mail: the site has no client with an e-mail address");
    work.hand_out(*std::move(link));
    return {};
  }
  Result<void> sent = services.host().send_mail({*recipient, welcome_mail(*recipient, uri, site->origin, *link)});
  if (sent) {
    work.log(LogLevel::kInfo, "welcome mail to " + *recipient);
    return {};
  }
  if (services.host().is_gone()) return sent;  // the next worker sends it
  sent.error().message = "the welcome mail to " + *recipient + " was not sent: " + sent.error().message;
  std::string& hint = sent.error().hint;
  hint += (hint.empty() ? "" : "; ") + by_hand(uri);
  work.warn(sent.error());
  work.hand_out(*std::move(link));
  return {};
}

}  // namespace

std::string welcome_mail(const std::string& recipient, const std::string& uri, const std::string& origin,
                         const std::string& link) {
  return "To: " + recipient + "\nSubject: Your new site " + uri +
         " has been created\n"
         "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nAuto-Submitted: auto-generated\n\n"
         "Your new site has been created:\n\n  " +
         origin + "/\n\nThis link logs you in as its first user, admin. It can be used once:\n\n  " + link +
         "\n\nThen choose a password:\n\n  " + origin + "/user/1/edit\n";
}

tasks::Step welcome_step(Services& services, std::string uri) {
  return {"welcome", [&services, uri = std::move(uri)](Work& work) { return welcome(services, work, uri); }};
}

}  // namespace aegir::verbs
