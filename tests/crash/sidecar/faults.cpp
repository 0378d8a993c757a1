#include "tests/crash/sidecar/faults.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <thread>

#include "sidecar/monitor/processes.hpp"
#include "tests/live/database/cutter.hpp"

namespace aegir::sidecar {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kAllButSmall = {"site install",    "site install that fails",
                                               "site verify",     "site login",
                                               "site disable",    "site enable",
                                               "site delete",     "platform add",
                                               "platform verify", "server add",
                                               "server verify",   "block add"};
const std::vector<std::string> kRuns = {"site install", "site login"};
constexpr const char* kLimited = "hang, up to its limit";
const std::vector<std::string> kOfDatabase = {
    "site install", "site install that fails", "site login", "site delete", "server add", "server verify"};

/// A child of aegird's: the worker, or the first of those that do its work and are aegird still. -1: there is none.
pid_t child_of_aegird(Lab& lab, bool worker) {
  for (const pid_t child : live::children_of(lab.aegird().pid())) {
    const std::string line = live::command_line(child);
    const bool is_worker = line.substr(0, line.find(' ')).ends_with("watched_worker");
    if (!line.empty() && is_worker == worker) return child;
  }
  return -1;
}

/// Kills the first process that `find` finds, as soon as there is one.
class Hunter {
 public:
  explicit Hunter(std::function<pid_t()> find) : find_(std::move(find)) {}

  void begin() {
    end();
    killed_ = false;
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested() && !killed_) {
        const pid_t pid = find_();
        if (pid > 0 && ::kill(pid, SIGKILL) == 0) killed_ = true;
      }
    });
  }
  void end() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] bool killed() const { return killed_; }

 private:
  std::function<pid_t()> find_;
  std::atomic<bool> killed_ = false;
  std::jthread thread_;
};

Fault hunt(const std::string& name, const std::vector<std::string>& rows, std::function<pid_t()> find) {
  const auto hunter = std::make_shared<Hunter>(std::move(find));
  return {.name = name,
          .begin = [hunter](const Wish&) { hunter->begin(); },
          .end = [hunter] { hunter->end(); },
          .happened = [hunter] { return hunter->killed(); },
          .rows = rows};
}

}  // namespace

std::vector<Fault> killed_parts(Matrix& matrix) {
  std::vector<Fault> faults;
  faults.push_back({.name = "aegird-worker killed",
                    .begin = [&matrix](const Wish&) { ::kill(child_of_aegird(matrix.world().lab(), true), SIGKILL); },
                    // aegird starts the next one by itself, but waits longer each time.
                    .end =
                        [&matrix] {
                          matrix.world().await_idle();
                          matrix.world().lab().stop_aegird();
                        }});
  faults.push_back(hunt("child of aegird's killed", kAllButSmall,
                        [&matrix] { return child_of_aegird(matrix.world().lab(), false); }));
  faults.push_back(hunt("run killed", kRuns, []() -> pid_t {
    const auto found = monitor::processes_of(Lab::kFirstSlot, Lab::kFirstSlot + Lab::kSlots - 1);
    if (!found) return -1;
    const auto run = std::ranges::find_if(*found, [](const auto& process) { return process.elsewhere; });
    return run == found->end() ? -1 : run->pid;
  }));
  return faults;
}

std::vector<Fault> servers_down(Matrix& matrix) {
  using Service = Lab::Service;
  std::vector<Fault> faults;
  const auto lock = [&matrix](const std::string& how) {
    (void)matrix.world().lab().sql("ALTER USER aegird@localhost, aegird@`127.0.0.1` ACCOUNT " + how);
  };
  faults.push_back({.name = "MariaDB lets aegird not in",
                    .begin = [lock](const Wish&) { lock("LOCK"); },
                    .end = [lock] { lock("UNLOCK"); },
                    .rows = kOfDatabase});
  const auto down = [&](const std::string& name, const std::vector<Service>& services,
                        const std::vector<std::string>& rows) {
    faults.push_back({.name = name,
                      .begin =
                          [&matrix, services](const Wish&) {
                            for (const Service service : services) matrix.world().lab().stop(service);
                          },
                      .end =
                          [&matrix, services] {
                            for (const Service service : services) matrix.world().lab().start(service);
                          },
                      .rows = rows});
  };
  down("Apache down", {Service::kApache}, kAllButSmall);
  down("nginx down", {Service::kNginx}, kAllButSmall);
  down("both web servers down", {Service::kApache, Service::kNginx}, kAllButSmall);
  down("PHP-FPM down", {Service::kPhp}, kAllButSmall);
  down("MariaDB down", {Service::kDatabase}, kOfDatabase);
  return faults;
}

std::vector<Fault> disks_full(Matrix& matrix) {
  std::vector<Fault> faults;
  const auto full = [&](const std::string& name, SmallDisk& (World::*disk)(), const std::vector<std::string>& rows) {
    faults.push_back({.name = name,
                      .begin = [&matrix, disk](const Wish&) { (matrix.world().*disk)().fill(); },
                      .end = [&matrix, disk] { (matrix.world().*disk)().empty(); },
                      // Of a registry that can't be written no log says that its task stands still.
                      .patience = std::chrono::seconds(3),
                      .rows = rows});
  };
  full("disk of the sites full", &World::sites_disk,
       {"site install", "site install that fails", "site verify", "site login", "site disable", "site enable",
        "site delete"});
  full("disk of the registry full", &World::state_disk, {});
  return faults;
}

std::vector<Fault> connections_lost(Matrix& matrix) {
  constexpr unsigned kStatements = 14;
  std::vector<Fault> faults;
  struct Way {
    const char* name;
    database::Cut cut;
    bool kills = false;  ///< aegird, too
  };
  for (const Way& way : {Way{"connection lost before a statement", database::Cut::kBefore},
                         Way{"connection lost while it does a statement", database::Cut::kDuring},
                         Way{"connection lost after a statement", database::Cut::kAfter},
                         Way{"aegird killed in a statement", database::Cut::kDuring, true}}) {
    for (unsigned statement = 1; statement <= kStatements; ++statement) {
      struct Detour {
        std::unique_ptr<database::Cutter> cutter;
        std::string file;
        std::string usual;
      };
      const auto detour = std::make_shared<Detour>();
      faults.push_back({.name = way.name,
                        .begin =
                            [&matrix, detour, way, statement](const Wish&) {
                              const Lab& lab = matrix.world().lab();
                              detour->cutter = std::make_unique<database::Cutter>(lab.database_socket());
                              ::chmod(detour->cutter->socket().c_str(), 0666);
                              detour->file = database_options_file(lab.config(), "main");
                              detour->usual = live::slurp(detour->file);
                              const std::string login = detour->usual.substr(0, detour->usual.find("host="));
                              live::put(detour->file, login + "socket=" + detour->cutter->socket() + '\n');
                              detour->cutter->arm(statement, way.cut, [&matrix, kills = way.kills] {
                                if (kills) matrix.world().lab().aegird().signal(SIGKILL);
                              });
                            },
                        .end = [detour] { live::put(detour->file, detour->usual); },
                        .happened =
                            [detour, statement] {
                              const bool cut_off = detour->cutter->seen() >= statement;
                              detour->cutter.reset();
                              return cut_off;
                            },
                        .rows = {"site install", "site install that fails", "site delete", "server verify"},
                        .at = "database"});
    }
  }
  return faults;
}

std::vector<Fault> drush_faults(Matrix& matrix) {
  std::vector<Fault> faults;
  const auto add = [&](const std::string& command, const std::string& row, const std::string& step,
                       const std::vector<std::string>& ways) {
    for (const std::string& way : ways) {
      const auto file = std::make_shared<std::string>();
      const bool limited = way == kLimited;
      const std::string fault = limited ? "hang" : way;
      faults.push_back({.name = "drush " + command + ": " + way,
                        .begin =
                            [&matrix, file, limited, told = command + ' ' + fault + '\n'](const Wish& wish) {
                              const Lab& lab = matrix.world().lab();
                              *file = lab.directory(wish.object) + "/private/fixture-fault";
                              live::put(*file, told);
                              if (limited) live::put(lab.path("longest-run"), "1000\n");
                            },
                        .end =
                            [&matrix, file] {
                              std::error_code error;
                              fs::remove(*file, error);
                              fs::remove(matrix.world().lab().path("longest-run"), error);
                            },
                        // Of its own limit of minutes nobody waits for the end.
                        .patience = way == "hang" ? std::chrono::milliseconds(1000) : std::chrono::minutes(2),
                        .rows = {row},
                        .at = step});
    }
  };
  const std::vector<std::string> all = {"hang",  kLimited,       "fail",   "nothing", "garbage",    "shell", "flood",
                                        "twice", "flood-errors", "notice", "control", "other-site", "late",  "stray"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), all.begin(), all.end());
    return more;
  };
  add("core-status", "site install", "drupal", with({"other-database"}));
  add("site-install", "site install", "drupal", with({"half"}));
  add("php-eval", "site install", "drupal", with({"other-database"}));
  add("user-login", "site login", "link", with({"false-host", "other-uid"}));
  return faults;
}

}  // namespace aegir::sidecar
