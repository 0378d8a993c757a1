// What a call of Drush needs to know: the tool, and the site with its slot's places and its database.
#pragma once

#include <cstdint>
#include <string>

#include "compiler/core/error.hpp"
#include "compiler/registry/model.hpp"

namespace aegir::drush {

/// The program that speaks for a codebase: Drush, or for Backdrop bee.
struct Tool {
  std::string script;       ///< absolute path of drush.php or bee.php; always run as `php script`
  std::string version;      ///< as its own files say: "13.3.0", "8.4.12"; of bee "1.x-1.2.x-dev"
  std::uint32_t major = 0;  ///< of `version`; 0: it names none ("dev-main", and bee)
  bool operator==(const Tool&) const = default;
};

/// A site as its programs are run. Plain values: the caller takes them from registry and configuration.
struct Site {
  std::string uri;      ///< canonical; its directory is <docroot>/sites/<uri>
  std::string docroot;  ///< absolute, without a slash at its end
  registry::Cms cms = registry::Cms::kDrupal8;
  Tool tool;
  /// Scheme, canonical host and the port when it is not the scheme's own, as visitors have it: "https://shop.example",
  /// "http://shop.example:8080". An alias in it would silently be sites/default to Drush.
  std::string origin;
  std::string php_dir;                ///< folder whose `php` is the slot's PHP (block_php_dir()); first in PATH
  std::string home;                   ///< HOME, a 0700 directory of the slot's, in which Drush has its cache
  std::string tmp;                    ///< TMP, another one: Drush writes the database's password there
  registry::DatabaseService service;  ///< type, host and port of the database
  registry::Database database;        ///< its name, user and password
  std::uint32_t memory_limit = 512;   ///< MiB that PHP may take
};

/// Finds the Drush that runs a codebase: the codebase's own (vendor/ in the docroot or beside it), else the one that
/// `named`, the platform's setting, says: drush.php, a vendor/bin/drush, or for Backdrop bee.php. Reads files of the
/// codebase and of the tool, runs nothing. kNotFound names what to set or install; kInvalid for a tool that can't run
/// this CMS (Drupal 7 needs Drush 8) or whose version is not to be found.
[[nodiscard]] Result<Tool> find_tool(const std::string& docroot, registry::Cms cms, const std::string& named = {});

}  // namespace aegir::drush
