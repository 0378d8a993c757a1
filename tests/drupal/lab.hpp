// Real Drupal on an installation of ours: a copy of every codebase as a platform, prepared by aegirc as root, with one
// site each; MariaDB, PHP-FPM, and Apache and nginx with the modules. Beside them a stock Apache without our module,
// with AllowOverride All and the codebases' own .htaccess files, serves the same sites from the same place: what it
// answers is what an ordinary server would. And so do an Apache and an nginx with the static form of the same registry.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compiler/core/config.hpp"
#include "tests/drupal/codebase.hpp"
#include "tests/live/harness/servers.hpp"

namespace aegir::drupal {

/// A site of one codebase. It stands in the registry and in the map, with a directory and a slot.
struct Site {
  Codebase codebase;      ///< with the paths of the copy
  std::string uri;        ///< "d106.test"
  std::string directory;  ///< sites/<uri>, absolute
  uid_t uid = 0;          ///< of its slot
  std::string home;       ///< of its slot
  std::string database;   ///< its name, also the user's
  std::string password;   ///< of the database
  bool installed = false;
};

/// How a program of a site ended.
struct Ended {
  int status = -1;
  std::string out;  ///< stdout
  std::string err;  ///< stderr
};

class Lab {
 public:
  enum class Server { kApache, kNginx, kStock, kStaticApache, kStaticNginx };

  /// The one of this process, made at its first use. Throws std::runtime_error, every time when it failed once.
  [[nodiscard]] static Lab& get();
  /// Ends the servers, with their checks, and removes everything.
  static void end();

  explicit Lab(const std::vector<Codebase>& codebases);
  ~Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  /// The site of a codebase, installed. Throws std::runtime_error.
  [[nodiscard]] const Site& installed(const std::string& codebase);

  [[nodiscard]] live::Endpoint endpoint(Server server) const { return port(server).endpoint(); }
  /// "d106.test:41234": what a client's Host says.
  [[nodiscard]] std::string authority(Server server, const std::string& host) const;
  [[nodiscard]] std::string log(Server server) { return at(server).log(); }
  /// Declares a line that a server's log will have; see live::Server::expect_log().
  void expect_log(Server server, const std::string& regex) { at(server).expect_log(regex); }

  /// aegirc with this installation's configuration; its output. Throws std::runtime_error when it fails.
  std::string aegirc(const std::vector<std::string>& arguments) const;
  /// Imports a document and publishes.
  void change(const std::string& document) const;

  /// Runs PHP's command line as the site's uid, with its credentials in the environment and nothing else of this
  /// process, in `folder` (empty: the docroot). `credentials` false: an environment without them.
  [[nodiscard]] Ended php(const Site& site, const std::vector<std::string>& arguments, bool credentials = true,
                          const std::string& folder = {}) const;
  /// Drush of the site's codebase with --root and --uri, or for Backdrop bee in the site's directory.
  [[nodiscard]] Ended drush(const Site& site, const std::vector<std::string>& arguments, bool credentials = true) const;
  /// A file as aegir's own settings are: aegir's, readable by the group, that is the site.
  void put_as_aegir(const std::string& path, std::string_view content, gid_t group) const;
  /// SQL as the database's root.
  std::string sql(const std::string& statements) const { return database_.sql(statements); }

 private:
  void copy_codebases(const std::vector<Codebase>& codebases);
  void configure_servers();
  void make_registry();
  void start_servers();
  /// Sites and platforms, while the servers run.
  void verify();
  void start_stock();
  /// Servers without our modules, with what `aegirc compile --static` writes.
  void start_static();
  void install(Site& site);
  /// What an installation leaves to its administrator, and the tests need: aggregates, pictures of users.
  void configure(const Site& site) const;
  [[nodiscard]] live::Server& at(Server server);
  /// The lines of aegir.conf that hold for both forms.
  [[nodiscard]] std::string common_config() const;
  [[nodiscard]] const live::Port& port(Server server) const { return ports_[static_cast<std::size_t>(server)]; }
  [[nodiscard]] std::string document() const;

  live::TempDir root_;
  live::TempDir map_;  ///< in memory, as on a real server
  std::array<live::Port, 5> ports_;
  live::Port database_port_;
  Config config_;
  std::map<std::string, Site> sites_;  ///< by the codebase's name
  live::MariaDbServer database_;
  live::FpmServer fpm_;
  live::FpmServer stock_fpm_;
  live::ApacheServer apache_;
  live::NginxServer nginx_;
  std::string apache_frame_;
  std::string nginx_frame_;
  live::ApacheServer stock_;
  live::ApacheServer static_apache_;
  live::NginxServer static_nginx_;
};

/// A name of a site that the stock server takes and the site's registry does not know.
[[nodiscard]] inline std::string stranger_of(const Site& site) { return "stranger." + site.uri; }

/// A file of `owner`'s. Throws std::runtime_error.
void put_as(uid_t owner, const std::string& path, std::string_view content, mode_t mode);

}  // namespace aegir::drupal
