#include "tests/live/storm/fleet.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "compiler/emit/emit.hpp"

namespace aegir::live {
namespace {

constexpr uid_t kFirstUid = 310000;
constexpr uid_t kAegirUid = 309999;

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(describe(result.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// What an answer of a site that never changes looks like.
constexpr std::string_view kStatic = "static";

}  // namespace

Fleet::Fleet(unsigned sites) {
  const std::string root = directory_.path();
  const std::string docroot = root + "/platform";
  const passwd* const web = ::getpwnam(kWebUser);
  if (web == nullptr) throw std::runtime_error(std::string("there is no user ") + kWebUser);

  ConfigResult config =
      parse_config("prefix = " + root + "\naegir_user = " + std::to_string(kAegirUid) + "\nmap_key = " + root +
                       "/map.key\nprobe_peers = 127.0.0.1\n" + "apache_listen = 127.0.0.1:" + apache_port.text() +
                       "\nnginx_listen = 127.0.0.1:" + nginx_port.text() + "\n",
                   "fleet.conf");
  if (!config) throw std::runtime_error(describe(config.error().front()));
  config_ = *config;
  for (const std::string& folder :
       {config_.state_dir, config_.map_dir, config_.map_durable, config_.log_dir, block_socket_dir(config_, "block")}) {
    put(folder + "/.made", "");
  }
  // The tests publish as root; on a real server the directory is aegir's.
  if (::chown(config_.map_dir.c_str(), 0, web->pw_gid) != 0 || ::chmod(config_.map_dir.c_str(), 02750) != 0) {
    throw std::runtime_error("the map directory can't be given to the web servers' group");
  }
  put(docroot + "/index.html", kStatic);
  put(docroot + "/password.php", "<?php echo $_SERVER['db_passwd'] ?? 'none', ' ', $_SERVER['AEGIR_SITE'];");

  key_text_ = KeyRing::generate(1);
  must(write_file(config_.map_key, key_text_, {.mode = 0400}));
  store_ = must(registry::Store::open(config_.registry, registry::Store::Mode::kCreate,
                                      must(KeyRing::parse(KeyRing::generate(1), "registry.key"))));

  server_.name = "local";
  server_.web = {{registry::kApache, apache_port.number(), 443}, {registry::kNginx, nginx_port.number(), 8443}};
  server_.database = registry::DatabaseService{};
  block_.name = "block";
  block_.server = "local";
  block_.first_uid = kFirstUid;
  block_.slots = sites + 1;
  registry::Platform platform;
  platform.name = "fixture";
  platform.server = "local";
  platform.docroot = docroot;
  platform.cms = registry::Cms::kOther;
  platform.block = "block";
  must(store_->transact({"test", "the fleet"}, [&](registry::Writer& writer) -> Result<void> {
    for (Result<void> put : {writer.put(server_), writer.put(block_), writer.put(platform)}) {
      if (!put) return put;
    }
    registry::Site site;
    site.platform = "fixture";
    site.https = registry::Https::kNone;
    site.database = {"local", "db", "user", "first"};
    site.uri = "stable.test";
    if (Result<void> put = writer.put(site); !put) return put;
    for (unsigned i = 0; i < sites; ++i) {
      site.uri = "site-" + std::to_string(i) + ".test";
      site.aliases = {{"go-" + std::to_string(i) + ".test", "v0.example"}};
      site.database.name = site.database.user = "db" + std::to_string(i);
      if (Result<void> put = writer.put(site); !put) return put;
    }
    return {};
  }));
  platforms_ = must(store_->platforms());
  open_publisher();
  must(publisher_->publish());

  FpmPool pool{.name = "slot", .uid = kFirstUid, .gid = kFirstUid, .socket = slot_socket(config_, "block", 0)};
  pool.children = 2;
  fpm.start({pool});
  nginx.start(nginx_config(), {nginx_port.endpoint()});
  apache.start(apache_config(), {apache_port.endpoint()});
}

void Fleet::open_publisher() {
  publisher_ = std::make_unique<publish::Publisher>(config_, *store_, must(KeyRing::parse(key_text_, "map.key")));
}

std::string Fleet::nginx_config() const {
  put(emit::nginx_php_path(config_, server_.name), must(emit::nginx_php()));
  std::string http = must(emit::nginx_server(config_, server_, server_.web[1], {}, {}));
  http += must(emit::nginx_platform(config_, platforms_.front(), {}));
  return nginx.frame({.http = "keepalive_requests 1000000; keepalive_timeout 600s;\n" + http});
}

std::string Fleet::apache_config() const {
  std::string main = "KeepAlive On\nMaxKeepAliveRequests 0\nKeepAliveTimeout 600\n";
  main += must(emit::apache_platform(config_, platforms_.front(), {}));
  main += must(emit::apache_server(config_, server_, server_.web[0], {}, {}));
  return apache.frame({.main = main, .modules = {"authz_host"}});
}

void Fleet::commit(const registry::Site& site) {
  must(store_->transact({"test", "storm"}, [&](registry::Writer& writer) { return writer.put(site); }));
}

publish::Report Fleet::move(unsigned number, const std::string& target) {
  std::optional<registry::Site> site = must(store_->find_site("site-" + std::to_string(number) + ".test"));
  site->aliases.front().redirect_to = target;
  commit(*site);
  return must(publisher_->publish());
}

void Fleet::rotate_key(std::uint32_t id) {
  key_text_ = KeyRing::generate(id) + key_text_;
  must(write_file(config_.map_key, key_text_, {.mode = 0400}));
}

void Fleet::change_password(const std::string& password) {
  std::optional<registry::Site> site = must(store_->find_site("stable.test"));
  site->database.password = password;
  open_publisher();  // with the key file as it is now
  commit(*site);
  must(publisher_->publish());
}

void Fleet::stop() {
  nginx.stop();
  apache.stop();
  fpm.stop();
}

pid_t worker_of(Connection& connection) {
  const Response status = connection.request("GET /aegir-status HTTP/1.1\r\nHost: aegir-status.localhost\r\n\r\n");
  const std::string_view name = "\naegir_worker_pid ";
  const std::size_t at = status.body.find(name);
  if (status.status != 200 || at == std::string::npos) throw std::runtime_error("no pid in the status: " + status.body);
  return std::stoi(status.body.substr(at + name.size()));
}

std::vector<Pinned> pin_all(const Endpoint& endpoint, std::size_t workers) {
  std::vector<Pinned> pinned;
  std::vector<Connection> doubles;  // kept open, so that the next connection goes to somebody else
  for (int attempt = 0; attempt < 500 && pinned.size() < workers; ++attempt) {
    Connection connection(endpoint);
    const pid_t worker = worker_of(connection);
    const bool known = std::ranges::any_of(pinned, [&](const Pinned& pin) { return pin.worker == worker; });
    if (known) {
      if (doubles.size() < 12) doubles.push_back(std::move(connection));
    } else {
      pinned.push_back({std::move(connection), worker});
    }
  }
  if (pinned.size() < workers) throw std::runtime_error("not every worker could be reached");
  return pinned;
}

Load::Load(const Endpoint& endpoint, unsigned threads, bool php) : endpoint_(endpoint), workers_(threads) {
  for (unsigned i = 0; i < threads; ++i) {
    threads_.emplace_back([this, i, php] { run(workers_[i], php && i % 2 == 1); });
  }
}

Load::~Load() { (void)stop(); }

Load::Result Load::stop() {
  stopping_ = true;
  Result sum;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  for (const auto& [result, answered] : workers_) {
    sum.requests += result.requests;
    sum.wrong += result.wrong;
    sum.failed += result.failed;
    sum.repeated += result.repeated;
    if (sum.first_problem.empty()) sum.first_problem = result.first_problem;
  }
  return sum;
}

void Load::go_on() const {
  for (const Worker& worker : workers_) {
    const std::uint64_t before = worker.answered;
    if (!eventually([&] { return worker.answered > before + 10; })) throw std::runtime_error("the load stands still");
  }
}

void Load::run(Worker& worker, bool php) const {
  Result& result = worker.result;
  const std::string request =
      std::string("GET ") + (php ? "/password.php" : "/") + " HTTP/1.1\r\nHost: stable.test\r\n\r\n";
  std::optional<Connection> connection;
  while (!stopping_) {
    Response answer;
    // A server that ends gracefully may close a kept connection while a request is on its way. Clients send such a
    // request again (RFC 9110 §9.2.2: GET is idempotent), once; then it must be answered.
    for (int attempt = 0; attempt < 2 && answer.status == 0; ++attempt) {
      if (attempt > 0) ++result.repeated;
      try {
        if (!connection || attempt > 0) connection.emplace(endpoint_);
        answer = connection->request(request);
      } catch (const std::exception& error) {
        if (attempt > 0 && result.first_problem.empty()) result.first_problem = error.what();
      }
    }
    ++result.requests;
    if (answer.status == 0) {
      ++result.failed;
      connection.reset();
      continue;
    }
    ++worker.answered;
    const bool right = answer.status == 200 && answer.complete &&
                       (php ? answer.body.ends_with(" stable.test") : answer.body == kStatic);
    if (!right) {
      ++result.wrong;
      if (result.first_problem.empty()) result.first_problem = std::to_string(answer.status) + ": " + answer.body;
    }
    if (answer.value("Connection") == "close") connection.reset();
  }
}

}  // namespace aegir::live
