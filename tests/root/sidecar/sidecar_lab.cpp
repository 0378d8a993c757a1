#include "tests/root/sidecar/sidecar_lab.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <stdexcept>

#include "compiler/emit/emit.hpp"
#include "compiler/registry/random.hpp"
#include "compiler/registry/store.hpp"

namespace aegir::sidecar {
namespace {

namespace fs = std::filesystem;

constexpr const char* kServer = "main";
constexpr const char* kBlock = "php";
constexpr live::Milliseconds kLong{300000};

void must(const live::Finished& finished, const std::string& what) {
  if (finished.status != 0) {
    throw std::runtime_error(what + " ended with " + std::to_string(finished.status) + ":\n" + finished.output);
  }
}

/// The first of 1,000 uids that no other process of tests has taken, for as long as this one lives; 0: there is none.
uid_t take_uids() {
  constexpr uid_t kFirst = 660000;
  constexpr uid_t kEnd = 690000;
  constexpr uid_t kTaken = 1000;
  for (uid_t first = kFirst; first < kEnd; first += kTaken) {
    // A name that goes with its process, as no file does.
    const std::string name = "aegir-tests-uids-" + std::to_string(first);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path + 1, name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    const int taken = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (taken >= 0 && ::bind(taken, reinterpret_cast<const sockaddr*>(&address), size) == 0) return first;
    if (taken >= 0) ::close(taken);
  }
  return 0;
}

}  // namespace

const uid_t Lab::kAegir = take_uids();
const uid_t Lab::kDatabase = kAegir + 1;
const uid_t Lab::kFirstSlot = kAegir + 100;

Lab::Lab(const std::string& project, const std::string& docroot, const std::string& config) : worker_(AEGIRD_WORKER) {
  if (::geteuid() != 0) throw std::runtime_error("this test must run as root: it needs real uids");
  if (kAegir == 0) throw std::runtime_error("all uids of tests are taken: end the tests that have them");
  const std::string platform = root_.path("var/aegir/platforms/p1");
  fs::create_directories(fs::path(platform).parent_path());
  must(live::run({"cp", "-a", "--reflink=auto", project, platform}, {}, kLong), "cp");
  must(live::run({"chmod", "-R", "u=rwX,go=rX", platform}, {}, kLong), "chmod");
  docroot_ = docroot.empty() ? platform : platform + "/" + docroot;
  live::put(
      root_.path("aegir.conf"),
      "prefix = " + root_.path() + "\naegir_user = " + std::to_string(kAegir) +
          "\nuid_first = " + std::to_string(kFirstSlot) +
          "\nuid_last = " + std::to_string(kFirstSlot + kSlots + kMoreUids - 1) + "\nmap_dir = " + map_.path("map") +
          "\napache_module = " AEGIR_APACHE_MODULE "\nnginx_module = " AEGIR_NGX_MODULE "\napache_listen = 127.0.0.1:" +
          apache_port_.text() + "\nnginx_listen = 127.0.0.1:" + nginx_port_.text() + "\napache_reload = signal " +
          apache_.path("apache.pid") + "\nnginx_reload = signal " + nginx_.path("nginx.pid") +
          "\napache_test = /usr/sbin/apache2 -t -f " + apache_.path("httpd.conf") +
          "\nnginx_test = /usr/sbin/nginx -t -p " + nginx_.directory() + " -c " + nginx_.path("nginx.conf") + " -e " +
          nginx_.path("error.log") + "\n" +
          // No test writes to anybody, but through a program of its own.
          (config.contains("sendmail") ? "" : "sendmail = " + root_.path("no-mail-program") + "\n") + config);
  config_ = read_config(root_.path("aegir.conf")).value();
  database_.start(kDatabase, database_port_);
  configure_servers();
  make_registry();
  for (const Service service : {Service::kPhp, Service::kApache, Service::kNginx}) start(service);
}

std::unique_ptr<Lab> Lab::on_fixture() {
  auto lab = std::make_unique<Lab>(AEGIR_SOURCE_DIR "/tests/fixtures/platform");
  lab->start_aegird();
  lab->must_aegir({"platform", "add", "p1", "--docroot", lab->docroot(), "--server", "main"});
  return lab;
}

Lab::~Lab() {
  try {
    stop_aegird();
  } catch (const std::exception&) {
    aegird_.reset();
  }
  nginx_.stop();
  apache_.stop();
  fpm_.stop();
  std::error_code error;
  for (const auto& file : fs::directory_iterator(config_.run_dir + "/fpm", error)) {
    if (file.path().extension() == ".pid") end_aegirds_php(file.path().stem());
  }
}

void Lab::end_aegirds_php(const std::string& name) const {
  registry::Block block;
  block.name = name;
  block.server = kServer;
  const std::string pid_file = emit::fpm_block_pid(config_, block);
  const live::Endpoint socket = live::Endpoint::unix_socket(slot_socket(config_, name, 0));
  // Its number comes after its sockets, and goes before them.
  (void)live::eventually([&] { return !live::slurp(pid_file).empty() || !live::connect_to(socket); });
  const std::string pid = live::slurp(pid_file);
  if (pid.empty() || ::kill(std::stoi(pid), SIGTERM) != 0) return;
  (void)live::eventually([&] { return !fs::exists(pid_file) && !live::connect_to(socket); });
}

std::string Lab::aegirc(const std::vector<std::string>& arguments) const {
  std::vector<std::string> argv = {AEGIRC, "--config", root_.path("aegir.conf")};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  live::Finished done = live::run(argv, {}, kLong);
  must(done, "aegirc " + arguments.front());
  return std::move(done.output);
}

void Lab::make_registry() {
  aegirc({"keygen", "map"});
  aegirc({"keygen", "registry"});
  const nlohmann::json document = {
      {"servers",
       {{kServer,
         {{"web",
           {{"apache", {{"http_port", apache_port_.number()}}},
            {"nginx", {{"http_port", nginx_port_.number()}, {"https_port", 8443}}}}},
          {"database", {{"host", "127.0.0.1"}, {"port", database_port_.number()}}}}}}},
      {"blocks", {{kBlock, {{"server", kServer}, {"first_uid", kFirstSlot}, {"slots", kSlots}}}}}};
  live::put(root_.path("registry.json"), document.dump());
  aegirc({"import", root_.path("registry.json")});
  aegirc({"compile"});
  // How the worker comes in at MariaDB: nobody in passwd has its uid, so not by unix_socket.
  const std::string password = registry::random_word(24);
  (void)sql("CREATE USER aegird@`127.0.0.1` IDENTIFIED BY '" + password +
            "'; GRANT ALL ON *.* TO aegird@`127.0.0.1` WITH GRANT OPTION");
  const std::string options = database_options_file(config_, kServer);
  live::put(options,
            "[client]\nuser=aegird\npassword=" + password + "\nhost=127.0.0.1\nport=" + database_port_.text() + "\n");
  if (::chown(options.c_str(), kAegir, kAegir) != 0 || ::chmod(options.c_str(), 0600) != 0) {
    throw std::runtime_error(options + ": can't be given away");
  }
}

void Lab::configure_servers() {
  const std::string folder = server_config_dir(config_, kServer);
  apache_frame_ = apache_.frame({.main = "TypesConfig /etc/mime.types\nInclude " + folder +
                                         "/apache/module.load\nInclude " + folder + "/apache/aegir.conf\n",
                                 .module = false,
                                 .modules = {"authz_host", "expires"}});
  nginx_frame_ = nginx_.frame({.http = "include /etc/nginx/mime.types;\ninclude " + folder + "/nginx/aegir.conf;",
                               .main = "include " + folder + "/nginx/module.load;",
                               .module = false});
  apache_.configure(apache_frame_);
  nginx_.configure(nginx_frame_);
}

void Lab::stop(Service service) {
  switch (service) {
    case Service::kApache:
      return apache_.stop();
    case Service::kNginx:
      return nginx_.stop();
    case Service::kPhp:
      return fpm_.stop();
    case Service::kDatabase:
      return database_.stop();
  }
}

void Lab::start(Service service) {
  switch (service) {
    case Service::kApache:
      return apache_.start(apache_frame_, {apache_port_.endpoint()});
    case Service::kNginx:
      return nginx_.start(nginx_frame_, {nginx_port_.endpoint()});
    case Service::kPhp: {
      end_aegirds_php(kBlock);
      std::vector<live::Endpoint> sockets;
      for (unsigned slot = 0; slot < kSlots; ++slot) {
        sockets.push_back(live::Endpoint::unix_socket(slot_socket(config_, kBlock, slot)));
      }
      const std::string folder = server_config_dir(config_, kServer);
      return fpm_.start(live::slurp(folder + "/php/" + kBlock + ".conf"), sockets, 0, live::packaged_ini());
    }
    case Service::kDatabase:
      return database_.start_again();
  }
}

void Lab::tolerate_log(const std::string& regex) {
  for (live::Server* const server : std::initializer_list<live::Server*>{&apache_, &nginx_, &fpm_, &database_}) {
    server->tolerate_log(regex);
  }
}

void Lab::spawn_aegird() {
  aegird_ = std::make_unique<live::Process>(
      live::Command{.argv = {AEGIRD, "--config", root_.path("aegir.conf"), "--worker", worker_},
                    .environment = {},
                    .output = root_.path("aegird.log"),
                    .directory = {}});
}

void Lab::start_aegird() {
  spawn_aegird();
  const live::Endpoint socket = live::Endpoint::unix_socket(api_socket(config_));
  const bool up = live::eventually([&] { return !aegird_->running() || static_cast<bool>(live::connect_to(socket)); });
  if (!up || !aegird_->running()) throw std::runtime_error("aegird does not answer:\n" + log());
}

std::vector<std::string> Lab::places() const {
  return {root_.path(), map_.path(), fpm_.directory(), apache_.directory(), nginx_.directory()};
}

std::vector<pid_t> Lab::processes() const {
  std::vector<pid_t> pids = live::children_of(aegird_->pid());
  pids.insert(pids.begin(), aegird_->pid());
  return pids;
}

std::string Lab::differences() const {
  const live::Finished looked = aegir({"reconcile", "--dry-run", "--output", "json"});
  // 1 says that something was found.
  if (looked.status != 0 && looked.status != 1) must(looked, "aegir reconcile");
  std::string lines;
  const nlohmann::json result = nlohmann::json::parse(looked.output);
  for (const nlohmann::json& row : result.at("differences")) {
    lines += row.at("about").get<std::string>() + ": " + row.at("what").get<std::string>() + '\n';
  }
  if (lines.empty() != (looked.status == 0)) throw std::runtime_error("reconcile contradicts itself: " + looked.output);
  return lines;
}

std::size_t Lab::candidates() const {
  const Result<KeyRing> key = KeyRing::read(config_.registry_key);
  if (!key) throw std::runtime_error(describe(key.error()));
  Result<std::unique_ptr<registry::Store>> store =
      registry::Store::open(config_.registry, registry::Store::Mode::kRead, *key);
  if (!store) throw std::runtime_error(describe(store.error()));
  return (*store)->candidates().value().size();
}

void Lab::stop_aegird() {
  if (aegird_ == nullptr) return;
  aegird_->signal(SIGTERM);
  if (!aegird_->wait()) throw std::runtime_error("aegird does not end:\n" + log());
  aegird_.reset();
}

void Lab::kill_aegird() {
  const std::vector<pid_t> children = live::children_of(aegird_->pid());
  aegird_->signal(SIGKILL);
  if (!aegird_->wait()) throw std::runtime_error("aegird can't be killed");
  aegird_.reset();
  const auto gone = [&](pid_t pid) { return ::kill(pid, 0) != 0; };
  if (!live::eventually([&] { return std::ranges::all_of(children, gone); })) {
    throw std::runtime_error("aegird's worker has outlived it");
  }
}

live::Finished Lab::aegir(const std::vector<std::string>& arguments) const {
  std::vector<std::string> argv = {AEGIR, "--config", root_.path("aegir.conf")};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return live::run(argv, {}, kLong);
}

std::string Lab::must_aegir(const std::vector<std::string>& arguments) const {
  live::Finished done = aegir(arguments);
  std::string line = "aegir";
  for (const std::string& word : arguments) line += " " + word;
  if (done.status != 0) throw std::runtime_error(line + ":\n" + done.output + "\naegird:\n" + log());
  return std::move(done.output);
}

nlohmann::json Lab::api(const std::string& method, const std::string& target, const nlohmann::json& body) const {
  const std::string text = body.is_null() ? "" : body.dump();
  const live::Response response =
      live::ask(live::Endpoint::unix_socket(api_socket(config_)),
                method + ' ' + target +
                    " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n" +
                    "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text);
  constexpr int kBad = 400;
  if (response.status == 0 || response.status >= kBad) {
    throw std::runtime_error(method + ' ' + target + ' ' + text + ": status " + std::to_string(response.status) + '\n' +
                             response.body);
  }
  return nlohmann::json::parse(response.body);
}

live::Response Lab::visit(Server server, const std::string& host, const std::string& path) const {
  const live::Port& port = server == Server::kApache ? apache_port_ : nginx_port_;
  return live::ask(port.endpoint(), live::get(host + ":" + port.text(), path));
}

}  // namespace aegir::sidecar
