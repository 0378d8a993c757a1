// A connection that breaks at any statement of a change, a server that is killed, full, locked, read-only or slow: an
// error that says so, and after it an undo leaves nothing and a repetition makes all.
#include <signal.h>  // NOLINT(modernize-deprecated-headers): signals are POSIX

#include <chrono>

#include "sidecar/database/accounts.hpp"
#include "tests/live/database/cutter.hpp"
#include "tests/live/database/database_fixture.hpp"

namespace aegir::database {
namespace {

class DatabaseFaults : public DatabaseTest {
 protected:
  DatabaseFaults() : cutter_(mariadb().path("socket")) {}

  /// aegird's view of the server, with the cutter between.
  [[nodiscard]] Server through() const { return Server(admin_by(cutter_.socket())); }
  /// How many statements a call sends.
  unsigned statements_of(const std::function<void()>& call) {
    cutter_.arm(0, Cut::kBefore);
    call();
    return cutter_.seen();
  }

  Cutter cutter_;
};

constexpr std::array kCuts = {Cut::kBefore, Cut::kDuring, Cut::kAfter};

template <class T>
void expect_lost(const Result<T>& result, unsigned statement) {
  ASSERT_FALSE(result) << "statement " << statement << " was not cut";
  EXPECT_EQ(result.error().code, Code::kIo) << words(result);
  EXPECT_TRUE(words(result).contains("the connection was lost")) << words(result);
}

TEST_F(DatabaseFaults, ACreationThatIsCutAnywhereIsUndoneWholly) {
  const Creation creation = chosen("cut.example");
  const unsigned statements = statements_of([&] { EXPECT_EQ(words(through().create(creation)), ""); });
  EXPECT_EQ(words(server().undo(creation)), "");
  ASSERT_GE(statements, 8U);
  for (unsigned statement = 1; statement <= statements; ++statement) {
    for (const Cut cut : kCuts) {
      cutter_.arm(statement, cut);
      expect_lost(through().create(creation), statement);
      EXPECT_EQ(words(server().undo(creation)), "");
      ASSERT_EQ(traces(creation.name), "") << "after statement " << statement;
    }
  }
}

TEST_F(DatabaseFaults, ACreationThatIsCutAnywhereGoesOn) {
  const Creation creation = chosen("on.example");
  const unsigned statements = statements_of([&] { EXPECT_EQ(words(through().create(creation)), ""); });
  EXPECT_EQ(words(server().undo(creation)), "");
  for (unsigned statement = 1; statement <= statements; ++statement) {
    cutter_.arm(statement, kCuts[statement % kCuts.size()]);
    expect_lost(through().create(creation), statement);
    EXPECT_EQ(words(server().create(creation)), "");
    ASSERT_EQ(traces(creation.name), whole(creation)) << "after statement " << statement;
    EXPECT_EQ(words(server().undo(creation)), "");
  }
}

TEST_F(DatabaseFaults, AnUndoOrDropThatIsCutAnywhereGoesOn) {
  const Creation creation = chosen("gone.example");
  EXPECT_EQ(words(server().create(creation)), "");
  const unsigned undo = statements_of([&] { EXPECT_EQ(words(through().undo(creation)), ""); });
  EXPECT_EQ(words(server().create(creation)), "");
  const unsigned drop = statements_of([&] { EXPECT_EQ(words(through().drop(creation.name, creation.name)), ""); });
  for (unsigned statement = 1; statement <= std::max(undo, drop); ++statement) {
    const Cut cut = kCuts[statement % kCuts.size()];
    EXPECT_EQ(words(server().create(creation)), "");
    if (statement <= undo) {
      cutter_.arm(statement, cut);
      expect_lost(through().undo(creation), statement);
      EXPECT_EQ(words(server().undo(creation)), "");
      ASSERT_EQ(traces(creation.name), "") << "after statement " << statement << " of undo";
      EXPECT_EQ(words(server().create(creation)), "");
    }
    if (statement <= drop) {
      cutter_.arm(statement, cut);
      expect_lost(through().drop(creation.name, creation.name), statement);
    }
    EXPECT_EQ(words(server().drop(creation.name, creation.name)), "");
    ASSERT_EQ(traces(creation.name), "") << "after statement " << statement << " of drop";
  }
}

TEST_F(DatabaseFaults, AServerThatIsKilledBetweenTwoStatements) {
  const Creation creation = chosen("killed.example");
  // 5 is the first statement that changes something: the database is there, its accounts are not.
  cutter_.arm(5, Cut::kAfter, [] {
    mariadb().signal(SIGKILL);
    (void)live::eventually([] { return !mariadb().running(); });
  });
  expect_lost(through().create(creation), 5);
  const Result<bool> down = server().exists(creation.name);
  EXPECT_TRUE(words_of(down).contains("the server can't be reached")) << words(down);
  mariadb().start_again();
  EXPECT_EQ(sql("SHOW DATABASES LIKE 'killed%'"), "killed_example\n");
  EXPECT_EQ(words(server().undo(creation)), "");
  EXPECT_EQ(traces(creation.name), "");
}

TEST_F(DatabaseFaults, AConnectionThatSomebodyEndsFromElsewhere) {
  Result<Connection> connection = begin_change(admin(), "victim");
  ASSERT_TRUE(connection) << words(connection);
  sql("KILL CONNECTION USER aegir");
  const Result<Rows> lost = connection->rows("SELECT 1", "go on");
  expect_lost(lost, 1);
}

TEST_F(DatabaseFaults, AServerThatDoesNotAnswerIsLeftInTime) {
  Admin slow = admin_by(cutter_.socket());
  slow.answer_patience = std::chrono::seconds(1);
  cutter_.arm(2, Cut::kHang);
  const auto begin = std::chrono::steady_clock::now();
  expect_lost(Server(slow).exists("x"), 2);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST_F(DatabaseFaults, AChangeWaitsForTheOneBeforeIt) {
  const Creation creation = chosen("late.example");
  Admin quick = admin();
  quick.answer_patience = std::chrono::seconds(2);
  {
    // As one that a lost connection has left running.
    Result<Connection> before = begin_change(admin(), creation.name);
    ASSERT_TRUE(before) << words(before);
    const Result<void> refused = Server(quick).create(creation);
    EXPECT_TRUE(words_of(refused).contains("another change of 'late_example' is still running")) << words(refused);
    EXPECT_EQ(refused.error().code, Code::kBusy);
    EXPECT_EQ(traces(creation.name), "");
  }
  EXPECT_EQ(words(Server(quick).create(creation)), "");
  drop(creation);
}

TEST_F(DatabaseFaults, AReadOnlyServerSaysSo) {
  const Creation creation = chosen("frozen.example");
  sql("SET GLOBAL read_only = ON");
  const Result<void> refused = server().create(creation);
  sql("SET GLOBAL read_only = OFF");
  EXPECT_TRUE(words_of(refused).contains("the server is read-only")) << words(refused);
  EXPECT_EQ(refused.error().code, Code::kPermission);
  EXPECT_EQ(words(server().undo(creation)), "");
}

TEST_F(DatabaseFaults, AServerWithoutAFreeConnectionSaysSo) {
  const Creation creation = made("full.example");
  sql("SET GLOBAL max_connections = 10");
  std::vector<Connection> held;
  Result<void> refused;
  while (refused && held.size() < 100) {
    Result<Connection> site = Connection::as_site(login(creation));
    if (site) {
      held.push_back(std::move(*site));
    } else {
      refused = std::unexpected<Error>(site.error());
    }
  }
  EXPECT_TRUE(words_of(refused).contains("the server has no connection left")) << words(refused);
  EXPECT_EQ(refused.error().code, Code::kBusy);
  // One connection more is kept for who may end others, and aegird may: so it can close a site that holds all.
  EXPECT_EQ(words(server().close(creation.name)), "");
  EXPECT_EQ(words(server().reopen(creation.name)), "");
  sql("SET GLOBAL max_connections = 151");
  drop(creation);
}

TEST_F(DatabaseFaults, AFullDiskSaysSo) {
  // The server itself raises the error that it raises then.
  Result<Connection> connection = Connection::as_admin(admin());
  ASSERT_TRUE(connection) << words(connection);
  const Result<void> full = connection->run(
      "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1021, MESSAGE_TEXT = 'Disk full (x); waiting for someone'",
      "create database 'x'");
  EXPECT_TRUE(words_of(full).contains("can't create database 'x': the server's disk is full")) << words(full);
  EXPECT_EQ(full.error().code, Code::kIo);
  EXPECT_EQ(words(connection->rows("SELECT 1", "go on")), "");
}

}  // namespace
}  // namespace aegir::database
