// A machine with three sites, one of them deleted, and drifts on it: what reconcile is held against. One lab for all
// tests of the program.
#pragma once

#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "compiler/registry/sqlite.hpp"
#include "tests/root/sidecar/sidecar_lab.hpp"

namespace aegir::sidecar {

/// What is to become of it.
enum class Fate { kMended, kLeft, kMentioned };

struct Drift {
  std::string name;
  std::function<void()> seed;
  std::vector<std::string> said;  ///< of it
  Fate fate = Fate::kMended;
  std::function<bool()> is_right = nullptr;     ///< false as long as the drift is there
  std::function<void()> by_a_person = nullptr;  ///< what he does about what is left to him
};

class ReconcileTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    the_lab = Lab::on_fixture();
    for (const char* uri : {"a.example", "b.example", "c.example"}) {
      lab().must_aegir({"site", "install", uri, "--platform", "p1"});
    }
    old_mark = lab().sql("SELECT SCHEMA_COMMENT FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'c_example'");
    old_mark.erase(old_mark.find_last_not_of('\n') + 1);
    lab().must_aegir({"site", "disable", "c.example", "--yes"});
    lab().must_aegir({"site", "delete", "c.example", "--yes"});
  }
  static void TearDownTestSuite() { the_lab.reset(); }
  static Lab& lab() { return *the_lab; }

  static std::string root() { return lab().config().aegir_root; }
  static std::string config(const std::string& path) { return lab().config().config_dir + '/' + path; }
  static std::string server(const std::string& path) { return server_config_dir(lab().config(), "main") + '/' + path; }
  static std::string site(const std::string& path) { return lab().directory("a.example") + '/' + path; }
  static std::string slot(unsigned number, const std::string& path = {}) {
    return slot_home(lab().config(), "php", number) + path;
  }
  static uid_t uid(unsigned slot) { return Lab::kFirstSlot + slot; }

  /// A file or directory that somebody made.
  static void make(const std::string& path, uid_t owner, gid_t group, const std::string& content = "x") {
    live::put(path, content);
    give(path, owner, group);
  }
  static void make_folder(const std::string& path, uid_t owner, gid_t group) {
    std::filesystem::create_directories(path);
    give(path, owner, group);
  }
  static void give(const std::string& path, uid_t owner, gid_t group) {
    ASSERT_EQ(::lchown(path.c_str(), owner, group), 0) << path;
  }
  static mode_t mode(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
  }
  static uid_t owner(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? status.st_uid : 0;
  }

  /// Changes the registry behind everybody's back.
  static void registry(const std::string& sql) {
    const Result<std::unique_ptr<registry::Connection>> connection =
        registry::Connection::open(lab().config().registry, SQLITE_OPEN_READWRITE);
    ASSERT_TRUE(connection) << describe(connection.error());
    const Result<void> done = (*connection)->script(sql);
    ASSERT_TRUE(done) << describe(done.error());
  }
  static std::int64_t number_in_registry(const std::string& sql) {
    const Result<std::unique_ptr<registry::Connection>> connection =
        registry::Connection::open(lab().config().registry, SQLITE_OPEN_READWRITE);
    if (!connection) return -1;
    registry::Query query = (*connection)->query(sql);
    const Result<bool> row = query.next();
    return row && *row ? query.integer(0) : -1;
  }

  // What lies on the machine (reconcile_test.cpp),
  static std::vector<Drift> in_files();
  static std::vector<Drift> in_trees();
  static std::vector<Drift> in_slots();
  static std::vector<Drift> in_servers();
  // and what databases, registry and map say (reconcile_records_test.cpp).
  static std::vector<Drift> in_databases();
  static std::vector<Drift> on_other_servers();
  static std::vector<Drift> in_registry();

  static void run(const Drift& drift) {
    SCOPED_TRACE(drift.name);
    drift.seed();
    const bool is_found = drift.fate != Fate::kMentioned;
    if (is_found) {
      EXPECT_FALSE(drift.is_right()) << "the seed makes no drift";
    }
    const live::Finished looked = lab().aegir({"reconcile", "--dry-run"});
    EXPECT_EQ(looked.status, is_found ? 1 : 0) << looked.output;
    for (const std::string& said : drift.said) EXPECT_THAT(looked.output, testing::HasSubstr(said));
    if (is_found) {
      EXPECT_FALSE(drift.is_right()) << "a dry run changes nothing";
    }
    const live::Finished mended = lab().aegir({"reconcile"});
    EXPECT_EQ(mended.status, is_found ? 1 : 0) << mended.output;
    for (const std::string& said : drift.said) EXPECT_THAT(mended.output, testing::HasSubstr(said));
    if (drift.fate == Fate::kMended) {
      EXPECT_TRUE(drift.is_right()) << mended.output;
      EXPECT_THAT(mended.output, testing::HasSubstr(" 0 left to a person"));
    }
    if (drift.fate == Fate::kLeft) {
      EXPECT_FALSE(drift.is_right()) << "what a person may want is not touched: " << mended.output;
      EXPECT_THAT(mended.output, testing::HasSubstr("(left to a person)\n    next: "));
    }
    if (drift.by_a_person) drift.by_a_person();
    EXPECT_EQ(lab().differences(), "") << "a second run finds nothing";
  }
  static void run(const std::vector<Drift>& drifts) {
    for (const Drift& drift : drifts) {
      run(drift);
      if (HasFailure()) return;
    }
    std::cout << drifts.size() << " drifts\n";
  }

  inline static std::string old_mark;  ///< the comment that c.example's database had

 private:
  inline static std::unique_ptr<Lab> the_lab;
};

}  // namespace aegir::sidecar
