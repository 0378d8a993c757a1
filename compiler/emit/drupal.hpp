// Model to text: the files that Drupal, Backdrop and Drush read. Pure functions; one model gives one text.
//
//   sites/<uri>/settings.php             credentials (cloaked or plain), paths, trusted host, hash salt
//   sites/<uri>/drushrc.php              Drush 8, and what people set for a site
//   sites/sites.php                      the same for every platform
//   sites/all/drush/drushrc.php          what a platform has, with sites.drushrc.php beside it
//   <config_dir>/cli/<uri>.php           credentials for a command line without them in its environment
//   .drush/<name>.alias.drushrc.php      Aegir's contexts as aliases of Drush 8
//   .drush/sites/<name>.site.yml, .drush/drush.yml   aliases of Drush 9 and later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "compiler/core/php_literal.hpp"
#include "compiler/registry/model.hpp"

namespace aegir::emit {

/// A site with what it refers to. `site.cloaking` says how its settings.php has the credentials.
struct SiteFacts {
  registry::Site site;
  registry::Platform platform;
  std::optional<registry::DatabaseService> database;  ///< of the server that site.database names
  std::string core_version = {};                      ///< of the platform's code, for drushrc.php like the next
  std::vector<registry::Package> packages = {};       ///< all that it has; none: they are not known
};

/// Header in which a site's settings.php answers a probe: "<site directory>; database=<name>", both as in a URL.
inline constexpr std::string_view kProbeHeader = "X-Aegir-Settings";

/// A platform's name, such as /var/aegir/platforms/d10/sites/shop.example.com.
[[nodiscard]] std::string site_path(const SiteFacts& facts);

/// kInvalid for a platform whose CMS is none of ours.
[[nodiscard]] Result<std::string> settings_php(const Config& config, const SiteFacts& facts);
/// How an emitted settings.php has its credentials: true when cloaked; nothing when it is not ours.
[[nodiscard]] std::optional<bool> is_cloaked(std::string_view settings_php);

/// The map of hosts to directories: it takes the directory from what the web server's module passes.
[[nodiscard]] std::string sites_php();

/// What settings.php includes on a command line.
[[nodiscard]] std::string cli_php(const SiteFacts& facts);

/// A drushrc.php with what people have set in it.
struct Drushrc {
  std::string text;
  std::vector<std::string>
      kept;  ///< names of the settings that are people's: keys of $options, "$command_specific['x']"
};

/// A site's drushrc.php. Of `present`, the file that is there, everything that is not Aegir's stays as it was, in its
/// order; `provision_db_cloaking` becomes what site.cloaking says. Packages that are not known stay as they were.
[[nodiscard]] Drushrc site_drushrc(const SiteFacts& facts, const std::vector<php::Statement>& present);
/// What a drushrc.php says of cloaking; nothing when it does not say.
[[nodiscard]] std::optional<bool> asks_for_cloaking(const std::vector<php::Statement>& drushrc);

/// A platform's drushrc.php; `present` as for a site. Everybody may read it; the names of the platform's sites, which
/// are no tenant's business, come from kSitesDrushrc beside it. Profiles and packages of a codebase that was not read
/// yet stay as they were.
[[nodiscard]] Drushrc platform_drushrc(const registry::Platform& platform, const registry::Codebase& codebase,
                                       const std::vector<php::Statement>& present);
inline constexpr std::string_view kSitesDrushrc = "sites.drushrc.php";
[[nodiscard]] std::string sites_drushrc(const std::vector<std::string>& uris);

/// Aliases of Drush 8, as Aegir 3 writes its contexts. Secrets of a server are not among them.
[[nodiscard]] std::string server_alias(const Config& config, const registry::Server& server);
[[nodiscard]] std::string platform_alias(const registry::Platform& platform);
[[nodiscard]] std::string site_alias(const SiteFacts& facts);
/// Name of an alias' file: "shop.example.com.alias.drushrc.php".
[[nodiscard]] std::string alias_file(std::string_view context);

/// An alias of Drush 9 and later, with one environment. Fails for a docroot that is not UTF-8.
[[nodiscard]] Result<std::string> site_yml(const SiteFacts& facts);
/// Name of its file: "shop_example_com.site.yml"; Drush finds no name with dots in it.
[[nodiscard]] std::string site_yml_file(std::string_view uri);
/// Tells Drush where these files lie.
[[nodiscard]] Result<std::string> drush_yml(std::string_view alias_path);

}  // namespace aegir::emit
