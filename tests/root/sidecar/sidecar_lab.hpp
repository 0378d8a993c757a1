// A whole machine for the sidecar: MariaDB, PHP-FPM, Apache and nginx with the modules, aegird with its worker, and one
// platform. Everything about sites is asked for with `aegir`, as a person would.
#pragma once

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
  /// What a site needs to answer.
  enum class Service { kApache, kNginx, kPhp, kDatabase };

  /// Of this process alone: a slot's end ends whatever has its uid on the machine, another lab's too.
  static const uid_t kAegir;
  static const uid_t kDatabase;
  static const uid_t kFirstSlot;
  static constexpr unsigned kSlots = 96;
  /// Uids that no block has at first.
  static constexpr unsigned kMoreUids = 128;

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
  /// The same without waiting.
  void spawn_aegird();
  /// Another program as its worker, from the next start on.
  void use_worker(std::string program) { worker_ = std::move(program); }
  [[nodiscard]] bool aegird_runs() const { return aegird_ != nullptr && aegird_->running(); }
  [[nodiscard]] live::Process& aegird() { return *aegird_; }
  /// Ends it as systemd would.
  void stop_aegird();
  /// Kills aegird as the kernel would, and waits until its worker is gone too.
  void kill_aegird();

  /// `aegir` as root.
  [[nodiscard]] live::Finished aegir(const std::vector<std::string>& arguments) const;
  /// The same, which must succeed: its output.
  std::string must_aegir(const std::vector<std::string>& arguments) const;
  /// Asks the API as root does. Throws std::runtime_error when it can't be asked, or answers with 400 or more.
  [[nodiscard]] nlohmann::json api(const std::string& method, const std::string& target,
                                   const nlohmann::json& body = {}) const;
  /// Ends a server as an administrator does; start() starts it again as it was.
  void stop(Service service);
  void start(Service service);
  /// Of all servers: a bad line of that form may be written (Server::tolerate_log()).
  void tolerate_log(const std::string& regex);
  /// `aegirc` as root, which must succeed: its output. What writes the registry needs aegird to be stopped.
  std::string aegirc(const std::vector<std::string>& arguments) const;
  /// A GET as a visitor's; status and body.
  [[nodiscard]] live::Response visit(Server server, const std::string& host, const std::string& path = "/") const;

  [[nodiscard]] const Config& config() const { return config_; }
  /// Below the folder of aegir.conf, which everything else lies in too.
  [[nodiscard]] std::string path(std::string_view name) const { return root_.path(name); }
  [[nodiscard]] std::string docroot() const { return docroot_; }
  [[nodiscard]] std::string directory(const std::string& uri) const { return docroot_ + "/sites/" + uri; }
  [[nodiscard]] std::string sql(const std::string& statements) const { return database_.sql(statements); }
  /// What a reconcile finds and would mend or leave, a line each; empty: registry, disk, databases, map and slots
  /// agree. Changes nothing, and costs some tens of milliseconds.
  [[nodiscard]] std::string differences() const;
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
  /// aegird starts the PHP of a block that has ended, and it goes on without aegird: by the block's name.
  void end_aegirds_php(const std::string& block) const;

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
  std::string worker_;
  std::unique_ptr<live::Process> aegird_;
};

}  // namespace aegir::sidecar
