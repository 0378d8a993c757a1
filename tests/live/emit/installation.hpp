// A whole private installation, made by our own code: directories and slots by compiler/machine, configuration by
// compiler/emit, served by real Apache, nginx and PHP-FPM. Two sites, a.test and b.test, in the first two slots of one
// block of three.
#pragma once

#include <memory>
#include <string>

#include "compiler/emit/emit.hpp"
#include "compiler/machine/machine.hpp"
#include "tests/live/harness/http.hpp"
#include "tests/live/harness/map_fixture.hpp"
#include "tests/live/harness/servers.hpp"

namespace aegir::live {

class Installation {
 public:
  static constexpr uid_t kAegir = 610001;  ///< nobody in passwd, as all of them but www-data
  static constexpr uid_t kUidA = 612000;
  static constexpr uid_t kUidB = 612001;

  /// Makes everything and starts PHP-FPM. Throws std::runtime_error.
  Installation();

  void start_apache();
  void start_nginx();
  /// config() with the servers that run: how they are tested, started and reloaded.
  [[nodiscard]] Config with_servers() const;
  /// What is installed.
  [[nodiscard]] emit::Model model() const;
  [[nodiscard]] const Accounts& accounts() const noexcept { return accounts_; }
  /// Ends PHP-FPM and starts it with another text for the block.
  void restart_fpm(const std::string& config);

  [[nodiscard]] const Config& config() const noexcept { return config_; }
  [[nodiscard]] std::string root() const { return root_.path(); }
  [[nodiscard]] std::string docroot() const { return root_.path("platform"); }
  [[nodiscard]] std::string site(const std::string& uri) const { return docroot() + "/sites/" + uri; }
  [[nodiscard]] std::string block_config() const { return slurp(emit::fpm_block_path(config_, block_)); }
  [[nodiscard]] std::string socket(std::uint32_t slot) const { return slot_socket(config_, block_.name, slot); }
  [[nodiscard]] std::string home(std::uint32_t slot) const { return slot_home(config_, block_.name, slot); }
  [[nodiscard]] const MapFixture& map() const noexcept { return map_; }
  /// What the map holds: a test may change it and publish it again.
  [[nodiscard]] MapContent& content() noexcept { return content_; }
  void publish() { map_.publish(content_); }

  [[nodiscard]] ApacheServer& apache() { return *apache_; }
  [[nodiscard]] NginxServer& nginx() { return *nginx_; }
  [[nodiscard]] FpmServer& fpm() { return *fpm_; }
  [[nodiscard]] Endpoint apache_endpoint() const { return apache_port_.endpoint(); }
  [[nodiscard]] Endpoint nginx_endpoint() const { return nginx_port_.endpoint(); }
  /// Where they answer https, once there is a certificate.
  [[nodiscard]] std::uint16_t apache_https_port() const { return apache_https_port_.number(); }
  [[nodiscard]] std::uint16_t nginx_https_port() const { return nginx_https_port_.number(); }
  /// What the PHP-FPM master wrote.
  [[nodiscard]] std::string fpm_log() const { return slurp(config_.log_dir + "/php-b1.log"); }

 private:
  void make_directories();
  void make_platform() const;
  void make_map();
  void install() const;

  TempDir root_;
  MapFixture map_;
  MapContent content_;
  Port apache_port_;
  Port nginx_port_;
  Port apache_https_port_;
  Port nginx_https_port_;
  Config config_;
  Accounts accounts_;
  registry::Block block_;
  registry::Platform platform_;
  std::unique_ptr<FpmServer> fpm_;
  std::unique_ptr<ApacheServer> apache_;
  std::unique_ptr<NginxServer> nginx_;
};

/// A file of `owner`'s. Throws std::runtime_error.
void put_as(uid_t owner, const std::string& path, std::string_view content, mode_t mode = 0644);

}  // namespace aegir::live
