// One site on a machine in a directory, its files, and the people who may read them.
#pragma once

#include <fcntl.h>

#include <algorithm>
#include <map>

#include "compiler/core/atomic_file.hpp"
#include "tests/root/cli/aegirc_as_root.hpp"

namespace aegir::cli {

class VerifiedSite : public AegircAsRoot {
 protected:
  static constexpr uid_t kSlot = 300000;  ///< of first.example
  static constexpr uid_t kOther = 300001;

  [[nodiscard]] std::string docroot() const { return config_.aegir_root + "/platforms/d10"; }
  [[nodiscard]] std::string site(const std::string& name) const { return docroot() + "/sites/first.example/" + name; }
  [[nodiscard]] std::string text(const std::string& name) const { return live::slurp(site(name)); }
  [[nodiscard]] std::string cli_file(const std::string& uri = "first.example") const {
    return config_.config_dir + "/cli/" + uri + ".php";
  }
  [[nodiscard]] std::string drush(const std::string& name) const { return config_.aegir_root + "/.drush/" + name; }
  [[nodiscard]] std::string slot_drush(const std::string& name) const {
    return slot_home(config_, "b1", 0) + "/home/.drush/" + name;
  }

  /// A file as a person writes it, without regard to owner and mode.
  void edit(const std::string& name, const std::string& content) const {
    fs::remove(site(name));
    live::put(site(name), content);
  }
  /// A Verify that names `place` and what is wrong with it, with a next step.
  void expect_told(const std::string& place, const std::string& message) const {
    const live::Finished done = aegirc("verify --site first.example");
    EXPECT_EQ(done.status, 65) << done.output;
    EXPECT_NE(done.output.find('\n' + place + ": site first.example "), std::string::npos) << done.output;
    EXPECT_NE(done.output.find(message), std::string::npos) << done.output;
    EXPECT_NE(done.output.find("\n  next: "), std::string::npos) << done.output;
  }
  void verify() const { expect("verify --site first.example", 0, ""); }

  /// Imports some of the site's fields.
  void change(const std::string& fields) {
    live::put(file("change.json"), R"({"sites": {"first.example": {)" + fields + "}}}");
    expect("import " + file("change.json"), 0, "Imported");
  }

  static std::string owner_and_mode(const std::string& path) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) return "missing";
    char mode[8];
    (void)std::snprintf(mode, sizeof mode, "%04o", status.st_mode & 07777U);
    return std::string(mode) + " " + std::to_string(status.st_uid) + ":" + std::to_string(status.st_gid);
  }
  static std::int64_t modified(const std::string& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mtim.tv_sec;
  }
  /// Whether `uid` with no more than its own group can read a file.
  static bool reads(uid_t uid, const std::string& path) {
    const std::string id = std::to_string(uid);
    return live::run({"setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--", "cat", path}).status == 0;
  }
  /// What php prints as `uid` for `code` with the settings of first.example read on a command line.
  [[nodiscard]] std::string with_settings(uid_t uid, const std::string& code,
                                          const std::vector<std::string>& environment = {}) const {
    const std::string id = std::to_string(uid);
    const live::Finished done =
        live::run({"setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--", "php", "-n", "-r",
                   "class Drupal { const VERSION = '10.6.15'; } include $argv[1]; " + code, "--", site("settings.php")},
                  environment);
    EXPECT_EQ(done.status, 0) << done.output;
    return done.output;
  }
  /// Whether the live map has credentials for the site.
  bool sealed() {
    const auto state = worker_.snapshot(now_ += 2);
    map::SiteView view;
    return state && state->find_host("first.example", view) == map::Lookup::kFound && !view.sealed.empty();
  }
  /// Change times of everything that Verify writes.
  [[nodiscard]] std::map<std::string, std::int64_t> change_times() const {
    std::map<std::string, std::int64_t> times;
    for (const std::string& top : {config_.aegir_root, config_.slot_dir}) {
      for (const auto& entry : fs::recursive_directory_iterator(top)) {
        struct stat status{};
        EXPECT_EQ(::lstat(entry.path().c_str(), &status), 0) << entry.path();
        times[entry.path()] = std::int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec;
      }
    }
    return times;
  }
};

}  // namespace aegir::cli
