#include "tests/root/hunt/world.hpp"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): signals are POSIX
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include "compiler/machine/machine.hpp"

namespace aegir::hunt {

namespace fs = std::filesystem;
using live::put;

namespace {

constexpr const char* kSites[] = {"a.test", "b.test", "c.test", "d.test"};
constexpr const char* kFixtures = AEGIR_SOURCE_DIR "/tests/fixtures/hunt";

uid_t uid_of(const std::string& site) { return site == "a.test" ? kFirst : site == "b.test" ? kFirst + 1 : kShared; }

void put_as(uid_t owner, gid_t group, mode_t mode, const std::string& path, const std::string& content) {
  put(path, content);
  if (::chown(path.c_str(), owner, group) != 0 || ::chmod(path.c_str(), mode) != 0) {
    throw std::runtime_error(path + ": can't be given away");
  }
}

void must(const Result<void>& result) {
  if (!result) throw std::runtime_error(describe(result.error()));
}

}  // namespace

std::string needle_of(const std::string& site) {
  return std::string("kanari") + static_cast<char>(site[0] - 'a' + 'A');
}

Database::Database(const std::string& directory) : socket_(directory + "/socket") {
  fs::create_directories(directory + "/tmp");
  for (const std::string& path : {directory, directory + "/tmp"}) {
    if (::chown(path.c_str(), kDatabase, kDatabase) != 0) throw std::runtime_error(path + ": can't be given away");
    fs::permissions(path, fs::perms::owner_all);
  }
  const std::string id = std::to_string(kDatabase);
  const std::vector<std::string> as = {"setpriv", "--reuid", id, "--regid", id, "--clear-groups"};
  const auto with = [&](std::vector<std::string> more) {
    std::vector<std::string> argv = as;
    argv.insert(argv.end(), more.begin(), more.end());
    return argv;
  };
  const live::Finished installed = live::run(
      with({"mariadb-install-db", "--no-defaults", "--datadir=" + directory + "/data", "--tmpdir=" + directory + "/tmp",
            "--skip-test-db", "--auth-root-authentication-method=socket", "--auth-root-socket-user=root"}),
      {}, live::Milliseconds(120000));
  if (installed.status != 0) throw std::runtime_error("mariadb-install-db: " + installed.output);
  server_ = std::make_unique<live::Process>(live::Command{
      .argv = with({"mariadbd", "--no-defaults", "--datadir=" + directory + "/data", "--tmpdir=" + directory + "/tmp",
                    "--socket=" + socket_, "--pid-file=" + directory + "/pid", "--bind-address=127.0.0.1",
                    "--port=" + port_.text(), "--skip-name-resolve", "--innodb-buffer-pool-size=16M",
                    "--innodb-log-file-size=4M", "--performance-schema=OFF"}),
      .environment = {},
      .output = directory + "/log",
      .directory = {}});
  if (!live::eventually([&] { return static_cast<bool>(live::connect_to(live::Endpoint::unix_socket(socket_))); })) {
    throw std::runtime_error("mariadbd did not start: " + live::slurp(directory + "/log"));
  }
}

Database::~Database() {
  server_->signal(SIGTERM);
  (void)server_->wait();
}

void Database::run(const std::string& statements) const {
  const live::Finished done = live::run(
      {"mariadb", "--no-defaults", "--socket=" + socket_, "--user=root", "--batch", "--execute=" + statements});
  if (done.status != 0) throw std::runtime_error("the database: " + done.output);
}

World::World() {
  if (::geteuid() != 0) throw std::runtime_error("this test must run as root: it needs real uids");
  write_config();
  ConfigResult config = read_config(root_.path("aegir.conf"));
  if (!config) throw std::runtime_error(describe(config.error().front()));
  config_ = *config;
  database_ = std::make_unique<Database>(root_.path("mysql"));
  for (const std::string uri : kSites) {
    const std::string name = uri.substr(0, 1);
    database_->run("CREATE DATABASE " + name + "; CREATE USER " + name + "@'127.0.0.1' IDENTIFIED BY '" +
                   password(uri) + "'; GRANT ALL ON " + name + ".* TO " + name + "@'127.0.0.1';");
  }
  fs::create_directories(docroot());
  fs::copy_file(std::string(kFixtures) + "/index.php", docroot() + "/index.php");
  for (const std::string& path : {config_.aegir_root + "/platforms", docroot()}) {
    if (::chown(path.c_str(), kAegir, kAegir) != 0) throw std::runtime_error(path + ": can't be given away");
  }
  write_document();
  aegirc({"keygen", "map"});
  aegirc({"keygen", "registry"});
  aegirc({"import", root_.path("fleet.json")});
  aegirc({"compile"});
  write_sites();
  start();
  start_static();
}

std::string World::slot(const std::string& uri) const {
  return uri < "c" ? slot_home(config_, "main", uid_of(uri) - kFirst) : slot_home(config_, "pool", 0);
}

std::string World::socket(const std::string& uri) const {
  return uri < "c" ? slot_socket(config_, "main", uid_of(uri) - kFirst) : slot_socket(config_, "pool", 0);
}

std::string World::common_config() const {
  return "prefix = " + root_.path() + "\naegir_user = " + std::to_string(kAegir) +
         "\nuid_first = " + std::to_string(kFirst) + "\nuid_last = 614199\n";
}

void World::write_config() const {
  put(root_.path("aegir.conf"), common_config() +
                                    "apache_module = " AEGIR_APACHE_MODULE "\nnginx_module = " AEGIR_NGX_MODULE "\n" +
                                    "apache_listen = 127.0.0.1:" + apache_port_.text() +
                                    "\nnginx_listen = 127.0.0.1:" + nginx_port_.text() + "\n");
}

void World::write_document() const {
  std::string sites;
  for (const std::string uri : kSites) {
    const std::string name = uri.substr(0, 1);
    sites += (sites.empty() ? "\"" : ",\n\"") + uri + R"(": {"platform": "hunt", "slot": {"block": ")" +
             (uri < "c" ? "main" : "pool") + R"(", "number": )" + (uri == "b.test" ? "1" : "0") +
             R"(}, "hash_salt": ")" + needle_of(uri) + R"(Salt", "cron_key": ")" + needle_of(uri) +
             R"(Cron", "database": {"server": "web", "name": ")" + name + R"(", "user": ")" + name +
             R"(", "password": ")" + password(uri) + "\"}}";
  }
  put(root_.path("fleet.json"), R"({
"servers": {"web": {"web": {"apache": {"http_port": )" +
                                    apache_port_.text() + R"(, "https_port": 8443}, "nginx": {"http_port": )" +
                                    nginx_port_.text() + R"(}}, "database": {"host": "127.0.0.1", "port": )" +
                                    database_->port().text() +
                                    R"(}}},
"blocks": {"main": {"server": "web", "first_uid": )" +
                                    std::to_string(kFirst) + R"(, "slots": 2},
           "pool": {"server": "web", "first_uid": )" +
                                    std::to_string(kShared) + R"(, "slots": 1, "isolation": "shared"}},
"platforms": {"hunt": {"server": "web", "docroot": ")" +
                                    docroot() + R"("}},
"sites": {)" + sites + "}}\n");
  // As an administrator leaves it who has read what such a document holds.
  fs::permissions(root_.path("fleet.json"), fs::perms::owner_read | fs::perms::owner_write);
}

void World::write_sites() const {
  const Accounts accounts = resolve_accounts(config_).value();
  machine::Done done;
  for (const std::string uri : kSites) {
    const uid_t uid = uid_of(uri);
    const std::string secret = needle_of(uri) + "Secret of " + uri + "\n";
    put_as(kAegir, kAegir, 0600, config_.aegir_root + "/backups/" + uri + ".tar", secret);
    // A key whose certificate is still to come.
    put_as(0, 0, 0600, config_.config_dir + "/ssl.d/" + uri + "/openssl.key", secret);
    put_as(0, 0, 0644, config_.config_dir + "/ssl.d/" + uri + "/openssl.csr", "a request\n");
    // As careless as a Drupal can be.
    put_as(uid, uid, 0666, site(uri) + "/private/secret", secret);
    put_as(uid, uid, 0666, site(uri) + "/private/files/document.txt", secret);
    put_as(uid, uid, 0666, slot(uri) + "/home/secret", secret);
    for (const auto& part : fs::directory_iterator(kFixtures)) {
      if (part.path().filename() == "index.php" || (uri != "a.test" && uri != "c.test")) continue;
      const std::string to = site(uri) + "/modules/hunt/" + part.path().filename().string();
      fs::create_directories(site(uri) + "/modules/hunt");
      fs::copy_file(part.path(), to);
    }
    aegirc({"verify", "--site", uri});
  }
  must(machine::prepare_platform(config_, accounts, docroot(), done));
}

void World::start() {
  const std::string ini =
      "zend_extension=opcache\nextension=posix\nextension=mysqlnd\nextension=pdo\nextension=pdo_mysql\n"
      "extension=shmop\nextension=ctype\nvariables_order=GPCS\n";
  const std::string folder = server_config_dir(config_, "web");
  main_ = std::make_unique<live::FpmServer>();
  main_->start(live::slurp(folder + "/php/main.conf"),
               {live::Endpoint::unix_socket(socket("a.test")), live::Endpoint::unix_socket(socket("b.test"))}, 0, ini);
  pool_ = std::make_unique<live::FpmServer>();
  pool_->start(live::slurp(folder + "/php/pool.conf"), {live::Endpoint::unix_socket(socket("c.test"))}, 0, ini);
  apache_ = std::make_unique<live::ApacheServer>();
  apache_->start(
      apache_->frame({.main = "Include " + folder + "/apache/module.load\nInclude " + folder + "/apache/aegir.conf\n",
                      .module = false,
                      .modules = {"authz_host"}}),
      {apache_port_.endpoint()});
  nginx_ = std::make_unique<live::NginxServer>();
  nginx_->start(nginx_->frame({.http = "include " + folder + "/nginx/aegir.conf;",
                               .main = "include " + folder + "/nginx/module.load;",
                               .module = false}),
                {nginx_port_.endpoint()});
}

void World::start_static() {
  // The same registry for servers of its own: another place for the fragments, other ports.
  const std::string conf = root_.path("static.conf");
  put(conf, common_config() + "config_dir = " + static_dir() + "\napache_listen = 127.0.0.1:" +
                static_apache_port_.text() + "\nnginx_listen = 127.0.0.1:" + static_nginx_port_.text() + "\n");
  const live::Finished done = live::run({AEGIRC, "--config", conf, "compile", "--static", "--out", "/"});
  if (done.status != 0) throw std::runtime_error("aegirc compile --static: " + done.output);
  const std::string folder = static_dir() + "/server_web";
  static_apache_ = std::make_unique<live::ApacheServer>();
  static_apache_->start(
      static_apache_->frame(
          {.main = "Include " + folder + "/apache/static.conf\n", .module = false, .modules = {"authz_host"}}),
      {static_apache_port_.endpoint()});
  static_nginx_ = std::make_unique<live::NginxServer>();
  static_nginx_->start(static_nginx_->frame({.http = "include " + folder + "/nginx/static.conf;", .module = false}),
                       {static_nginx_port_.endpoint()});
}

std::vector<pid_t> World::processes() const {
  std::vector<pid_t> pids = {database_->pid()};
  for (const live::Server* server : std::initializer_list<const live::Server*>{
           main_.get(), pool_.get(), apache_.get(), nginx_.get(), static_apache_.get(), static_nginx_.get()}) {
    pids.push_back(server->pid());
    const std::vector<pid_t> children = live::children_of(server->pid());
    pids.insert(pids.end(), children.begin(), children.end());
  }
  return pids;
}

void World::aegirc(const std::vector<std::string>& arguments) const {
  std::vector<std::string> argv = {AEGIRC, "--config", root_.path("aegir.conf")};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const live::Finished done = live::run(argv);
  if (done.status != 0) throw std::runtime_error("aegirc " + arguments.front() + ": " + done.output);
}

}  // namespace aegir::hunt
