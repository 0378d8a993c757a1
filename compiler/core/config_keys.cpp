#include "compiler/core/config_keys.hpp"

#include <array>

namespace aegir {
namespace {

using Path = ConfigKey::Path;
using Paths = ConfigKey::Paths;
using Name = ConfigKey::Name;
constexpr std::string_view kListenForm = "[ADDRESS:]PORT ...";

const std::array kKeys = {
    ConfigKey{"prefix", Path{&Config::prefix}, "PATH", "none",
              "put before every path below that has a default, for a private installation"},
    ConfigKey{"aegir_root", Path{&Config::aegir_root}, "PATH", "/var/aegir",
              "platforms, backups, clients, Drush aliases, and the web servers' configuration"},
    ConfigKey{
        "config_dir", Path{&Config::config_dir}, "PATH", "config in aegir_root",
        "what root's programs read: a folder server_NAME for each server, in it your own pre.d, vhost.d and post.d"},
    ConfigKey{"acme_root", Path{&Config::acme_root}, "PATH", "acme in aegir_root", "answers to ACME challenges"},
    ConfigKey{"platform_roots", Paths{&Config::platform_roots}, "PATH ...", "platforms in aegir_root",
              "below which directories the codebases of platforms may lie: what is there is given to aegir_user"},
    ConfigKey{"state_dir", Path{&Config::state_dir}, "PATH", "/var/lib/aegir",
              "registry, its key and the map's durable copy; only aegir_user can enter"},
    ConfigKey{"slot_dir", Path{&Config::slot_dir}, "PATH", "/var/lib/aegir-slots",
              "home, temporary and session directories of the PHP slots; not in state_dir"},
    ConfigKey{"run_dir", Path{&Config::run_dir}, "PATH", "/run/aegir", "sockets and pid files"},
    ConfigKey{"log_dir", Path{&Config::log_dir}, "PATH", "/var/log/aegir", "logs of web servers and PHP masters"},
    ConfigKey{"registry", Path{&Config::registry}, "PATH", "registry.sqlite in state_dir", "the registry"},
    ConfigKey{"registry_key", Path{&Config::registry_key}, "PATH", "keys/registry.key in state_dir",
              "the key that seals the registry's secrets"},
    ConfigKey{"map_key", Path{&Config::map_key}, "PATH", "/etc/aegir/map.key",
              "the key that seals passwords in the site map; root's alone"},
    ConfigKey{"map_dir", Path{&Config::map_dir}, "PATH", "map in run_dir",
              "the live site map, which the web servers read; best on a tmpfs"},
    ConfigKey{"map_durable", Path{&Config::map_durable}, "PATH", "map in state_dir", "its copy that survives a reboot"},
    ConfigKey{"aegir_user", Name{&Config::aegir_user}, "USER", "aegir",
              "name or number of the account that owns registry, map and code"},
    ConfigKey{"aegir_group", Name{&Config::aegir_group}, "GROUP", "as aegir_user",
              "its group: whoever is in it may change modules, themes and libraries"},
    ConfigKey{"web_user", Name{&Config::web_user}, "USER", "www-data", "whom the web servers' workers run as"},
    ConfigKey{"web_group", Name{&Config::web_group}, "GROUP", "as web_user", "their group"},
    ConfigKey{"uid_first", &Config::uid_first, "NUMBER", "300000",
              "the first uid, and gid, that a PHP slot may have; no other account may lie in the range"},
    ConfigKey{"uid_last", &Config::uid_last, "NUMBER", "499999", "the last one"},
    ConfigKey{"apache_module", Path{&Config::apache_module}, "PATH", "/usr/lib/apache2/modules/mod_aegir.so",
              "the module that Apache loads"},
    ConfigKey{"nginx_module", Path{&Config::nginx_module}, "PATH", "/usr/lib/nginx/modules/ngx_http_aegir_module.so",
              "the module that nginx loads"},
    ConfigKey{"apache_listen", &Config::apache_listen, kListenForm,
              "the port that the registry names, and Debian's own Listen", "where Apache listens"},
    ConfigKey{"nginx_listen", &Config::nginx_listen, kListenForm, "the port that the registry names, on all addresses",
              "where nginx listens"},
    ConfigKey{"apache_test", &Config::apache_test, "COMMAND", "/usr/sbin/apache2ctl configtest",
              "asks Apache whether it takes its configuration; an absolute path and words, no shell"},
    ConfigKey{"apache_start", &Config::apache_start, "COMMAND",
              "apache_test without configtest or -t, with -DFOREGROUND",
              "starts Apache in the foreground, for a try in a sandbox"},
    ConfigKey{"nginx_test", &Config::nginx_test, "COMMAND", "/usr/sbin/nginx -t", "the same question to nginx"},
    ConfigKey{"apache_reload", &Config::apache_reload, "COMMAND, or: signal PIDFILE",
              "/usr/bin/systemctl reload apache2", "makes Apache read its configuration again (the signal is USR1)"},
    ConfigKey{"nginx_reload", &Config::nginx_reload, "COMMAND, or: signal PIDFILE", "/usr/bin/systemctl reload nginx",
              "makes nginx read its configuration again (the signal is HUP)"},
    ConfigKey{"php_cli", Path{&Config::php_cli}, "PATH", "/usr/bin/php{version}",
              "PHP's command line; {version} is that of a block of PHP, such as 8.2"},
    ConfigKey{"php_fpm", Path{&Config::php_fpm}, "PATH", "/usr/sbin/php-fpm{version}", "PHP-FPM, likewise"},
    ConfigKey{"drush", Path{&Config::drush}, "PATH", "/usr/local/share/drush/drush.php",
              "Drush for platforms that bring none, such as Drush 8 for Drupal 7; every site must be able to read it"},
    ConfigKey{"bee", Path{&Config::bee}, "PATH", "/usr/local/share/bee/bee.php", "bee, for Backdrop; likewise"},
    ConfigKey{"sendmail", Path{&Config::sendmail}, "PATH", "/usr/sbin/sendmail",
              "sends mail to clients, such as that of msmtp-mta; run as aegir_user"},
    ConfigKey{"database_socket", Path{&Config::database_socket}, "PATH", "/run/mysqld/mysqld.sock",
              "where aegird finds this machine's MariaDB, as its own user by unix_socket"},
    ConfigKey{
        "database_options", Path{&Config::database_options}, "PATH", "/etc/aegir/database/{server}.cnf",
        "a file of aegir_user's alone, in the form of my.cnf, that says instead how aegird comes in at the database "
        "service of a server; it need not be there"},
    ConfigKey{"probe_peers", &Config::probe_peers, "ADDRESS ...", "127.0.0.1 ::1",
              "who may probe sites and read the web servers' status"},
    ConfigKey{"trusted_proxies", &Config::trusted_proxies, "ADDRESS[/BITS] ...", "none",
              "whose X-Forwarded-Proto counts; may be empty"},
};

}  // namespace

std::span<const ConfigKey> config_keys() { return kKeys; }

}  // namespace aegir
