// A machine in a temporary directory, with accounts that no passwd entry names, and a way to be each of them.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compiler/machine/machine.hpp"
#include "compiler/machine/privilege.hpp"
#include "tests/live/harness/temp_dir.hpp"

namespace aegir::machine {

/// Somebody who tries something: uid, gid and more groups.
struct Person {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups = {};
};

class MachineTest : public testing::Test {
 protected:
  static constexpr uid_t kAegir = 610001;
  static constexpr uid_t kWeb = 610002;
  static constexpr uid_t kFirst = 611000;

  const Person aegir_{kAegir, kAegir};
  const Person web_{kWeb, kWeb};
  const Person member_{610050, 610050, {kAegir}};  ///< a person in group aegir
  const Person site_a_{kFirst, kFirst};
  const Person site_b_{kFirst + 1, kFirst + 1};

  MachineTest();
  /// Fails, and says why, when the test does not run as root.
  void SetUp() override;

  [[nodiscard]] std::string path(const std::string& name) const { return directory_.path(name); }

  /// From now on the accounts of this process's machine have 610050 and 610051, in group aegir: in a view of the files
  /// in /etc that nobody else sees.
  static void know_members();

  /// Whether `what` is true for `person`, asked in a process that is nobody else. What it writes to, stays.
  static bool as(const Person& person, const std::function<bool()>& what);

  // Things to try.
  static bool reads(const Person& person, const std::string& file);
  static bool lists(const Person& person, const std::string& directory);
  static bool writes(const Person& person, const std::string& file);
  static bool enters(const Person& person, const std::string& directory);

  static struct stat stat_of(const std::string& path);
  /// "0644 1:2": mode, owner, group.
  static std::string owner_and_mode(const std::string& path);
  /// Change time of everything below `directory`, in nanoseconds.
  static std::map<std::string, std::int64_t> change_times(const std::string& directory);

  live::TempDir directory_;
  Config config_;
  Accounts accounts_;
  Done done_;
};

}  // namespace aegir::machine
