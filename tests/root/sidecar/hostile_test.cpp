// What a site's own code and its tenant do to a verb at work: Drush that lies, floods and writes control bytes, and a
// files/ that changes while delete and verify run. Nothing escapes, and the task says what was in the way, and where.
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "tests/root/sidecar/shared_lab.hpp"

namespace aegir::sidecar {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

/// Bytes that would do something to a terminal, beside the ends of lines.
bool has_control_bytes(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return (c < 0x20 && c != '\n') || c == 0x7f; });
}

class HostileDrush : public SharedLab {
 protected:
  struct Lie {
    const char* command;
    const char* fault;
    const char* told;  ///< in the task's message
  };

  /// How Drush is to fail, also for a site that is not there yet.
  static void tell_drush(const std::string& fault) {
    const std::string faults = lab().docroot() + "/vendor/drush/drush/faults.php";
    const std::string source = live::slurp(faults);
    const std::string anchor = "$file = Fixture::$root";
    const std::string from = "$told .= (string) @file_get_contents(Fixture::$root . '/fixture-fault') . \"\\n\";\n  ";
    if (!source.contains(from)) {
      std::string own = source;
      own.insert(own.find(anchor), from);
      live::put(faults, own);
    }
    live::put(lab().docroot() + "/fixture-fault", fault + "\n");
  }
  void TearDown() override { fs::remove(lab().docroot() + "/fixture-fault"); }

  static void expect_told(const std::string& uri, const Lie& lie) {
    const json task = last_task(uri);
    EXPECT_EQ(task.at("state"), "error");
    const auto message = task.at("message").get<std::string>();
    EXPECT_THAT(message, testing::AllOf(HasSubstr(lie.told), HasSubstr("drush "), HasSubstr("for " + uri)));
    EXPECT_LT(message.size(), 4096U);
    EXPECT_FALSE(has_control_bytes(message)) << message;
    const std::string log = log_of(task);
    EXPECT_THAT(log, HasSubstr(lie.told));
    EXPECT_FALSE(has_control_bytes(log));
    EXPECT_LT(log.size(), std::size_t{8} << 20U);
    EXPECT_LE(std::ranges::count(log, '\n'), 5200);
    std::printf("%-14s %-14s %s\n", lie.command, lie.fault, message.substr(0, message.find('\n')).c_str());
  }
};

TEST_F(HostileDrush, ALoginThatIsNoneIsToldAndNotHandedOut) {
  const std::string uri = "login.example";
  install(uri);
  for (const Lie& lie :
       {Lie{"user-login", "false-host", "its link leads to 'https://evil.example' and not to http://"},
        Lie{"user-login", "other-uid", "its link is no one-time login of uid 1"},
        Lie{"user-login", "garbage", "it printed something else than one link"},
        Lie{"user-login", "shell", "it printed something else than one link"},
        Lie{"user-login", "twice", "it printed something else than one link"},
        Lie{"user-login", "notice", "it printed something else than one link"},
        Lie{"user-login", "nothing", "it printed no link"}, Lie{"user-login", "flood", "it printed more than 16 MiB"},
        Lie{"user-login", "fail", "The fixture was told that user-login fails"}}) {
    SCOPED_TRACE(lie.fault);
    tell_drush(std::string(lie.command) + ' ' + lie.fault);
    const live::Finished login = lab().aegir({"site", "login", uri});
    EXPECT_NE(login.status, 0);
    EXPECT_FALSE(login.output.contains("/user/reset/1")) << login.output;
    EXPECT_FALSE(has_control_bytes(login.output)) << login.output;
    expect_told(uri, lie);
  }
  EXPECT_EQ(lab().visit(Lab::Server::kApache, uri).status, 200);
}

TEST_F(HostileDrush, AnInstallerThatLiesLeavesNothing) {
  const std::string uri = "liar.example";
  for (const Lie& lie :
       {Lie{"core-status", "control", "control characters"}, Lie{"core-status", "garbage", "it printed no JSON"},
        Lie{"core-status", "flood", "it printed more than 16 MiB"},
        Lie{"site-install", "flood-errors", "it printed more than 16 MiB"},
        Lie{"site-install", "nothing", "the installer ended well, but there is no site"},
        Lie{"php-eval", "other-site", "sites/default"}, Lie{"php-eval", "other-database", "drupal"},
        Lie{"php-eval", "garbage", "it printed no JSON"}}) {
    SCOPED_TRACE(std::string(lie.command) + ' ' + lie.fault);
    tell_drush(std::string(lie.command) + ' ' + lie.fault);
    const live::Finished installed = lab().aegir({"site", "install", uri, "--platform", "p1"});
    EXPECT_NE(installed.status, 0);
    EXPECT_FALSE(has_control_bytes(installed.output));
    expect_told(uri, lie);
    EXPECT_FALSE(fs::exists(lab().directory(uri)));
    EXPECT_EQ(lab().sql("SHOW DATABASES LIKE 'liar%'"), "");
    EXPECT_EQ(lab().sql("SELECT User FROM mysql.user WHERE User LIKE 'liar%'"), "");
    EXPECT_EQ(lab().visit(Lab::Server::kNginx, uri).status, 404);
  }
}

/// A tenant at work: programs of his uid outside of any run.
class HostileFiles : public SharedLab {
 protected:
  static constexpr const char* kUri = "tenant.example";
  static constexpr const char* kVictim = "victim.example";

  void SetUp() override {
    install(kUri);
    install(kVictim);
    const json site = json::parse(lab().must_aegir({"site", "show", kUri, "--output", "json"}));
    uid_ = Lab::kFirstSlot + site.at("slot").at("number").get<uid_t>();
    live::put(kept(), "the victim's\n");
    before_ = state_of(kept());
  }
  void TearDown() override {
    for (const pid_t process : processes_) {
      ::kill(process, SIGKILL);
      ::waitpid(process, nullptr, 0);
    }
  }
  static std::string files() { return lab().directory(kUri) + "/files"; }
  static std::string kept() { return lab().directory(kVictim) + "/files/kept"; }
  static std::string state_of(const std::string& path) {
    struct stat status{};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return std::to_string(status.st_uid) + ' ' + std::to_string(status.st_mode) + ' ' + std::to_string(status.st_ino) +
           ' ' + live::slurp(path);
  }
  void expect_victim_whole() const {
    EXPECT_EQ(state_of(kept()), before_);
    EXPECT_EQ(lab().visit(Lab::Server::kApache, kVictim).status, 200);
  }

  /// Does that as the tenant, in files/, until it returns.
  template <class Work>
  pid_t start(Work work) {
    const uid_t uid = uid_;
    const std::string folder = files();
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setgroups(0, nullptr) != 0 || ::setresgid(uid, uid, uid) != 0 || ::setresuid(uid, uid, uid) != 0 ||
          ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::chdir(folder.c_str()) != 0) {
        ::_exit(1);
      }
      work();
      ::_exit(0);
    }
    processes_.push_back(child);
    return child;
  }
  template <class Work>
  void as_tenant(Work work) {
    const pid_t child = start(work);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    processes_.pop_back();
    ASSERT_EQ(status, 0);
  }

  /// Whatever a tenant can put into his folder.
  static void litter() {
    const auto ok = [](int done) {
      if (done != 0) ::_exit(2);
    };
    ok(::mkfifo("fifo", 0600));
    ok(::mkdir("closed", 0700));
    ok(Fd(::open("closed/x", O_CREAT | O_WRONLY | O_CLOEXEC, 0000)) ? 0 : 1);
    ok(::chmod("closed", 0));
    ok(Fd(::open("zero", O_CREAT | O_WRONLY | O_CLOEXEC, 0000)) ? 0 : 1);
    ok(::symlink("../../victim.example/files", "link"));
    ok(::symlink("/etc/shadow", "shadow"));
    ok(::mkdir("line\nbreak", 0700));
    ok(Fd(::open("\x1b[2J\x1b]0;owned\x07", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) ? 0 : 1);
    ok(Fd(::open("-rf", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) ? 0 : 1);
    // The kernel refuses what is not his to write.
    if (::link("../../victim.example/files/kept", "hard") == 0) ::_exit(3);
    for (int folder = 0; folder < 100; ++folder) {
      ok(::mkdir(std::to_string(folder).c_str(), 0755));
      for (int n = 0; n < 1000; ++n) {
        const std::string name = std::to_string(folder) + '/' + std::to_string(n);
        ok(Fd(::open(name.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644)) ? 0 : 1);
      }
    }
  }
  /// A folder that is a link to the victim's every other moment, and new things all the time.
  [[noreturn]] static void exchange() {
    (void)::mkdir("swap", 0755);
    (void)::close(::open("swap/kept", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    (void)::symlink("../../victim.example/files", "swapped");
    for (unsigned n = 0;; ++n) {
      (void)::syscall(SYS_renameat2, AT_FDCWD, "swap", AT_FDCWD, "swapped", RENAME_EXCHANGE);
      if (n % 64 == 0) (void)::mkdir(("new" + std::to_string(n)).c_str(), n % 128 == 0 ? 0 : 0777);
      ::usleep(50);
    }
  }

  uid_t uid_ = 0;
  std::string before_;
  std::vector<pid_t> processes_;
};

TEST_F(HostileFiles, VerifyAndDeleteGoThroughThemAndNotOut) {
  as_tenant(litter);
  // What only root can have made: the victim's file under another name.
  fs::create_hard_link(kept(), files() + "/hard");
  start(exchange);
  for (int n = 0; n < 3; ++n) {
    const live::Finished verified = lab().aegir({"site", "verify", kUri});
    EXPECT_EQ(verified.status, 0) << verified.output;
    EXPECT_FALSE(has_control_bytes(log_of(last_task(kUri))));
    expect_victim_whole();
  }
  EXPECT_EQ(lab().visit(Lab::Server::kNginx, kUri).status, 200);
  lab().must_aegir({"site", "disable", kUri, "--yes"});
  const std::string deleted = lab().must_aegir({"site", "delete", kUri, "--yes"});
  EXPECT_EQ(last_task(kUri).at("state"), "success") << deleted;
  EXPECT_FALSE(fs::exists(lab().directory(kUri)));
  for (const auto& entry : fs::directory_iterator(lab().docroot() + "/sites")) {
    EXPECT_FALSE(entry.path().filename().string().starts_with(".aegir")) << entry.path();
  }
  expect_victim_whole();
}

TEST_F(HostileFiles, WhatIsInTheWayOfADeleteIsNamedAndTheDeleteGoesOn) {
  const std::string mount = files() + "/deep/mount";
  fs::create_directories(mount);
  ASSERT_EQ(::mount("none", mount.c_str(), "tmpfs", 0, "size=64k"), 0);
  lab().must_aegir({"site", "disable", kUri, "--yes"});
  lab().must_aegir({"site", "delete", kUri, "--yes", "--no-wait"});
  const auto told = [] { return log_of(last_task(kUri)); };
  EXPECT_TRUE(live::eventually([&] { return told().contains("deep/mount"); })) << told();
  EXPECT_THAT(told(), HasSubstr("'files' has failed"));
  EXPECT_EQ(lab().visit(Lab::Server::kNginx, kUri).status, 404) << "visitors have nothing to do with that";
  for (const auto& entry : fs::recursive_directory_iterator(lab().docroot() + "/sites")) {
    if (entry.path().filename() == "mount") {
      ASSERT_EQ(::umount(entry.path().c_str()), 0);
    }
  }
  EXPECT_TRUE(live::eventually([] { return last_task(kUri).at("state") == "success"; })) << told();
  EXPECT_FALSE(fs::exists(lab().directory(kUri)));
  expect_victim_whole();
}

TEST_F(HostileFiles, WhatIsNotTheSitesIsNamedByVerify) {
  const std::string moved = lab().directory(kUri) + "/modules.moved";
  fs::rename(lab().directory(kUri) + "/modules", moved);
  fs::create_directory_symlink(lab().directory(kVictim) + "/files", lab().directory(kUri) + "/modules");
  const live::Finished verified = lab().aegir({"site", "verify", kUri});
  EXPECT_EQ(verified.status, 0) << verified.output;
  const json task = last_task(kUri);
  EXPECT_EQ(task.at("state"), "warning");
  const auto message = task.at("message").get<std::string>();
  EXPECT_THAT(message, HasSubstr(lab().directory(kUri) + "/modules: found a symbolic link of uid 0"));
  EXPECT_THAT(message, HasSubstr("move it away"));
  EXPECT_FALSE(has_control_bytes(message));
  expect_victim_whole();
  fs::remove(lab().directory(kUri) + "/modules");
  fs::rename(moved, lab().directory(kUri) + "/modules");
}

}  // namespace
}  // namespace aegir::sidecar
