// The installation that is hunted in: everything as `aegirc compile` makes it, with real Apache, nginx, PHP-FPM and
// MariaDB. Sites a.test and b.test have a slot each, c.test and d.test share one. Beside them an Apache and an nginx
// serve the same sites in their static form, without our modules.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/core/config.hpp"
#include "tests/live/harness/servers.hpp"

namespace aegir::hunt {

inline constexpr uid_t kAegir = 613001;
inline constexpr uid_t kDatabase = 613002;
inline constexpr uid_t kFirst = 614000;   ///< a.test; b.test is the next one
inline constexpr uid_t kShared = 614100;  ///< c.test and d.test

/// The word that every secret of a site begins with: "kanariA" for a.test.
[[nodiscard]] std::string needle_of(const std::string& site);

/// A private MariaDB with a uid of its own.
class Database {
 public:
  explicit Database(const std::string& directory);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  [[nodiscard]] const live::Port& port() const noexcept { return port_; }
  [[nodiscard]] const std::string& socket() const noexcept { return socket_; }
  [[nodiscard]] pid_t pid() const { return server_->pid(); }
  /// Runs statements as its root. Throws std::runtime_error.
  void run(const std::string& statements) const;

 private:
  live::Port port_;
  std::string socket_;
  std::unique_ptr<live::Process> server_;
};

class World {
 public:
  World();

  [[nodiscard]] const Config& config() const noexcept { return config_; }
  [[nodiscard]] std::string root() const { return root_.path(); }
  [[nodiscard]] std::string docroot() const { return config_.aegir_root + "/platforms/hunt"; }
  [[nodiscard]] std::string site(const std::string& uri) const { return docroot() + "/sites/" + uri; }
  [[nodiscard]] std::string slot(const std::string& uri) const;    ///< its own directories
  [[nodiscard]] std::string socket(const std::string& uri) const;  ///< of its PHP
  [[nodiscard]] std::string password(const std::string& uri) const { return needle_of(uri) + "Password1"; }
  [[nodiscard]] const Database& database() const noexcept { return *database_; }
  [[nodiscard]] live::ApacheServer& apache() noexcept { return *apache_; }
  [[nodiscard]] live::NginxServer& nginx() noexcept { return *nginx_; }
  [[nodiscard]] const live::Port& apache_port() const noexcept { return apache_port_; }
  [[nodiscard]] const live::Port& nginx_port() const noexcept { return nginx_port_; }
  [[nodiscard]] live::ApacheServer& static_apache() noexcept { return *static_apache_; }
  [[nodiscard]] live::NginxServer& static_nginx() noexcept { return *static_nginx_; }
  [[nodiscard]] const live::Port& static_apache_port() const noexcept { return static_apache_port_; }
  [[nodiscard]] const live::Port& static_nginx_port() const noexcept { return static_nginx_port_; }
  /// Where the fragments of the static form lie, with every site's password in them.
  [[nodiscard]] std::string static_dir() const { return root_.path("static"); }
  /// Every process of the installation that runs for more than a moment.
  [[nodiscard]] std::vector<pid_t> processes() const;
  /// Runs aegirc as an administrator does. Throws std::runtime_error when it fails.
  void aegirc(const std::vector<std::string>& arguments) const;

 private:
  /// The lines of aegir.conf that hold for both forms.
  [[nodiscard]] std::string common_config() const;
  void write_config() const;
  void write_document() const;
  void write_sites() const;
  void start();
  void start_static();

  live::TempDir root_;
  live::Port apache_port_;
  live::Port nginx_port_;
  live::Port static_apache_port_;
  live::Port static_nginx_port_;
  Config config_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<live::FpmServer> main_;
  std::unique_ptr<live::FpmServer> pool_;
  std::unique_ptr<live::ApacheServer> apache_;
  std::unique_ptr<live::NginxServer> nginx_;
  std::unique_ptr<live::ApacheServer> static_apache_;
  std::unique_ptr<live::NginxServer> static_nginx_;
};

}  // namespace aegir::hunt
