#include "compiler/registry/validate.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "compiler/core/idna.hpp"
#include "compiler/registry/rules.hpp"

namespace aegir::registry {
namespace {

constexpr std::string_view kHostHint = "write it in lower case, without scheme, port, path or dot at the end";

void target(Rules& rules, std::string field, std::string_view value) {
  if (value.empty() || is_host(value, false) || is_origin(value)) return;
  rules.refuse(std::move(field), printable(value) + " is not a redirect target",
               "write a host name (www.example.org) or an origin without a path (https://www.example.org)");
}

void database(Rules& rules, const Database& database) {
  if (database == Database{}) return;  // none yet
  (void)rules.name("database/server", database.server);
  constexpr std::string_view kNameBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$-";
  // Lengths are MariaDB's: 64 for a database, 80 for a user.
  if (database.name.empty() || database.name.size() > 64 || !only(database.name, kNameBytes)) {
    rules.refuse("database/name", printable(database.name) + " can't name a database",
                 "a database's name has 1 to 64 letters, digits, '_', '$' and '-'");
  }
  if (database.user.empty() || database.user.size() > 80 || !only(database.user, kNameBytes)) {
    rules.refuse("database/user", printable(database.user) + " can't name a database user",
                 "a database user's name has 1 to 80 letters, digits, '_', '$' and '-'");
  }
  if (!rules.text("database/password", database.password, 255)) return;
  if (database.password.empty())
    rules.refuse("database/password", "is empty", "a site's database account needs a password");
}

/// Where the name `host` of a site leads by the site's own settings; empty: served in place.
std::string_view effective_target(const Site& site, std::string_view host) {
  const auto alias = std::ranges::find(site.aliases, host, &Alias::host);
  if (alias != site.aliases.end() && !alias->redirect_to.empty()) return alias->redirect_to;
  return host == site.redirect_to ? std::string_view() : std::string_view(site.redirect_to);
}

bool is_own_name(const Site& site, std::string_view host) {
  return host == site.uri || std::ranges::find(site.aliases, host, &Alias::host) != site.aliases.end();
}

/// A target that is one of the site's own names must be served in place, or browsers run in a circle.
void no_circle(Rules& rules, const Site& site, std::string field, std::string_view target) {
  const std::string_view host = host_of_target(target);
  if (host.empty() || !is_own_name(site, host)) return;
  if (host != target) {
    rules.refuse(std::move(field), printable(target) + " is an origin of the site's own name " + printable(host),
                 "write the name alone, and set https to \"required\" if it is meant to be https");
  } else if (const std::string_view next = effective_target(site, host); !next.empty()) {
    rules.refuse(std::move(field), printable(target) + " itself redirects to " + printable(next),
                 "redirect to a name that is served");
  }
}

void redirects(Rules& rules, const Site& site) {
  target(rules, "redirect_to", site.redirect_to);
  if (is_host(site.redirect_to, false) && !is_own_name(site, site.redirect_to)) {
    rules.refuse("redirect_to", printable(site.redirect_to) + " is none of the site's names",
                 "add it to the aliases, or write an origin (https://" + site.redirect_to + ") to leave the site");
  } else {
    no_circle(rules, site, "redirect_to", site.redirect_to);
  }
  for (const Alias& alias : site.aliases) {
    const std::string field = "aliases/" + alias.host + "/redirect_to";
    target(rules, field, alias.redirect_to);
    no_circle(rules, site, field, alias.redirect_to);
  }
}

/// What lies in sites/ of every platform and can't be the directory of a site.
bool is_reserved(std::string_view uri) {
  return uri == "all" || uri == "default" || uri == "sites.php" || uri == "local.sites.php";
}

/// What Drush's aliases of servers and platforms are called.
bool is_alias_of_ours(std::string_view uri) {
  return uri.find('.') == std::string_view::npos && (uri.starts_with("server_") || uri.starts_with("platform_"));
}

void names(Rules& rules, const Site& site) {
  if (is_reserved(site.uri)) {
    rules.refuse("", printable(site.uri) + " is in sites/ of every platform", "give the site another name");
  }
  if (is_alias_of_ours(site.uri)) {
    rules.refuse("", printable(site.uri) + " is what Drush calls a server or a platform", "give the site another name");
  }
  if (site.uri.ends_with(".conf")) {
    rules.refuse("", printable(site.uri) + " is how configuration files are called, such as shop.example.local.conf",
                 "give the site another name; as an alias it is fine");
  }
  if (!is_host(site.uri, false))
    rules.refuse("", printable(site.uri) + " is not a canonical host name", std::string(kHostHint));
  const std::string* previous = nullptr;
  for (const Alias& alias : site.aliases) {
    const std::string field = "aliases/" + alias.host;
    if (!is_host(alias.host, true)) {
      rules.refuse(field, printable(alias.host) + " is neither a canonical host name nor *.suffix",
                   std::string(kHostHint));
    } else if (alias.host == site.uri) {
      rules.refuse(field, printable(alias.host) + " is the site's own name", "leave it out of the aliases");
    } else if (previous != nullptr && *previous >= alias.host) {
      rules.refuse(field,
                   printable(alias.host) + " comes after " + printable(*previous) + "; aliases are sorted, each once");
    }
    previous = &alias.host;
  }
  for (std::size_t i = 0; i < site.former_uris.size(); ++i) {
    const std::string& former = site.former_uris[i];
    const std::string field = "former_uris/" + former;
    if (!is_host(former, false)) {
      rules.refuse(field, printable(former) + " is not a canonical host name", std::string(kHostHint));
    } else if (former == site.uri) {
      rules.refuse(field, printable(former) + " is the site's present name", "leave it out of the former ones");
    } else if (i > 0 && site.former_uris[i - 1] >= former) {
      rules.refuse(field, printable(former) + " comes after " + printable(site.former_uris[i - 1]) +
                              "; former names are sorted, each once");
    }
  }
}

void http_auth(Rules& rules, const HttpAuth& auth) {
  if (rules.text("http_auth/user", auth.user, 255) && (auth.user.empty() || auth.user.find(':') != std::string::npos)) {
    rules.refuse("http_auth/user", printable(auth.user) + " can't be a user of HTTP authentication",
                 "write at least one character and no colon (RFC 7617)");
  }
  if (rules.text("http_auth/password", auth.password, 255) && auth.password.empty()) {
    rules.refuse("http_auth/password", "is empty", "write a password, or take http_auth away");
  }
  if (rules.text("http_auth/realm", auth.realm, 128) && auth.realm.find_first_of("\"\\") != std::string::npos) {
    rules.refuse("http_auth/realm", printable(auth.realm) + " holds a quote or backslash", "write it without them");
  }
}

void php(Rules& rules, const PhpLimits& php) {
  rules.range("php/memory_limit", php.memory_limit, 16, 65536, "MiB");
  rules.range("php/upload_max_filesize", php.upload_max_filesize, 1, 65536, "MiB");
  rules.range("php/post_max_size", php.post_max_size, 1, 65536, "MiB");
  rules.range("php/max_execution_time", php.max_execution_time, 1, 86400, "seconds");
}

}  // namespace

bool is_host(std::string_view host, bool wildcard) {
  if (!has_host_form(host, wildcard)) return false;
  if (host.find("xn--") == std::string_view::npos) return true;
  if (host.starts_with("*.")) host.remove_prefix(2);
  const Result<std::string> canonical = canonical_host(host);
  return canonical && *canonical == host;
}

bool is_origin(std::string_view text) {
  const std::size_t scheme = text.starts_with("http://") ? 7 : text.starts_with("https://") ? 8 : 0;
  if (scheme == 0) return false;
  text.remove_prefix(scheme);
  const std::size_t colon = text.find(':');
  if (!is_host(text.substr(0, colon), false)) return false;
  if (colon == std::string_view::npos) return true;
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [stop, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return problem == std::errc{} && stop == digits.data() + digits.size() && port != 0 && digits.front() != '0';
}

std::string_view host_of_target(std::string_view target) {
  const std::size_t scheme = target.find("://");
  if (scheme == std::string_view::npos) return target;
  target.remove_prefix(scheme + 3);
  return target.substr(0, target.find(':'));
}

Problems validate(const Site& site) {
  Rules rules;
  names(rules, site);
  redirects(rules, site);
  (void)rules.name("platform", site.platform);
  if (!site.client.empty()) (void)rules.name("client", site.client);
  if (site.profile.empty() || site.profile.size() > 64 ||
      !only(site.profile, std::string(kLower) + std::string(kDigits) + "_")) {
    rules.refuse("profile", printable(site.profile) + " is not the name of an install profile",
                 "a profile's name has letters a-z, digits and '_'");
  }
  if (site.language.empty() || site.language.size() > 12 ||
      !only(site.language, std::string(kLower) + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + std::string(kDigits) + "-")) {
    rules.refuse("language", printable(site.language) + " is not a language code", "write en, de or pt-br");
  }
  if (site.http_auth) http_auth(rules, *site.http_auth);
  if (rules.text("cron_key", site.cron_key, 128) && site.cron_key.find_first_of(" /?#&%\"'\\<>") != std::string::npos) {
    rules.refuse("cron_key", "holds a character that has a meaning in a URL", "use letters, digits, '_' and '-'");
  }
  (void)rules.text("hash_salt", site.hash_salt, 255);
  for (std::size_t i = 0; i < site.key_pages.size(); ++i) {
    const std::string field = "key_pages/" + std::to_string(i);
    if (!rules.text(field, site.key_pages[i], 2048)) continue;
    if (site.key_pages[i].empty() || site.key_pages[i].front() != '/' ||
        site.key_pages[i].find_first_of(" #") != std::string::npos) {
      rules.refuse(field, printable(site.key_pages[i]) + " is not a path of a site",
                   "write /, /user/login or /node/1?x=y");
    }
  }
  php(rules, site.php);
  if (site.body_limit != 0) rules.range("body_limit", site.body_limit, 1, 65536, "MiB");
  database(rules, site.database);
  if (!site.block.empty()) (void)rules.name("slot/block", site.block);
  return rules.take();
}

Problems validate(const Settings& settings) {
  Rules rules;
  if (!settings.console_url.empty() && !is_origin(settings.console_url)) {
    rules.refuse("console_url", printable(settings.console_url) + " is not an origin",
                 "write https://console.example, without a path");
  }
  for (std::size_t i = 0; i < settings.alias_defaults.patterns.size(); ++i) {
    const std::string& pattern = settings.alias_defaults.patterns[i];
    const std::string field = "alias_defaults/patterns/" + std::to_string(i);
    const std::size_t hole = pattern.find("{uri}");
    std::string example = pattern;
    if (hole != std::string::npos) example.replace(hole, 5, "a.example");
    if (hole == std::string::npos || !is_host(example, true) || example == "a.example") {
      rules.refuse(field, printable(pattern) + " makes no host name of a site's",
                   "write {uri} where the site's name goes: www.{uri}");
    }
  }
  rules.range("log_days", settings.log_days, 1, 36500, "days");
  return rules.take();
}

}  // namespace aegir::registry
