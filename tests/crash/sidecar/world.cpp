#include "tests/crash/sidecar/world.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "sidecar/monitor/processes.hpp"

namespace aegir::sidecar {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Folders as they are named in every machine.
void add(const Lab& lab, const fs::path& path, Picture& picture) {
  picture.insert("file " + path.lexically_relative(lab.path("")).string());
}

void add_lines(const std::string& prefix, const std::string& text, Picture& picture) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    picture.insert(prefix + text.substr(begin, end - begin));
    begin = end + 1;
  }
}

/// A run that has ended leaves no process; a slot's PHP is in no namespace of its own.
void add_runs(Picture& picture) {
  const auto runs = [] {
    auto found = monitor::processes_of(Lab::kFirstSlot, Lab::kFirstSlot + Lab::kSlots - 1);
    if (!found) throw std::runtime_error(describe(found.error()));
    return std::ranges::count_if(*found, [](const auto& process) { return process.elsewhere; });
  };
  if (!live::eventually([&] { return runs() == 0; }, live::Milliseconds(2000))) picture.insert("a run is left");
}

std::unique_ptr<Lab> new_lab() {
  own_mounts();
  return Lab::on_fixture();
}

}  // namespace

Picture difference(const Picture& before, const Picture& after) {
  Picture changes;
  for (const std::string& line : after) {
    if (!before.contains(line)) changes.insert("+ " + line);
  }
  for (const std::string& line : before) {
    if (!after.contains(line)) changes.insert("- " + line);
  }
  return changes;
}

World::World() : lab_(new_lab()), points_(lab_->path("points")) {
  const fs::path other = other_docroot();
  fs::copy(lab_->docroot(), other, fs::copy_options::recursive);
  lab_->stop_aegird();
  constexpr std::size_t kBytes = 24U << 20U;
  sites_disk_ = std::make_unique<SmallDisk>(lab_->docroot() + "/sites", kBytes);
  state_disk_ = std::make_unique<SmallDisk>(lab_->config().state_dir, kBytes);
  // By the socket, where its connections can be cut, aegird comes from localhost.
  const std::string own = live::slurp(database_options_file(lab_->config(), "main"));
  const std::string key = "password=";
  const std::size_t begin = own.find(key) + key.size();
  (void)lab_->sql("CREATE USER aegird@localhost IDENTIFIED BY '" + own.substr(begin, own.find('\n', begin) - begin) +
                  "'; GRANT ALL ON *.* TO aegird@localhost WITH GRANT OPTION");
  // Of servers that have none behind them, and of PHP whose database is gone or whose site is being removed.
  lab_->tolerate_log("fpm/php/|AH010|AH02454|proxy_fcgi|FastCGI sent in stderr");
  lab_->use_worker(WATCHED_WORKER);
  lab_->start_aegird();
  fulfil({"site", "install", kBystander, {{"platform", "p1"}}});
}

std::string World::other_docroot() const { return (fs::path(lab_->docroot()).parent_path() / "other").string(); }

void World::put(const Wish& wish) {
  if (wish.verb == "install" || wish.kind == "block") --slots_left_;
  (void)lab_->api("POST", "/v1/tasks",
                  {{"kind", wish.kind}, {"verb", wish.verb}, {"object", wish.object}, {"request", wish.request}});
}

void World::fulfil(const Wish& wish) {
  put(wish);
  await_idle();
  const json task = last_task(wish);
  const std::string state = task.at("state");
  if (state == "success" || state == "warning") return;
  throw std::runtime_error(wish.kind + ' ' + wish.verb + ' ' + wish.object + ": " + task.dump() + '\n' + log_of(task) +
                           lab_->log());
}

std::optional<json> World::find_task(const Wish& wish) {
  const json tasks = lab_->api("GET", "/v1/tasks?limit=1&kind=" + wish.kind + "&object=" + wish.object).at("tasks");
  if (tasks.empty() || tasks.front().at("verb") != wish.verb) return std::nullopt;
  return tasks.front();
}

json World::last_task(const Wish& wish) {
  if (std::optional<json> task = find_task(wish)) return *std::move(task);
  throw std::runtime_error("there is no task " + wish.kind + ' ' + wish.verb + ' ' + wish.object);
}

std::string World::log_of(const json& task) {
  const std::string id = std::to_string(task.at("id").get<std::uint64_t>());
  std::string text;
  const json log = lab_->api("GET", "/v1/tasks/" + id + "/log?limit=1000");
  for (const json& line : log.at("lines")) {
    text += line.at("step").is_null() ? "" : line.at("step").get<std::string>() + ": ";
    text += line.at("text").get<std::string>() + '\n';
  }
  return text;
}

bool World::is_idle() {
  try {
    const json tasks = lab_->api("GET", "/v1/queue").at("tasks");
    return tasks.at("queued") == 0 && tasks.at("processing") == 0;
  } catch (const std::exception&) {
    return false;
  }
}

void World::await_idle() {
  if (live::eventually([this] { return is_idle(); }, live::Milliseconds(60000))) return;
  throw std::runtime_error("tasks stand still: " + lab_->api("GET", "/v1/tasks").dump() + '\n' + lab_->log());
}

std::string World::state_of_site(const std::string& uri) {
  const json sites = lab_->api("GET", "/v1/sites?limit=500");
  for (const json& site : sites.at("sites")) {
    if (site.at("uri") == uri) return site.at("state");
  }
  return "none";
}

Picture World::look(std::set<std::string> hosts) {
  Picture picture;
  for (const char* list : {"sites", "platforms", "servers", "blocks", "clients"}) {
    const json all = lab_->api("GET", std::string("/v1/") + list + (list == std::string("sites") ? "?limit=500" : ""));
    for (const json& each : all.at(list)) {
      // Alone it has what the list leaves out: packages.
      json object = lab_->api(
          "GET", std::string("/v1/") + list + '/' + each.at(each.contains("uri") ? "uri" : "name").get<std::string>());
      for (const char* given : {"id", "slot", "first_uid"}) object.erase(given);
      // The same in every machine, as add() names its files.
      std::string text = object.dump();
      for (const std::string& own :
           {lab_->path(""), lab_->database_port(), lab_->port(Lab::Server::kApache), lab_->port(Lab::Server::kNginx)}) {
        for (std::size_t at = 0; (at = text.find(own, at)) != std::string::npos;) text.erase(at, own.size());
      }
      picture.insert(list + (" " + text));
    }
  }
  const Config& config = lab_->config();
  for (const std::string& folder : {config.config_dir, config.aegir_root + "/.drush"}) {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) add(*lab_, entry.path(), picture);
  }
  for (const std::string& docroot : {lab_->docroot(), other_docroot()}) {
    for (const auto& entry : fs::directory_iterator(docroot + "/sites")) add(*lab_, entry.path(), picture);
  }
  add_lines("database ", lab_->sql("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA"), picture);
  add_lines("account ", lab_->sql("SELECT User, Host FROM mysql.user"), picture);
  if (const std::size_t count = lab_->candidates(); count != 0) {
    picture.insert(std::to_string(count) + " candidates");
  }
  add_runs(picture);
  hosts.insert(kBystander);
  for (const std::string& name : hosts) {
    for (const auto& [server, word] : {std::pair{Lab::Server::kApache, "Apache"}, {Lab::Server::kNginx, "nginx"}}) {
      picture.insert("page of " + name + " from " + word + ": " + std::to_string(lab_->visit(server, name).status));
    }
  }
  return picture;
}

}  // namespace aegir::sidecar
