// A whole machine for the sidecar: MariaDB, PHP-FPM, Apache and nginx with the modules, aegird with its worker, and one
// platform. Everything about sites is asked for with `aegir`, as a person would.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "compiler/core/config.hpp"
#include "tests/live/harness/http.hpp"
#include "tests/live/harness/process.hpp"
#include "tests/live/harness/servers.hpp"

namespace aegir::sidecar {

class Lab {
 public:
  enum class Server { kApache, kNginx };

  /// Of this process alone: a slot's end ends whatever has its uid on the machine, another lab's too.
  static const uid_t kAegir;
  static const uid_t kDatabase;
  static const uid_t kFirstSlot;
  static constexpr unsigned kSlots = 96;

  /// `project` is copied; `docroot` below it, "" for itself; `config`: more lines of aegir.conf. Throws
  /// std::runtime_error.
  explicit Lab(const std::string& project, const std::string& docroot = {}, const std::string& config = {});
  /// One on the fixture, with aegird at work and the platform p1 added.
  [[nodiscard]] static std::unique_ptr<Lab> on_fixture();
  ~Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  /// Starts aegird and waits until its worker answers.
  void start_aegird();
  /// The same with a worker that kills itself at the n-th point of its journals (killed_worker.cpp).
  void start_killed_aegird(int point);
  /// Waits until aegird ends by itself: true, or `is_over`: then it runs on.
  [[nodiscard]] bool ends_by_itself(const std::function<bool()>& is_over);
  /// Ends it as systemd would.
  void stop_aegird();
  /// Kills aegird as the kernel would, and waits until its worker is gone too.
  void kill_aegird();

  /// `aegir` as root.
  [[nodiscard]] live::Finished aegir(const std::vector<std::string>& arguments) const;
  /// The same, which must succeed: its output.
  std::string must_aegir(const std::vector<std::string>& arguments) const;
  /// A GET as a visitor's; status and body.
  [[nodiscard]] live::Response visit(Server server, const std::string& host, const std::string& path = "/") const;

  [[nodiscard]] const Config& config() const { return config_; }
  [[nodiscard]] std::string docroot() const { return docroot_; }
  [[nodiscard]] std::string directory(const std::string& uri) const { return docroot_ + "/sites/" + uri; }
  [[nodiscard]] std::string sql(const std::string& statements) const { return database_.sql(statements); }
  /// How many candidates the registry has.
  [[nodiscard]] std::size_t candidates() const;
  /// The folders in which everything of the machine lies but the database's.
  [[nodiscard]] std::vector<std::string> places() const;
  [[nodiscard]] std::string database_port() const { return database_port_.text(); }
  [[nodiscard]] std::string database_socket() const { return database_.path("socket"); }
  [[nodiscard]] std::string port(Server server) const {
    return (server == Server::kApache ? apache_port_ : nginx_port_).text();
  }
  /// aegird and its worker.
  [[nodiscard]] std::vector<pid_t> processes() const;
  /// What aegird and its worker have written.
  [[nodiscard]] std::string log() const { return live::slurp(root_.path("aegird.log")); }

 private:
  void configure_servers();
  void make_registry();
  void start_servers();
  void start(const std::string& worker);
  std::string aegirc(const std::vector<std::string>& arguments) const;

  live::TempDir root_;
  live::TempDir map_;
  live::Port apache_port_;
  live::Port nginx_port_;
  live::Port database_port_;
  std::string docroot_;
  Config config_;
  live::MariaDbServer database_;
  live::FpmServer fpm_;
  live::ApacheServer apache_;
  live::NginxServer nginx_;
  std::string apache_frame_;
  std::string nginx_frame_;
  std::unique_ptr<live::Process> aegird_;
};

}  // namespace aegir::sidecar
