#include "tests/root/machine/machine_fixture.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "tests/live/harness/accounts.hpp"

namespace aegir::machine {

MachineTest::MachineTest() {
  ConfigResult config =
      parse_config("prefix = " + directory_.path() + "\nplatform_roots = " + directory_.path() +
                       "\naegir_user = 610001\nweb_user = 610002\nuid_first = 611000\nuid_last = 611099\n",
                   "test.conf");
  if (!config) throw std::runtime_error(describe(config.error().front()));
  config_ = *config;
  accounts_ = resolve_accounts(config_).value();
}

void MachineTest::SetUp() { ASSERT_EQ(::geteuid(), 0U) << "this test must run as root: it tries real uids"; }

void MachineTest::know_members() {
  static const bool known = [] {
    live::know_accounts(
        "member:x:610050:610050::/nonexistent:/bin/false\nother:x:610051:610051::/nonexistent:/bin/false\n",
        "aegir-of-tests:x:610001:member,other\n");
    return true;
  }();
  ASSERT_TRUE(known);
}

bool MachineTest::as(const Person& person, const std::function<bool()>& what) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgroups(person.groups.size(), person.groups.data()) != 0 ||
        ::setresgid(person.gid, person.gid, person.gid) != 0 || ::setresuid(person.uid, person.uid, person.uid) != 0) {
      ::_exit(2);
    }
    ::_exit(what() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) < 2) << "could not become uid " << person.uid;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool MachineTest::reads(const Person& person, const std::string& file) {
  return as(person, [&] {
    const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    char byte = 0;
    return fd && ::read(fd.get(), &byte, 1) >= 0;
  });
}

bool MachineTest::lists(const Person& person, const std::string& directory) {
  return as(person, [&] {
    DIR* const listing = ::opendir(directory.c_str());
    return listing != nullptr && ::closedir(listing) == 0;
  });
}

bool MachineTest::writes(const Person& person, const std::string& file) {
  return as(person, [&] {
    const Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0664));
    return fd && write_all(fd.get(), "x");
  });
}

bool MachineTest::enters(const Person& person, const std::string& directory) {
  return as(person, [&] { return ::chdir(directory.c_str()) == 0; });
}

struct stat MachineTest::stat_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status;
}

std::string MachineTest::owner_and_mode(const std::string& path) {
  const struct stat status = stat_of(path);
  char mode[8];
  (void)std::snprintf(mode, sizeof mode, "%04o", status.st_mode & 07777U);
  return std::string(mode) + " " + std::to_string(status.st_uid) + ":" + std::to_string(status.st_gid);
}

std::map<std::string, std::int64_t> MachineTest::change_times(const std::string& directory) {
  std::map<std::string, std::int64_t> times;
  const auto add = [&](const std::string& path) {
    const struct stat status = stat_of(path);
    times[path] = std::int64_t{status.st_ctim.tv_sec} * 1000000000 + status.st_ctim.tv_nsec;
  };
  add(directory);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) add(entry.path());
  return times;
}

}  // namespace aegir::machine
