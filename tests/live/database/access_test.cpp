// Who gets in: the gate, passwords, log-ins, and what of all this is seen from outside.
#include <chrono>

#include "sidecar/database/quote.hpp"
#include "tests/live/database/database_fixture.hpp"

namespace aegir::database {
namespace {

using std::chrono::milliseconds;

class DatabaseAccess : public DatabaseTest {};

TEST_F(DatabaseAccess, TheGateEndsConnectionsAndLetsNobodyIn) {
  const Creation creation = made("gate.example");
  EXPECT_EQ(server().connections(creation.name).value_or(99), 0U);
  Result<Connection> idle = Connection::as_site(login(creation));
  Login by_tcp = login(creation);
  by_tcp.socket.clear();
  by_tcp.host = "127.0.0.1";
  by_tcp.port = port();
  Result<Connection> busy = Connection::as_site(by_tcp);
  ASSERT_TRUE(idle && busy) << words(idle) << words(busy);
  EXPECT_EQ(server().connections(creation.name).value_or(99), 2U);

  ASSERT_EQ(words(server().close(creation.name)), "");
  EXPECT_EQ(server().connections(creation.name).value_or(99), 0U);
  const Result<void> cut = idle->run("SELECT 1", "go on");
  EXPECT_TRUE(words_of(cut).contains("the connection was lost")) << words(cut);
  EXPECT_EQ(cut.error().code, Code::kIo);
  EXPECT_FALSE(busy->run("SELECT 1", "go on"));
  const Result<void> locked = try_login(by_tcp);
  EXPECT_TRUE(words_of(locked).contains("the account is locked")) << words(locked);
  EXPECT_EQ(locked.error().code, Code::kPermission);
  EXPECT_EQ(words(server().close(creation.name)), "");
  const Result<Inventory> inventory = server().inventory();
  ASSERT_TRUE(inventory) << words(inventory);
  for (const auto& user : inventory->users) EXPECT_TRUE(user.locked);

  ASSERT_EQ(words(server().reopen(creation.name)), "");
  EXPECT_EQ(words(server().reopen(creation.name)), "");
  EXPECT_EQ(words(try_login(by_tcp)), "");
  drop(creation);
}

TEST_F(DatabaseAccess, OneThatIsStillLoggingInDoesNotSlipThroughTheGate) {
  const Creation creation = made("late.example");
  // It has not said yet who it is.
  const Fd silent = live::connect_to(live::Endpoint::unix_socket(mariadb().path("socket")));
  ASSERT_TRUE(silent);
  ASSERT_TRUE(live::eventually([] {
    return sql("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'unauthenticated user'") == "1\n";
  }));
  EXPECT_EQ(words(server().close(creation.name, milliseconds(400))), "");
  EXPECT_EQ(sql("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'unauthenticated user'"), "0\n");
  drop(creation);
}

TEST_F(DatabaseAccess, DropEndsTheConnectionsOfASite) {
  const Creation creation = made("open.example");
  Result<Connection> site = Connection::as_site(login(creation));
  ASSERT_TRUE(site) << words(site);
  ASSERT_EQ(words(site->run("CREATE TABLE t (a INT)", "make a table")), "");
  ASSERT_EQ(words(site->run("LOCK TABLES t WRITE", "hold it")), "");
  drop(creation);
  EXPECT_FALSE(site->run("SELECT 1", "go on"));
}

TEST_F(DatabaseAccess, APasswordChangesWithoutAMomentInWhichNoneWorks) {
  const Creation creation = made("secret.example");
  Login with_new = login(creation);
  with_new.password = "SecondPassword";
  EXPECT_FALSE(try_login(with_new));
  ASSERT_EQ(words(server().accept(creation.name, {with_new.password, creation.password})), "");
  EXPECT_EQ(words(try_login(with_new)), "");
  EXPECT_EQ(words(try_login(login(creation))), "");
  ASSERT_EQ(words(server().accept(creation.name, {with_new.password})), "");
  EXPECT_EQ(words(try_login(with_new)), "");
  EXPECT_FALSE(try_login(login(creation)));
  EXPECT_FALSE(server().accept(creation.name, {}));
  EXPECT_FALSE(server().accept(creation.name, {"a", ""}));
  EXPECT_EQ(words(try_login(with_new)), "");
  const Result<void> nobody = server().accept("nobody", {"a"});
  EXPECT_TRUE(words_of(nobody).contains("there is no account 'nobody'")) << words(nobody);
  EXPECT_EQ(nobody.error().code, Code::kNotFound);
  drop(creation);
}

TEST_F(DatabaseAccess, ALogInThatFailsSaysWhy) {
  const Creation creation = made("why.example");
  Login wrong = login(creation);
  wrong.password = "NotThePassword";
  Result<void> refused = try_login(wrong);
  EXPECT_TRUE(words_of(refused).contains("the account was refused")) << words(refused);
  EXPECT_FALSE(words(refused).contains("NotThePassword"));
  EXPECT_EQ(refused.error().code, Code::kPermission);
  EXPECT_EQ(refused.error().place.file, "database 'why_example' (" + mariadb().path("socket") + ")");

  sql("DROP DATABASE why_example");
  refused = try_login(login(creation));
  EXPECT_TRUE(words_of(refused).contains("there is no such database")) << words(refused);
  EXPECT_EQ(refused.error().code, Code::kNotFound);

  wrong = login(creation);
  wrong.socket = mariadb().path("nothing-here");
  refused = try_login(wrong);
  EXPECT_TRUE(words_of(refused).contains("the server can't be reached")) << words(refused);
  EXPECT_EQ(refused.error().code, Code::kIo);
  drop(creation);
}

TEST_F(DatabaseAccess, NoPasswordStandsInAnyLogOfTheServer) {
  sql("SET GLOBAL general_log_file = 'general.log'; SET GLOBAL general_log = ON");
  const Creation creation = made("log.example");
  ASSERT_EQ(words(server().accept(creation.name, {"AnotherPassword", creation.password})), "");
  EXPECT_EQ(words(try_login(login(creation))), "");
  drop(creation);
  sql("SET GLOBAL general_log = OFF");
  const std::string log = live::slurp(mariadb().path("data/general.log"));
  EXPECT_TRUE(log.contains("CREATE USER 'log_example'"));
  EXPECT_FALSE(log.contains(creation.password));
  EXPECT_FALSE(log.contains("AnotherPassword"));
}

TEST_F(DatabaseAccess, FactsForTheRegistry) {
  const Creation creation = made("facts.example");
  sql("CREATE DATABASE foreign_one; CREATE USER foreign_user@'10.0.0.%' ACCOUNT LOCK; "
      "GRANT SELECT ON `foreign%`.* TO foreign_user@'10.0.0.%'; CREATE ROLE somebody; "
      "CREATE TABLE facts_example.t (a VARCHAR(100)) ENGINE=InnoDB; "
      "INSERT INTO facts_example.t SELECT REPEAT('x', 100) FROM facts_example.seq_1_to_5000; ANALYZE TABLE "
      "facts_example.t");
  const Result<Inventory> inventory = server().inventory();
  ASSERT_TRUE(inventory) << words(inventory);
  EXPECT_EQ(inventory->databases,
            (std::vector<Inventory::Database>{{"facts_example", creation.mark}, {"foreign_one", ""}}));
  EXPECT_EQ(inventory->users, (std::vector<Inventory::User>{{"facts_example", "127.0.0.1", false, {"facts_example"}},
                                                            {"facts_example", "::1", false, {"facts_example"}},
                                                            {"facts_example", "localhost", false, {"facts_example"}},
                                                            {"foreign_user", "10.0.0.%", true, {"foreign%"}}}));
  const Result<std::uint64_t> size = server().size(creation.name);
  ASSERT_TRUE(size) << words(size);
  EXPECT_GT(*size, 400'000U);
  EXPECT_LT(*size, 4'000'000U);
  EXPECT_EQ(server().size("nothing").value_or(99), 0U);
  EXPECT_FALSE(server().exists("nothing").value_or(true));
  sql("DROP DATABASE foreign_one; DROP USER foreign_user@'10.0.0.%'; DROP ROLE somebody");
  drop(creation);
}

}  // namespace
}  // namespace aegir::database
