// What must be known before the registry can be opened: paths, users, the range of uids, how the web servers
// are tested and reloaded. Everything else is a row of the registry.
//
// Read from /etc/aegir/aegir.conf or the file of --config. One `key = value` a line; '#' at the beginning of
// a line or after a blank begins a comment. A value is one word or, for a list, several with blanks between
// them; a word with blanks or a '#' stands in double quotes (without escapes). Every key has a default; those
// of paths lie below `prefix`, so that a private installation sets little more than that.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/error.hpp"

namespace aegir {

inline constexpr std::string_view kConfigFile = "/etc/aegir/aegir.conf";

/// Where a web server listens: an address ("127.0.0.1", "::1"; empty: all) and a port.
struct Listen {
  std::string address;
  std::uint16_t port = 80;
  bool operator==(const Listen&) const = default;
};

/// How a server is told to read its configuration again: a command, or a signal to the process in a pid file
/// (Apache: USR1, nginx: HUP). Exactly one of the two is set.
struct Reload {
  std::vector<std::string> argv;
  std::string pid_file;
  bool operator==(const Reload&) const = default;
};

/// The configuration, complete: what the file leaves out has its default. Paths are absolute, without a slash
/// at their end.
struct Config {
  std::string prefix;  ///< put before every default path; empty on a real server

  std::string aegir_root;  ///< platforms, backups, clients, config [/var/aegir]
  std::string config_dir;  ///< root-owned fragments [<aegir_root>/config]
  std::string acme_root;   ///< answers to ACME challenges [<aegir_root>/acme]
  /// Folders below which codebases may lie, however deep [<aegir_root>/platforms]. Verify gives what is there to aegir,
  /// so it is root who says where, and not the registry, which is aegir's.
  std::vector<std::string> platform_roots;
  std::string state_dir;     ///< 0700 of aegir_user [/var/lib/aegir]
  std::string slot_dir;      ///< own directories of the PHP slots, outside of state_dir [/var/lib/aegir-slots]
  std::string run_dir;       ///< sockets and pid files [/run/aegir]
  std::string log_dir;       ///< logs of web servers and PHP masters [/var/log/aegir]
  std::string registry;      ///< [<state_dir>/registry.sqlite]
  std::string registry_key;  ///< seals the registry's secrets [<state_dir>/keys/registry.key]
  std::string map_key;       ///< seals the map's credentials, 0400 root [/etc/aegir/map.key]
  std::string map_dir;       ///< the live map, on a tmpfs [<run_dir>/map]
  std::string map_durable;   ///< its durable copy [<state_dir>/map]

  std::string aegir_user = "aegir";   ///< name or number, as the other accounts
  std::string aegir_group;            ///< [as aegir_user]
  std::string web_user = "www-data";  ///< whom the web servers' workers run as
  std::string web_group;              ///< [as web_user]
  std::uint32_t uid_first = 300000;   ///< uids and gids of PHP slots, first and last
  std::uint32_t uid_last = 499999;

  std::string apache_module = "/usr/lib/apache2/modules/mod_aegir.so";
  std::string nginx_module = "/usr/lib/nginx/modules/ngx_http_aegir_module.so";
  std::vector<Listen> apache_listen;  ///< empty: the port that the registry names, and Debian's own Listen
  std::vector<Listen> nginx_listen;   ///< empty: the port that the registry names, on all addresses
  std::vector<std::string> apache_test = {"/usr/sbin/apache2ctl", "configtest"};
  /// Starts Apache in the foreground, for a try [apache_test without -t or configtest, with -DFOREGROUND].
  std::vector<std::string> apache_start;
  std::vector<std::string> nginx_test = {"/usr/sbin/nginx", "-t"};
  Reload apache_reload = {{"/usr/bin/systemctl", "reload", "apache2"}, {}};
  Reload nginx_reload = {{"/usr/bin/systemctl", "reload", "nginx"}, {}};
  std::string php_cli = "/usr/bin/php{version}";       ///< PHP's command line; "{version}" is the block's: 8.2
  std::string php_fpm = "/usr/sbin/php-fpm{version}";  ///< its FPM, likewise
  /// Drush, for platforms that bring none, or Backdrop's bee; every site must be able to read it.
  std::string drush = "/usr/local/share/drush/drush.php";
  std::string bee = "/usr/local/share/bee/bee.php";
  std::string sendmail = "/usr/sbin/sendmail";  ///< takes a mail on its standard input; aegird runs it as aegir
  std::string database_socket = "/run/mysqld/mysqld.sock";  ///< of this machine's MariaDB, for aegird
  /// How aegird comes in at the database server of a name, in the form of my.cnf; by unix_socket where there is no such
  /// file [/etc/aegir/database/{server}.cnf].
  std::string database_options;
  std::vector<std::string> probe_peers = {"127.0.0.1", "::1"};  ///< addresses that may probe and read the status
  std::vector<std::string> trusted_proxies;  ///< addresses or networks whose X-Forwarded-Proto counts

  bool operator==(const Config&) const = default;
};

/// A configuration, or everything that is wrong with it, in the order of the lines.
using ConfigResult = std::expected<Config, std::vector<Error>>;

/// Parses the text of a configuration file; `file` is for messages only. An empty text gives the defaults.
[[nodiscard]] ConfigResult parse_config(std::string_view text, std::string_view file);

/// Reads and parses `path`. kNotFound when there is no such file.
[[nodiscard]] ConfigResult read_config(const std::string& path);

/// The accounts of a configuration as numbers.
struct Accounts {
  uid_t aegir = 0;
  gid_t aegir_group = 0;
  uid_t web = 0;
  gid_t web_group = 0;
};

/// Looks the configured users and groups up; a number needs no entry in passwd. Refuses uid and gid 0 for all
/// of them and a web user who is aegir. Not thread-safe (getpwnam).
[[nodiscard]] Result<Accounts> resolve_accounts(const Config& config);

// Names below the configured directories, each in one place.

/// Folder of a server's fragments: <config_dir>/server_<name>.
[[nodiscard]] std::string server_config_dir(const Config& config, std::string_view server);

/// Where aegird-worker listens for `aegir`: <run_dir>/api/socket, in a folder of aegir's.
[[nodiscard]] std::string api_socket(const Config& config);

/// Folder of a block's sockets: <run_dir>/fpm/<block>.
[[nodiscard]] std::string block_socket_dir(const Config& config, std::string_view block);

/// Socket of a slot, without a prefix such as "unix:": what a record of the site map holds.
[[nodiscard]] std::string slot_socket(const Config& config, std::string_view block, std::uint32_t slot);

/// A slot's own directories: <slot_dir>/<block>/<number>.
[[nodiscard]] std::string slot_home(const Config& config, std::string_view block, std::uint32_t slot);

/// Folder of the PHP that a block's sites run with, for PATH and for who starts its master: <config_dir>/php/<block>,
/// with the links `php` and `php-fpm`.
[[nodiscard]] std::string block_php_dir(const Config& config, std::string_view block);

/// Config::database_options of one server.
[[nodiscard]] std::string database_options_file(const Config& config, std::string_view server);

/// Config::php_cli or Config::php_fpm of one version.
[[nodiscard]] std::string php_program(std::string pattern, std::string_view version);

}  // namespace aegir
