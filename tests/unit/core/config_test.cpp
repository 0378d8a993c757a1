#include "compiler/core/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "compiler/core/atomic_file.hpp"

namespace aegir {
namespace {

using testing::ElementsAre;

// What is wrong with a text, as a person would see it.
std::vector<std::string> errors_of(std::string_view text) {
  const ConfigResult config = parse_config(text, "a.conf");
  std::vector<std::string> lines;
  if (config) return lines;
  for (const Error& error : config.error()) {
    Error without_hint = error;
    without_hint.hint.clear();
    lines.push_back(describe(without_hint));
  }
  return lines;
}

TEST(Config, EmptyFileGivesTheDefaults) {
  const ConfigResult config = parse_config("", "a.conf");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->aegir_root, "/var/aegir");
  EXPECT_EQ(config->config_dir, "/var/aegir/config");
  EXPECT_EQ(config->registry, "/var/lib/aegir/registry.sqlite");
  EXPECT_EQ(config->registry_key, "/var/lib/aegir/keys/registry.key");
  EXPECT_EQ(config->map_key, "/etc/aegir/map.key");
  EXPECT_EQ(config->map_dir, "/run/aegir/map");
  EXPECT_EQ(config->map_durable, "/var/lib/aegir/map");
  EXPECT_EQ(config->aegir_group, "aegir");
  EXPECT_EQ(config->web_group, "www-data");
  EXPECT_EQ(config->uid_first, 300000U);
  EXPECT_EQ(config->uid_last, 499999U);
  EXPECT_EQ(config->nginx_test, (std::vector<std::string>{"/usr/sbin/nginx", "-t"}));
  EXPECT_TRUE(config->apache_listen.empty());
}

TEST(Config, PrefixMovesWhatIsNotNamed) {
  const ConfigResult config =
      parse_config("prefix = /var/tmp/q/\nmap_dir = /dev/shm/q-map\nstate_dir=/srv/state", "a.conf");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->aegir_root, "/var/tmp/q/var/aegir");
  EXPECT_EQ(config->acme_root, "/var/tmp/q/var/aegir/acme");
  EXPECT_EQ(config->map_key, "/var/tmp/q/etc/aegir/map.key");
  EXPECT_EQ(config->map_dir, "/dev/shm/q-map");
  EXPECT_THAT(config->platform_roots, ElementsAre("/var/tmp/q/var/aegir/platforms"));
  EXPECT_EQ(config->registry, "/srv/state/registry.sqlite");
  EXPECT_EQ(slot_socket(*config, "b1", 7), "/var/tmp/q/run/aegir/fpm/b1/7.sock");
}

TEST(Config, ReadsEveryKindOfValue) {
  const ConfigResult config = parse_config(
      "# a comment\n"
      "\t uid_first\t=\t600000   # and another\n"
      "uid_last = 600999\n"
      "web_user = 33\n"
      "aegir_root = \"/srv/with blank #1\"\n"
      "platform_roots = /srv/a/ \"/srv/b c\"\n"
      "apache_listen = 8080 127.0.0.1:8081 [::1]:8082\n"
      "nginx_test = /usr/sbin/nginx -t -c \"/x y/nginx.conf\"\n"
      "apache_reload = signal /run/a.pid\n"
      "nginx_reload = /usr/bin/systemctl reload nginx\n"
      "php_cli = /opt/{version}/php\n"
      "trusted_proxies =\n"
      "probe_peers = 10.0.0.1\n",
      "a.conf");
  ASSERT_TRUE(config) << describe(config.error().front());
  EXPECT_EQ(config->uid_first, 600000U);
  EXPECT_EQ(config->web_user, "33");
  EXPECT_EQ(config->web_group, "33");
  EXPECT_EQ(config->aegir_root, "/srv/with blank #1");
  EXPECT_THAT(config->platform_roots, ElementsAre("/srv/a", "/srv/b c"));
  EXPECT_THAT(config->apache_listen, ElementsAre(Listen{"", 8080}, Listen{"127.0.0.1", 8081}, Listen{"::1", 8082}));
  EXPECT_THAT(config->nginx_test, ElementsAre("/usr/sbin/nginx", "-t", "-c", "/x y/nginx.conf"));
  EXPECT_EQ(config->apache_reload, (Reload{{}, "/run/a.pid"}));
  EXPECT_EQ(config->nginx_reload, (Reload{{"/usr/bin/systemctl", "reload", "nginx"}, {}}));
  EXPECT_EQ(php_program(config->php_cli, "8.3"), "/opt/8.3/php");
  EXPECT_EQ(php_program(config->php_fpm, "8.3"), "/usr/sbin/php-fpm8.3");
  EXPECT_TRUE(config->trusted_proxies.empty());
  EXPECT_THAT(config->probe_peers, ElementsAre("10.0.0.1"));
}

TEST(Config, ReportsAllErrorsAtOnceWithTheirPlaces) {
  EXPECT_THAT(
      errors_of("mapdir = /x\n"
                "banana = 1\n"
                "aegir_root /x\n"
                "  map_key = relative\n"
                "map_key = /a/../b\n"
                "uid_first = 12\n"
                "uid_last = many\n"
                "web_user = a b\n"
                "web_group =   # nothing\n"
                "log_dir = \"/x\n"
                "run_dir = /a\"b\"\n"
                "apache_listen = 80 0 ::1:80 host:80\n"
                "nginx_test = nginx -t\n"
                "nginx_reload = signal\n"
                "probe_peers =\n"
                "state_dir = /a\x01\n"
                "aegir_user = b\r\n"
                "platform_roots = /srv platforms\n"
                "registry\n"),
      ElementsAre(
          "a.conf:1:1: unknown key 'mapdir'; did you mean 'map_dir'?", "a.conf:2:1: unknown key 'banana'",
          "a.conf:3:12: expected '=' after 'aegir_root'",
          "a.conf:4:13: 'map_key' must be an absolute path without '.', '..' or '//', found 'relative'",
          "a.conf:5:1: 'map_key' is already set in line 4",
          "a.conf:6:13: 'uid_first' must be a number from 1000 to 4294967293, found '12'",
          "a.conf:7:12: 'uid_last' must be a number from 1000 to 4294967293, found 'many'",
          "a.conf:8:14: 'web_user' takes one word, found another: 'b'", "a.conf:9:11: 'web_group' has no value",
          "a.conf:10:11: the quote is not closed", "a.conf:11:13: a quote inside a word",
          "a.conf:12:20: expected a port, ADDRESS:PORT or [ADDRESS]:PORT, found '0'",
          "a.conf:12:22: expected a port, ADDRESS:PORT or [ADDRESS]:PORT, found '::1:80'",
          "a.conf:12:29: expected a port, ADDRESS:PORT or [ADDRESS]:PORT, found 'host:80'",
          "a.conf:13:14: 'nginx_test' must be an absolute path without '.', '..' or '//', found 'nginx'",
          "a.conf:14:16: 'signal' takes one word: the path of a pid file", "a.conf:15:13: 'probe_peers' has no value",
          "a.conf:16:15: a control character", "a.conf:17:15: the line ends with CR LF; expected LF",
          "a.conf:18:23: 'platform_roots' must be an absolute path without '.', '..' or '//', found 'platforms'",
          "a.conf:19:9: expected '=' after 'registry'"));
}

TEST(Config, RefusesWhatDoesNotFitTogether) {
  EXPECT_THAT(errors_of("uid_last = 2000\nuid_first = 3000\n"),
              ElementsAre("a.conf:2:1: uid_first (3000) is above uid_last (2000)"));
  EXPECT_THAT(errors_of("slot_dir = /var/lib/aegir/slots\n"),
              ElementsAre("a.conf:1:1: slot_dir lies in state_dir, which no site may enter"));
}

TEST(Config, MissingFileIsNotFound) {
  const ConfigResult config = read_config("/nonexistent/aegir.conf");
  ASSERT_FALSE(config);
  ASSERT_EQ(config.error().size(), 1U);
  EXPECT_EQ(config.error()[0].code, Code::kNotFound);
}

TEST(Config, AccountsByNameAndNumber) {
  Config config;
  config.aegir_user = config.aegir_group = "654321";  // nobody has it
  config.web_user = "www-data";
  config.web_group = "33";
  const Result<Accounts> accounts = resolve_accounts(config);
  ASSERT_TRUE(accounts) << describe(accounts.error());
  EXPECT_EQ(accounts->aegir, 654321U);
  EXPECT_EQ(accounts->web, 33U);
  EXPECT_EQ(accounts->web_group, 33U);

  config.web_user = "no-such-user";
  EXPECT_EQ(resolve_accounts(config).error().code, Code::kNotFound);
  config.web_user = "0";
  EXPECT_EQ(resolve_accounts(config).error().code, Code::kInvalid);
  config.web_user = config.aegir_user;
  EXPECT_EQ(resolve_accounts(config).error().code, Code::kInvalid);
}

}  // namespace
}  // namespace aegir
