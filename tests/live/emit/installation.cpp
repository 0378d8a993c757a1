#include "tests/live/emit/installation.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

namespace aegir::live {
namespace {

constexpr const char* kIndexPhp = R"(<?php
foreach ($_SERVER as $name => $value) if (is_string($value)) echo "$name=$value\n";
echo 'uid=', posix_geteuid(), "\nmethod-body=", file_get_contents('php://input'), "\n";
)";

// Does what it is asked to, as an attacker would who can upload PHP.
constexpr const char* kTryPhp = R"(<?php
$path = $_GET['path'] ?? '';
switch ($_GET['do']) {
  case 'read': $r = @file_get_contents($path, false, null, 0, 4096); echo $r === false ? 'refused' : "got:$r"; break;
  case 'write': echo @file_put_contents($path, 'x') === false ? 'refused' : 'done'; break;
  case 'include': $r = @include $path; echo $r === false ? 'refused' : "got:$r"; break;
  case 'ini': echo ini_get($path); break;
  case 'ini_set': echo ini_set($path, $_GET['value']) === false ? 'refused' : 'done'; break;
  case 'getenv': echo json_encode(getenv($path)); break;
  case 'environment':
    $process = proc_open(['/usr/bin/env'], [1 => ['pipe', 'w']], $pipes);
    $lines = explode("\n", stream_get_contents($pipes[1]));
    sort($lines);
    echo trim(implode("\n", $lines));
    break;
  case 'inherited':
    $process = proc_open(['/bin/sh', '-c', 'for fd in /proc/$$/fd/*; do readlink "$fd"; done'],
                         [1 => ['pipe', 'w']], $pipes);
    echo stream_get_contents($pipes[1]);
    break;
  case 'groups': echo posix_geteuid(), ' ', posix_getegid(), ' ', implode(' ', posix_getgroups()); break;
  case 'temporary': echo sys_get_temp_dir(), ' ', tempnam('', 'x'); break;
  case 'session': session_start(); echo session_save_path(), ' ', session_id(); break;
  case 'warn': trigger_error('a warning of ' . $_SERVER['AEGIR_SITE'], E_USER_WARNING); echo 'done'; break;
  case 'send': header("X-Sendfile: $path"); header('Content-Type: text/x-sent'); echo 'what PHP wrote'; break;
}
)";

template <class T>
void must(const Result<T>& result) {
  if (!result) throw std::runtime_error(describe(result.error()));
}

map::SiteRecord record(const std::string& uri, const std::string& socket, std::uint32_t memory) {
  map::SiteRecord site;
  site.key = site.host = site.directory = uri;
  site.platform_id = 1;
  site.socket = socket;
  site.memory_limit = memory;
  return site;
}

}  // namespace

void put_as(uid_t owner, const std::string& path, std::string_view content, mode_t mode) {
  put(path, content);
  if (::chmod(path.c_str(), mode) != 0 || ::chown(path.c_str(), owner, owner) != 0) {
    throw std::runtime_error(path + ": can't be given away");
  }
}

Installation::Installation() {
  if (::geteuid() != 0) throw std::runtime_error("this test must run as root: it needs real uids");
  ConfigResult config = parse_config(
      "prefix = " + root_.path() + "\nplatform_roots = " + root_.path() +
          "\naegir_user = 610001\nuid_first = 612000\n" + "uid_last = 612099\nmap_dir = " + map_.directory() +
          "\nmap_key = " + map_.key_file() + "\napache_module = " AEGIR_APACHE_MODULE +
          "\nnginx_module = " AEGIR_NGX_MODULE + "\napache_listen = 127.0.0.1:" + apache_port_.text() +
          "\ntrusted_proxies = 127.0.0.1\nnginx_listen = 127.0.0.1:" + nginx_port_.text() + "\n",
      "installation.conf");
  if (!config) throw std::runtime_error(describe(config.error().front()));
  config_ = *config;
  const Result<Accounts> accounts = resolve_accounts(config_);
  must(accounts);
  accounts_ = *accounts;
  block_.name = "b1";
  block_.server = "local";
  block_.first_uid = kUidA;
  block_.slots = 3;
  block_.max_children = 3;
  platform_.id = 1;
  platform_.name = "p1";
  platform_.server = "local";
  platform_.docroot = docroot();
  platform_.cms = registry::Cms::kOther;
  make_directories();
  make_platform();
  make_map();
  install();
  restart_fpm(block_config());
}

void Installation::make_directories() {
  machine::Done done;
  must(machine::prepare_directories(config_, accounts_, done));
  must(machine::prepare_server(config_, accounts_, "local", done));
  must(machine::prepare_block(config_, accounts_, {block_.name, block_.first_uid, block_.slots}, done));
  std::filesystem::create_directory(docroot());
  if (::chown(docroot().c_str(), kAegir, kAegir) != 0) throw std::runtime_error("the platform can't be given to aegir");
  for (const auto& [uri, uid] : {std::pair{"a.test", kUidA}, std::pair{"b.test", kUidB}}) {
    must(machine::prepare_site(config_, accounts_, {docroot(), uri, uid}, done));
    put_as(kAegir, site(uri) + "/settings.php", std::string("<?php return 'salt of ") + uri + "';");
    must(machine::prepare_site(config_, accounts_, {docroot(), uri, uid}, done));
    put_as(uid, site(uri) + "/files/f.txt", std::string("file of ") + uri, 0666);
    put_as(uid, site(uri) + "/files/x.php", kTryPhp);
    put_as(uid, site(uri) + "/files/sub/index.html", "an index");
    put_as(uid, site(uri) + "/private/secret.txt", std::string("secret of ") + uri, 0666);
  }
  // A link of A's to what is B's.
  const std::string link = site("a.test") + "/files/stolen.txt";
  std::filesystem::create_symlink(site("b.test") + "/files/f.txt", link);
  if (::lchown(link.c_str(), kUidA, kUidA) != 0) throw std::runtime_error("the link can't be given to A");
}

void Installation::make_platform() const {
  put(docroot() + "/index.php", kIndexPhp);
  put(docroot() + "/try.php", kTryPhp);
  put(docroot() + "/style.css", "a style");
  put(docroot() + "/folder/there.txt", "there");
  put_as(kAegir, config_.acme_root + "/.well-known/acme-challenge/token", "an answer");
}

void Installation::make_map() {
  content_.sites = {record("a.test", socket(0), 111), record("b.test", socket(1), 222)};
  for (map::SiteRecord& site : content_.sites) {
    map_.seal(site, {"mysql", "db", "user", "password-of-" + site.host, "127.0.0.1", "3306"});
  }
  content_.platforms = {{1, map::kServiceApache | map::kServiceNginx, map::Cms::kOther, "p1", docroot()}};
  publish();
}

emit::Model Installation::model() const {
  emit::Model model;
  model.servers.push_back({"local",
                           "localhost",
                           {{registry::kApache, apache_port_.number(), apache_https_port_.number()},
                            {registry::kNginx, nginx_port_.number(), nginx_https_port_.number()}},
                           {}});
  model.platforms.push_back(platform_);
  model.blocks.push_back(block_);
  return model;
}

void Installation::install() const {
  const Result<std::vector<emit::File>> files = emit::emit_all(config_, model());
  must(files);
  machine::Done done;
  for (const emit::File& file : *files) {
    must(machine::install_config(config_, accounts_, file.path, file.content, file.mode, done));
  }
}

Config Installation::with_servers() const {
  Config config = config_;
  if (apache_ != nullptr) {
    config.apache_test = {"/usr/sbin/apache2", "-t", "-f", apache_->path("httpd.conf")};
    config.apache_start = {"/usr/sbin/apache2", "-DFOREGROUND", "-f", apache_->path("httpd.conf")};
    config.apache_reload = {{}, apache_->path("apache.pid")};
  }
  if (nginx_ != nullptr) {
    config.nginx_test = {
        "/usr/sbin/nginx",        "-t", "-p", nginx_->directory(), "-c", nginx_->path("nginx.conf"), "-e",
        nginx_->path("error.log")};
    config.nginx_reload = {{}, nginx_->path("nginx.pid")};
  }
  return config;
}

void Installation::restart_fpm(const std::string& config) {
  fpm_ = nullptr;
  fpm_ = std::make_unique<FpmServer>();
  std::vector<Endpoint> ready;
  for (std::uint32_t slot = 0; slot < block_.slots; ++slot) ready.push_back(Endpoint::unix_socket(socket(slot)));
  fpm_->start(config, ready, 0, "zend_extension=opcache\nextension=posix\nvariables_order=GPCS\n");
}

void Installation::start_apache() {
  apache_ = std::make_unique<ApacheServer>();
  const std::string folder = server_config_dir(config_, "local") + "/apache/";
  apache_->start(apache_->frame({.main = "Include " + folder + "module.load\nInclude " + folder + "aegir.conf\n",
                                 .module = false,
                                 .modules = {"authz_host", "ssl", "http2"}}),
                 {apache_endpoint()});
}

void Installation::start_nginx() {
  nginx_ = std::make_unique<NginxServer>();
  const std::string folder = server_config_dir(config_, "local") + "/nginx/";
  nginx_->start(
      nginx_->frame(
          {.http = "include " + folder + "aegir.conf;", .main = "include " + folder + "module.load;", .module = false}),
      {nginx_endpoint()});
}

}  // namespace aegir::live
