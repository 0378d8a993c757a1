#include "tests/drupal/lab.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "compiler/core/secret_box.hpp"

namespace aegir::drupal {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr uid_t kAegir = 640001;
constexpr uid_t kDatabase = 640002;
constexpr uid_t kFirstSlot = 641000;
constexpr unsigned kSlots = 16;
constexpr const char* kBlock = "php";
constexpr const char* kServer = "local";
constexpr live::Milliseconds kInstallPatience{180000};

std::unique_ptr<Lab>& lab() {
  static std::unique_ptr<Lab> the_lab;
  return the_lab;
}

void must(const live::Finished& finished, const std::string& what) {
  if (finished.status != 0) {
    throw std::runtime_error(what + " ended with " + std::to_string(finished.status) + ":\n" + finished.output);
  }
}

/// Letters and digits from the kernel.
std::string random_word() {
  const live::Finished word =
      live::run({"sh", "-c", "head -c 64 /dev/urandom | base64 -w 0 | tr -dc A-Za-z0-9 | head -c 24"});
  must(word, "the search for randomness");
  return word.output;
}

/// A copy that everybody can read.
void copy_tree(const std::string& from, const std::string& to) {
  must(live::run({"cp", "-a", "--reflink=auto", from, to}, {}, kInstallPatience), "cp");
  must(live::run({"chmod", "-R", "u=rwX,go=rX", to}), "chmod");
}

/// Copies a program that lies outside of everything here, with the folder around it (the one called `around`, or its
/// own) into `to`; its new path.
std::string copy_tool(const std::string& program, std::string_view around, const std::string& to) {
  if (program.empty() || program.starts_with(fs::path(to).parent_path().string() + "/")) return program;
  fs::path folder = fs::path(program).parent_path();
  while (!around.empty() && folder.has_relative_path() && folder.filename() != around) folder = folder.parent_path();
  fs::create_directories(to);
  const std::string copy = to + "/" + folder.filename().string();
  copy_tree(folder, copy);
  return copy + program.substr(folder.string().size());
}

std::vector<std::string> as_site(const Site& site, const std::vector<std::string>& command) {
  const std::string id = std::to_string(site.uid);
  std::vector<std::string> argv = {"setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--no-new-privs", "--"};
  argv.insert(argv.end(), command.begin(), command.end());
  return argv;
}

}  // namespace

void put_as(uid_t owner, const std::string& path, std::string_view content, mode_t mode) {
  live::put(path, content);
  if (::chown(path.c_str(), owner, owner) != 0 || ::chmod(path.c_str(), mode) != 0) {
    throw std::runtime_error(path + ": can't be given away");
  }
}

void Lab::put_as_aegir(const std::string& path, std::string_view content, gid_t group) const {
  live::put(path, content);
  if (::chown(path.c_str(), kAegir, group) != 0 || ::chmod(path.c_str(), 0440) != 0) {
    throw std::runtime_error(path + ": can't be given away");
  }
}

Lab& Lab::get() {
  static std::string failure;
  if (!failure.empty()) throw std::runtime_error(failure);
  if (lab() == nullptr) {
    try {
      lab() = std::make_unique<Lab>(codebases());
    } catch (const std::exception& error) {
      failure = error.what();
      throw;
    }
  }
  return *lab();
}

void Lab::end() { lab() = nullptr; }

Lab::Lab(const std::vector<Codebase>& codebases) : root_(roomy_folder()) {
  if (::geteuid() != 0) throw std::runtime_error("this test must run as root: it needs real uids");
  copy_codebases(codebases);
  live::put(root_.path("aegir.conf"),
            common_config() + "map_dir = " + map_.path("map") + "\napache_module = " AEGIR_APACHE_MODULE +
                "\nnginx_module = " AEGIR_NGX_MODULE "\napache_listen = 127.0.0.1:" + port(Server::kApache).text() +
                "\nnginx_listen = 127.0.0.1:" + port(Server::kNginx).text() + "\napache_reload = signal " +
                apache_.path("apache.pid") + "\nnginx_reload = signal " + nginx_.path("nginx.pid") + "\n" +
                "apache_test = /usr/sbin/apache2 -t -f " + apache_.path("httpd.conf") +
                "\nnginx_test = /usr/sbin/nginx -t -p " + nginx_.directory() + " -c " + nginx_.path("nginx.conf") +
                " -e " + nginx_.path("error.log") + "\n");
  config_ = read_config(root_.path("aegir.conf")).value();
  database_.start(kDatabase, database_port_);
  configure_servers();
  make_registry();
  start_servers();
  verify();
  start_stock();
  start_static();
  // A refusal is an error in a log, and the stock server is nobody's to judge.
  for (live::Server* const server : {&apache_, &static_apache_})
    server->tolerate_log(
        "AH01630: client denied|AH01276: Cannot serve directory|AH00127: Cannot map|AH10244: invalid URI|AH01071: Got "
        "error '(Unable to open primary script|Primary script unknown)");
  for (live::Server* const server : {&nginx_, &static_nginx_})
    server->tolerate_log("access forbidden by rule|directory index of .* is forbidden");
  stock_.tolerate_log(".");
}

std::string Lab::common_config() const {
  return "prefix = " + root_.path() + "\naegir_user = " + std::to_string(kAegir) +
         "\nuid_first = " + std::to_string(kFirstSlot) + "\nuid_last = " + std::to_string(kFirstSlot + kSlots - 1) +
         "\n";
}

Lab::~Lab() {
  // The web servers first: what they wait for is there as long as they are.
  nginx_.stop();
  apache_.stop();
  stock_.stop();
  static_nginx_.stop();
  static_apache_.stop();
}

std::string Lab::authority(Server server, const std::string& host) const { return host + ':' + port(server).text(); }

live::Server& Lab::at(Server server) {
  switch (server) {
    case Server::kApache:
      return apache_;
    case Server::kNginx:
      return nginx_;
    case Server::kStock:
      return stock_;
    case Server::kStaticApache:
      return static_apache_;
    case Server::kStaticNginx:
      break;
  }
  return static_nginx_;
}

std::string Lab::aegirc(const std::vector<std::string>& arguments) const {
  std::vector<std::string> argv = {AEGIRC, "--config", root_.path("aegir.conf")};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  live::Finished done = live::run(argv);
  must(done, "aegirc " + arguments.front());
  return std::move(done.output);
}

void Lab::change(const std::string& document) const {
  live::put(root_.path("change.json"), document);
  aegirc({"import", root_.path("change.json")});
  aegirc({"publish"});
}

void Lab::copy_codebases(const std::vector<Codebase>& codebases) {
  const std::string platforms = root_.path("var/aegir/platforms");
  fs::create_directories(platforms);
  for (const Codebase& codebase : codebases) {
    Site site;
    site.codebase = codebase;
    site.uri = codebase.name + ".test";
    site.database = site.codebase.name;
    site.password = random_word();
    Codebase& copy = site.codebase;
    copy.project = platforms + "/" + codebase.name;
    copy.docroot = copy.project + codebase.docroot.substr(codebase.project.size());
    if (codebase.drush.starts_with(codebase.project + "/")) {
      copy.drush = copy.project + codebase.drush.substr(codebase.project.size());
    }
    site.directory = copy.docroot + "/sites/" + site.uri;
    copy_tree(codebase.project, copy.project);
    must(live::run({"chown", "-R", std::to_string(kAegir) + ":" + std::to_string(kAegir), copy.project}), "chown");
    // Tools that lie outside: sites' uids must be able to read them, wherever they lie.
    copy.drush = copy_tool(copy.drush, "vendor", root_.path("tools-" + codebase.name));
    copy.bee = copy_tool(copy.bee, "", root_.path("tools-" + codebase.name));
    sites_.emplace(codebase.name, std::move(site));
  }
}

std::string Lab::document() const {
  json document;
  document["servers"][kServer] = {{"web",
                                   {{"apache", {{"http_port", port(Server::kApache).number()}}},
                                    {"nginx", {{"http_port", port(Server::kNginx).number()}, {"https_port", 8443}}}}},
                                  {"database", {{"host", "127.0.0.1"}, {"port", database_port_.number()}}}};
  document["clients"]["lab"] = {{"title", "Tests"}};
  document["blocks"][kBlock] = {{"server", kServer}, {"first_uid", kFirstSlot}, {"slots", kSlots}};
  for (const auto& [name, site] : sites_) {
    const char* cms = site.codebase.cms == registry::Cms::kDrupal7    ? "drupal7"
                      : site.codebase.cms == registry::Cms::kBackdrop ? "backdrop"
                                                                      : "drupal8";
    document["platforms"][name] = {{"server", kServer},
                                   {"docroot", site.codebase.docroot},
                                   {"services", {"apache", "nginx"}},
                                   {"cms", cms},
                                   {"block", kBlock}};
    document["sites"][site.uri] = {
        {"platform", name},
        {"client", "lab"},
        {"database",
         {{"server", kServer}, {"name", site.database}, {"user", site.database}, {"password", site.password}}}};
  }
  return document.dump(2);
}

void Lab::make_registry() {
  for (const auto& [name, site] : sites_) {
    sql("CREATE DATABASE `" + site.database + "`; CREATE USER `" + site.database + "`@`127.0.0.1` IDENTIFIED BY '" +
        site.password + "'; GRANT ALL ON `" + site.database + "`.* TO `" + site.database + "`@`127.0.0.1`");
  }
  aegirc({"keygen", "map"});
  aegirc({"keygen", "registry"});
  live::put(root_.path("registry.json"), document());
  aegirc({"import", root_.path("registry.json")});
  aegirc({"compile"});
}

void Lab::verify() {
  for (auto& [name, site] : sites_) {
    struct stat status{};
    if (::stat((site.directory + "/files").c_str(), &status) != 0) {
      throw std::runtime_error(site.directory + "/files: aegirc has not made it");
    }
    site.uid = status.st_uid;
    site.home = slot_home(config_, kBlock, site.uid - kFirstSlot);
    aegirc({"verify", "--site", site.uri});
    aegirc({"verify", "--platform", name});
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

void Lab::start_servers() {
  std::vector<live::Endpoint> sockets;
  for (unsigned slot = 0; slot < kSlots; ++slot) {
    sockets.push_back(live::Endpoint::unix_socket(slot_socket(config_, kBlock, slot)));
  }
  fpm_.start(live::slurp(server_config_dir(config_, kServer) + "/php/" + kBlock + ".conf"), sockets, 0,
             live::packaged_ini());
  apache_.start(apache_frame_, {endpoint(Server::kApache)});
  nginx_.start(nginx_frame_, {endpoint(Server::kNginx)});
}

void Lab::start_stock() {
  std::vector<live::FpmPool> pools;
  std::string main = "TypesConfig /etc/mime.types\nListen 127.0.0.1:" + port(Server::kStock).text() + "\n";
  for (const auto& [name, site] : sites_) {
    live::FpmPool pool{.name = name, .uid = site.uid, .gid = site.uid, .socket = stock_fpm_.path(name + ".sock")};
    pool.children = 2;
    pool.more = "env[HOME] = " + site.home + "/home\nenv[db_type] = mysql\nenv[db_name] = " + site.database +
                "\nenv[db_user] = " + site.database + "\nenv[db_passwd] = " + site.password +
                "\nenv[db_host] = 127.0.0.1\nenv[db_port] = " + database_port_.text() +
                "\nenv[AEGIR_SITE_DIR] = " + site.uri + "\nenv[AEGIR_HOST] = " + site.uri + "\n";
    for (const char* variable : {"TMP", "TEMP", "TMPDIR"}) {
      pool.more += std::string("env[") + variable + "] = " + site.home + "/tmp\n";
    }
    pool.more += "php_admin_value[sys_temp_dir] = " + site.home +
                 "/tmp\nphp_admin_value[session.save_path] = " + site.home + "/sessions\n";
    main += "<VirtualHost 127.0.0.1:" + port(Server::kStock).text() + ">\nServerName " + site.uri + "\nServerAlias " +
            stranger_of(site) + "\nDocumentRoot " + site.codebase.docroot + "\n<Directory " + site.codebase.docroot +
            ">\nAllowOverride All\nOptions FollowSymLinks\nRequire all granted\nDirectoryIndex index.php index.html\n" +
            "<FilesMatch \"\\.php$\">\nSetHandler proxy:unix:" + pool.socket +
            "|fcgi://localhost\n</FilesMatch>\n</Directory>\n</VirtualHost>\n";
    pools.push_back(std::move(pool));
  }
  stock_fpm_.start(pools, live::packaged_ini());
  stock_.start(stock_.frame({.main = main, .module = false, .modules = {"authz_host", "expires", "negotiation"}}),
               {endpoint(Server::kStock)});
}

void Lab::start_static() {
  // The same registry for servers of its own: another place for the fragments, other ports. What Apache has accepted
  // as an .htaccess is there already.
  const std::string folder = root_.path("static/server_") + kServer;
  for (const auto& [name, site] : sites_) {
    const std::string htaccess = "/apache/platform.d/" + name + ".htaccess";
    live::put(folder + htaccess, live::slurp(server_config_dir(config_, kServer) + htaccess));
  }
  const std::string conf = root_.path("static.conf");
  live::put(conf, common_config() + "config_dir = " + root_.path("static") +
                      "\napache_listen = 127.0.0.1:" + port(Server::kStaticApache).text() +
                      "\nnginx_listen = 127.0.0.1:" + port(Server::kStaticNginx).text() + "\n");
  must(live::run({AEGIRC, "--config", conf, "compile", "--static", "--out", "/"}), "aegirc compile --static");
  static_apache_.start(
      static_apache_.frame({.main = "TypesConfig /etc/mime.types\nInclude " + folder + "/apache/static.conf\n",
                            .module = false,
                            .modules = {"authz_host", "expires"}}),
      {endpoint(Server::kStaticApache)});
  static_nginx_.start(
      static_nginx_.frame(
          {.http = "include /etc/nginx/mime.types;\ninclude " + folder + "/nginx/static.conf;", .module = false}),
      {endpoint(Server::kStaticNginx)});
}

Ended Lab::php(const Site& site, const std::vector<std::string>& arguments, bool credentials,
               const std::string& folder) const {
  std::vector<std::string> environment = {"HOME=" + site.home + "/home", "TMP=" + site.home + "/tmp",
                                          "TEMP=" + site.home + "/tmp", "TMPDIR=" + site.home + "/tmp"};
  if (credentials) {
    const std::vector<std::string> database = {"db_type=mysql",
                                               "db_name=" + site.database,
                                               "db_user=" + site.database,
                                               "db_passwd=" + site.password,
                                               "db_host=127.0.0.1",
                                               "db_port=" + database_port_.text()};
    environment.insert(environment.end(), database.begin(), database.end());
  }
  const live::TempDir scratch;
  std::vector<std::string> command = {"php8.2", "-d", "memory_limit=512M"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  // stderr to a file of its own: what Drush says there is for people, and its data on stdout is for programs.
  std::vector<std::string> argv = {"sh",
                                   "-c",
                                   "cd \"$2\" && exec 2>\"$1\" && shift 2 && exec \"$@\"",
                                   "sh",
                                   scratch.path("stderr"),
                                   folder.empty() ? site.codebase.docroot : folder};
  const std::vector<std::string> as = as_site(site, command);
  argv.insert(argv.end(), as.begin(), as.end());
  const live::Finished finished = live::run(argv, environment, kInstallPatience);
  return {finished.status, finished.output, live::slurp(scratch.path("stderr"))};
}

Ended Lab::drush(const Site& site, const std::vector<std::string>& arguments, bool credentials) const {
  const Codebase& codebase = site.codebase;
  const bool bee = codebase.cms == registry::Cms::kBackdrop;
  std::vector<std::string> command = {codebase.bee};
  if (!bee) command = {codebase.drush, "--root=" + codebase.docroot, "--uri=http://" + site.uri};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return php(site, command, credentials, bee ? site.directory : "");
}

const Site& Lab::installed(const std::string& codebase) {
  Site& site = sites_.at(codebase);
  if (!site.installed) install(site);
  return site;
}

}  // namespace aegir::drupal
