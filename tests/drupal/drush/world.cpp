#include "tests/drupal/drush/world.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <stdexcept>

#include "compiler/emit/drupal.hpp"

namespace aegir::drupal {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kDatabase = 650002;
constexpr uid_t kFirstSlot = 651000;

std::unique_ptr<World>& the_world() {
  static std::unique_ptr<World> world;
  return world;
}

void must(const live::Finished& finished, const std::string& what) {
  if (finished.status != 0) {
    throw std::runtime_error(what + " ended with " + std::to_string(finished.status) + ":\n" + finished.output);
  }
}

void give(const std::string& path, uid_t owner, gid_t group, mode_t mode) {
  if (::chown(path.c_str(), owner, group) != 0 || ::chmod(path.c_str(), mode) != 0) {
    throw std::runtime_error(path + ": can't be given away");
  }
}

void make_folder(const std::string& path, uid_t owner, mode_t mode) {
  fs::create_directories(path);
  give(path, owner, owner, mode);
}

Codebase fixture() {
  Codebase codebase;
  codebase.name = kFixture;
  codebase.docroot = codebase.project = AEGIR_SOURCE_DIR "/tests/fixtures/platform";
  codebase.cms = registry::Cms::kDrupal8;
  codebase.version = drush::core_of(codebase.docroot).value().version;
  return codebase;
}

/// Says what the tests ran with, and ends what they started.
class Frame : public testing::Environment {
 public:
  void SetUp() override { std::cout << describe_codebases() << "; and with the fixture\n" << std::flush; }
  void TearDown() override { World::end(); }
};

const testing::Environment* const kFrame = testing::AddGlobalTestEnvironment(new Frame);

}  // namespace

std::vector<std::string> names_with_fixture() {
  std::vector<std::string> names;
  for (const Codebase& codebase : codebases()) names.push_back(codebase.name);
  names.emplace_back(kFixture);
  return names;
}

World& World::get() {
  static std::string failure;
  if (!failure.empty()) throw std::runtime_error(failure);
  if (the_world() == nullptr) {
    try {
      the_world() = std::make_unique<World>();
    } catch (const std::exception& error) {
      failure = error.what();
      throw;
    }
  }
  return *the_world();
}

void World::end() { the_world() = nullptr; }

World::World() : root_(roomy_folder()) {
  if (::geteuid() != 0) throw std::runtime_error("this test must run as root: it needs real uids");
  config_ = parse_config("prefix = " + root_.path() + "\n", "test.conf").value();
  for (const Codebase& codebase : codebases()) copy(codebase);
  copy(fixture());
  fs::create_directories(root_.path("php"));
  fs::create_symlink("/usr/bin/php8.2", root_.path("php/php"));
  database_.start(kDatabase, port_);
}

void World::copy(const Codebase& codebase) {
  Codebase copy = codebase;
  copy.project = root_.path(codebase.name);
  copy.docroot = copy.project + codebase.docroot.substr(codebase.project.size());
  const auto take = [](const std::string& from, const std::string& to) {
    must(live::run({"cp", "-a", "--reflink=auto", from, to}, {}, std::chrono::minutes(3)), "cp");
    must(live::run({"chmod", "-R", "u=rwX,go=rX", to}), "chmod");
  };
  take(codebase.project, copy.project);
  for (std::string* const tool : {&copy.drush, &copy.bee}) {
    if (tool->empty() || tool->starts_with(codebase.project + "/")) continue;
    // Drush 8 with the whole vendor/ around it, bee as it is.
    const std::size_t vendor = tool->find("/vendor/");
    const std::string folder =
        vendor != std::string::npos ? tool->substr(0, vendor + 7) : fs::path(*tool).parent_path().string();
    const std::string target = root_.path("tools-" + codebase.name) + (vendor != std::string::npos ? "/vendor" : "");
    fs::create_directories(fs::path(target).parent_path());
    take(folder, target);
    *tool = target + tool->substr(folder.size());
  }
  fs::remove(copy.docroot + "/sites/default/settings.php");
  fs::create_directories(copy.docroot + "/sites");
  live::put(copy.docroot + "/sites/sites.php", emit::sites_php());
  codebases_.emplace(codebase.name, std::move(copy));
}

Place World::fresh(const std::string& name, const std::string& profile) {
  const Codebase& codebase = codebases_.at(name);
  const std::string number = std::to_string(++sites_);
  Place place;
  place.uid = kFirstSlot + sites_;
  drush::Site& site = place.site;
  site.uri = name + "-" + number + ".test";
  site.docroot = codebase.docroot;
  site.cms = codebase.cms;
  const std::string named = codebase.cms == registry::Cms::kBackdrop  ? codebase.bee
                            : codebase.cms == registry::Cms::kDrupal7 ? codebase.drush
                                                                      : std::string();
  Result<drush::Tool> tool = drush::find_tool(codebase.docroot, codebase.cms, named);
  if (!tool) throw std::runtime_error(describe(tool.error()));
  site.tool = std::move(*tool);
  site.origin = "http://" + site.uri + ":8080";
  site.php_dir = root_.path("php");
  site.home = root_.path("slots/" + number + "/home");
  site.tmp = root_.path("slots/" + number + "/tmp");
  make_folder(site.home, place.uid, 0700);
  make_folder(site.tmp, place.uid, 0700);
  site.service = {"mysql", "127.0.0.1", static_cast<std::uint16_t>(port_.number())};
  site.database = {"local", "site" + number, "user" + number, "Canary" + number + "OfThePassword"};
  sql("CREATE DATABASE " + site.database.name + "; CREATE USER " + site.database.user + "@`127.0.0.1` IDENTIFIED BY '" +
      site.database.password + "'; GRANT ALL ON " + site.database.name + ".* TO " + site.database.user +
      "@`127.0.0.1`");

  emit::SiteFacts facts;
  facts.site.uri = site.uri;
  facts.site.profile = profile;
  facts.site.hash_salt = "salt of " + number;
  facts.site.database = site.database;
  facts.platform.docroot = site.docroot;
  facts.platform.cms = site.cms;
  facts.database = site.service;
  make_folder(place.directory(), 0, 0755);
  give(place.directory(), 0, place.uid, 02750);
  for (const char* folder : {"files", "private", "private/files", "private/temp", "private/config",
                             "private/config/sync", "private/config/active", "private/config/staging"}) {
    make_folder(place.directory() + '/' + folder, place.uid, 02770);
  }
  live::put(place.directory() + "/settings.php", emit::settings_php(config_, facts).value());
  give(place.directory() + "/settings.php", 0, place.uid, 0440);
  return place;
}

const Installed& World::installed(const std::string& codebase) {
  const auto found = installed_.find(codebase);
  if (found != installed_.end()) return found->second;
  Installed made;
  made.place = fresh(codebase);
  SlotRunner runner = runner_of(made.place);
  Result<drush::Status> before = drush::status(runner, made.place.site);
  if (!before) throw std::runtime_error(describe(before.error()));
  made.before = std::move(*before);
  const Result<void> done = drush::install(runner, made.place.site, usual_installation(), {},
                                           [&](const drush::Line& line) { made.log.push_back(line); });
  if (!done) throw std::runtime_error(describe(done.error()));
  return installed_.emplace(codebase, std::move(made)).first->second;
}

}  // namespace aegir::drupal
