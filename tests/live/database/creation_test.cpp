// Choosing, making, undoing, dropping: whatever is there before, whatever is repeated, whoever else is at it.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "sidecar/database/quote.hpp"
#include "tests/live/database/database_fixture.hpp"

namespace aegir::database {
namespace {

class DatabaseCreation : public DatabaseTest {};

TEST_F(DatabaseCreation, TwiceIsTheSameAsOnceAndUndoToo) {
  const Creation creation = chosen("shop.example.com");
  EXPECT_EQ(creation.name, "shop_example_com");
  EXPECT_EQ(traces(creation.name), "");
  ASSERT_EQ(words(server().create(creation)), "");
  EXPECT_EQ(traces(creation.name), whole(creation));
  ASSERT_EQ(words(server().create(creation)), "");
  EXPECT_EQ(traces(creation.name), whole(creation));
  EXPECT_EQ(words(try_login(login(creation))), "");

  Result<Removed> removed = server().undo(creation);
  ASSERT_TRUE(removed) << words(removed);
  EXPECT_TRUE(removed->database);
  EXPECT_EQ(removed->accounts, 3U);
  EXPECT_TRUE(removed->left.empty());
  EXPECT_EQ(traces(creation.name), "");
  removed = server().undo(creation);
  ASSERT_TRUE(removed) << words(removed);
  EXPECT_FALSE(removed->database);
  EXPECT_EQ(removed->accounts, 0U);
}

TEST_F(DatabaseCreation, TheSiteHasItsRightsOnItsOwnDatabaseAlone) {
  const Creation creation = made("a.b");
  ASSERT_EQ(creation.name, "a_b");
  sql("CREATE DATABASE axb; CREATE TABLE axb.secret (a INT)");
  Login other = login(creation);
  other.database = "axb";
  const Result<void> refused = try_login(other);
  EXPECT_TRUE(words_of(refused).contains("the account has no right there")) << words(refused);
  EXPECT_EQ(refused.error().code, Code::kPermission);

  Result<Connection> site = Connection::as_site(login(creation));
  ASSERT_TRUE(site) << words(site);
  EXPECT_EQ(words(site->run("CREATE TABLE t (a INT)", "make a table")), "");
  EXPECT_EQ(words(site->run("CREATE VIEW v AS SELECT * FROM t", "make a view")), "");
  EXPECT_FALSE(site->run("SELECT * FROM axb.secret", "read another's"));
  EXPECT_FALSE(site->run("CREATE DATABASE a_b_2", "make a database"));
  EXPECT_FALSE(site->run("CREATE EVENT e ON SCHEDULE EVERY 1 SECOND DO INSERT INTO t VALUES (1)", "make an event"));
  const Result<Rows> seen = site->rows("SHOW DATABASES", "list databases");
  ASSERT_TRUE(seen) << words(seen);
  EXPECT_EQ(*seen, (Rows{{"a_b"}, {"information_schema"}}));
  sql("DROP DATABASE axb");
  drop(creation);
}

TEST_F(DatabaseCreation, ANameThatAnythingBearsIsNotChosen) {
  sql("CREATE DATABASE shop_example; CREATE USER shop_example_2@localhost; CREATE ROLE shop_example_3; "
      // Left behind by a database that is gone, and a grant without escapes.
      "CREATE USER old@localhost; GRANT SELECT ON `shop\\_example\\_4`.* TO old@localhost; "
      "GRANT SELECT ON `shop_example_5`.* TO old@localhost; GRANT SELECT ON `shopxexample_6`.* TO old@localhost; "
      // An administrator's account for all databases takes no name away; a grant to everybody does.
      "CREATE USER watch@localhost; GRANT SELECT ON `shop%`.* TO watch@localhost; "
      "INSERT INTO mysql.db (Host, Db, User, Select_priv) VALUES ('%', 'shop\\_example\\_7%', '', 'Y')");
  EXPECT_EQ(chosen("shop.example").name, "shop_example_6");
  sql("GRANT SELECT ON `shop\\_example\\_6`.* TO old@localhost");
  EXPECT_EQ(chosen("shop.example").name, "shop_example_8");
  sql("GRANT SELECT ON `shop_example__`.* TO old@localhost");
  EXPECT_EQ(chosen("shop.example").name, "shop_example_10");
  const Result<Creation> last = server().choose(
      "shop.example", kLocalHosts, [](const std::string& name) { return Result<bool>(name != "shop_example_12"); });
  ASSERT_TRUE(last) << words(last);
  EXPECT_EQ(last->name, "shop_example_12");
  const Result<Creation> none =
      server().choose("shop.example", kLocalHosts, [](const std::string& /*name*/) { return Result<bool>(true); });
  EXPECT_TRUE(words_of(none).contains("'shop_example' to 'shop_example_1000' are taken")) << words(none);
  const Result<Creation> broken = server().choose("shop.example", kLocalHosts, [](const std::string& /*name*/) {
    return Result<bool>(fail(Code::kIo, "the registry is gone"));
  });
  EXPECT_EQ(words_of(broken), "the registry is gone");
  sql("DELETE FROM mysql.db WHERE Db LIKE 'shop%'; FLUSH PRIVILEGES; DROP ROLE shop_example_3; "
      "DROP USER shop_example_2@localhost, old@localhost, watch@localhost; DROP DATABASE shop_example");
}

TEST_F(DatabaseCreation, HostileUrisAndNamesAreRefused) {
  for (const char* uri : {"", "a'; DROP DATABASE mysql; --", "a`b", "a b", "../x", "A.example"}) {
    const Result<Creation> creation = server().choose(uri, kLocalHosts, nothing_taken);
    EXPECT_TRUE(words_of(creation).contains("is no site's uri")) << uri;
  }
  const Result<Creation> host = server().choose("a.example", {"x' OR '1"}, nothing_taken);
  EXPECT_TRUE(words_of(host).contains("can't be the host")) << words(host);
  for (const char* name : {"mysql", "sys", "a`; DROP DATABASE x", "a'b", ""}) {
    EXPECT_FALSE(server().drop(name, "nobody"));
    EXPECT_FALSE(server().exists(name));
    EXPECT_FALSE(server().size(name));
  }
  for (const char* user : {"root", "mariadb.sys", "a' OR '1' = '1", ""}) {
    EXPECT_FALSE(server().drop("nothing", user));
    EXPECT_FALSE(server().close(user));
    EXPECT_FALSE(server().accept(user, {"x"}));
    EXPECT_FALSE(server().connections(user));
  }
}

TEST_F(DatabaseCreation, WhatIsSomebodyElsesIsNeitherTakenOverNorDropped) {
  const Creation creation = chosen("race.example");
  sql("CREATE DATABASE race_example; CREATE TABLE race_example.t (a INT)");
  Result<void> refused = server().create(creation);
  EXPECT_TRUE(words_of(refused).contains("database 'race_example' is there and was not made by this task"));
  EXPECT_EQ(refused.error().code, Code::kConflict);
  Result<Removed> removed = server().undo(creation);
  ASSERT_TRUE(removed) << words(removed);
  EXPECT_EQ(removed->left, std::vector<std::string>{"database 'race_example' is somebody else's; it stays"});
  EXPECT_EQ(sql("SELECT COUNT(*) FROM race_example.t"), "0\n");
  sql("DROP DATABASE race_example");

  // A user of that name, at a host of ours or another one, with another password.
  for (const std::string host : {"localhost", "10.0.0.1"}) {
    sql("CREATE USER race_example@'" + host + "' IDENTIFIED BY 'other'");
    refused = server().create(creation);
    EXPECT_TRUE(words_of(refused).contains("account 'race_example'@'" + host + "' is there")) << words(refused);
    EXPECT_EQ(sql("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'race_example'"), "0\n");
    removed = server().undo(creation);
    ASSERT_TRUE(removed) << words(removed);
    EXPECT_EQ(removed->left.size(), 1U);
    sql("DROP USER race_example@'" + host + "'");
  }

  // The stranger comes when half is made: ours goes, his stays, and his connections with it.
  ASSERT_EQ(words(server().create(creation)), "");
  sql("CREATE USER race_example@'%' IDENTIFIED BY 'other'");
  removed = server().undo(creation);
  ASSERT_TRUE(removed) << words(removed);
  EXPECT_TRUE(removed->database);
  EXPECT_EQ(removed->accounts, 3U);
  EXPECT_EQ(removed->left, std::vector<std::string>{"account 'race_example'@'%' is somebody else's; it stays"});
  EXPECT_EQ(traces("race_example"), "account % " + password_hash("other") + "\n");
  sql("DROP USER race_example@'%'");
}

TEST_F(DatabaseCreation, OfTwoCreationsWithOneNameOneWins) {
  Creation one = chosen("twice.example");
  Creation two = chosen("twice.example");
  ASSERT_EQ(one.name, two.name);
  Result<void> first;
  Result<void> second;
  {
    const std::jthread a([&] { first = server().create(one); });
    const std::jthread b([&] { second = server().create(two); });
  }
  if (!first) std::swap(one, two);
  ASSERT_NE(first.has_value(), second.has_value()) << words(first) << words(second);
  EXPECT_EQ((first ? second : first).error().code, Code::kConflict) << words(first ? second : first);
  EXPECT_EQ(traces(one.name), whole(one));
  EXPECT_EQ(words(server().undo(two)), "");
  EXPECT_EQ(traces(one.name), whole(one));
  EXPECT_EQ(words(server().undo(one)), "");
}

TEST_F(DatabaseCreation, DropTakesWhatTheRegistryCallsTheSitesAndIsIdempotent) {
  // As an import has it: names of ours are in no comment, the grant is without escapes.
  sql("CREATE DATABASE Old_Shop; CREATE USER OldUser@localhost IDENTIFIED BY 'x', OldUser@'10.0.0.1' IDENTIFIED BY "
      "'x'; "
      "GRANT ALL ON `Old_Shop`.* TO OldUser@localhost");
  Result<Removed> removed = server().drop("Old_Shop", "OldUser");
  ASSERT_TRUE(removed) << words(removed);
  EXPECT_TRUE(removed->database);
  EXPECT_EQ(removed->accounts, 2U);
  removed = server().drop("Old_Shop", "OldUser");
  ASSERT_TRUE(removed) << words(removed);
  EXPECT_FALSE(removed->database);
  EXPECT_EQ(removed->accounts, 0U);
}

TEST_F(DatabaseCreation, DropLeavesAUserThatOthersNeedAndRefusesOneOfTheWholeServer) {
  sql("CREATE DATABASE one; CREATE DATABASE two; CREATE USER common@localhost IDENTIFIED BY 'x'; "
      "GRANT ALL ON one.* TO common@localhost; GRANT ALL ON two.* TO common@localhost; "
      "CREATE USER boss@localhost; GRANT RELOAD ON *.* TO boss@localhost");
  const Result<Removed> removed = server().drop("one", "common");
  ASSERT_TRUE(removed) << words(removed);
  EXPECT_TRUE(removed->database);
  EXPECT_EQ(removed->left, std::vector<std::string>{"account 'common' has rights on other databases, too; it stays"});
  EXPECT_EQ(sql("SELECT Db FROM mysql.db WHERE User = 'common' AND Select_priv = 'Y'"), "two\n");
  EXPECT_EQ(chosen("one").name, "one_2");
  for (const char* user : {"boss", "aegir"}) {
    const Result<Removed> refused = server().drop("two", user);
    EXPECT_TRUE(words_of(refused).contains("it is no site's")) << words(refused);
  }
  EXPECT_TRUE(server().exists("two").value_or(false));
  EXPECT_EQ(words(server().drop("two", "common")), "");
  sql("DROP USER boss@localhost");
}

TEST_F(DatabaseCreation, TwentyAtOnceShareNothing) {
  std::mutex mutex;
  std::set<std::string> reserved;
  const auto reserve = [&](const std::string& name) -> Result<bool> {
    const std::scoped_lock lock(mutex);
    return !reserved.insert(name).second;
  };
  const Server shared = server();
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 20; ++i) {
      threads.emplace_back([&] {
        const Result<Creation> creation = shared.choose("same.example", kLocalHosts, reserve);
        ASSERT_TRUE(creation) << words(creation);
        EXPECT_EQ(words(shared.create(*creation)), "");
        EXPECT_EQ(words(try_login(login(*creation))), "");
        EXPECT_TRUE(shared.exists(creation->name).value_or(false));
        EXPECT_EQ(words(shared.undo(*creation)), "");
        EXPECT_FALSE(shared.exists(creation->name).value_or(true));
        ++good;
      });
    }
  }
  EXPECT_EQ(good, 20);
  EXPECT_GE(reserved.size(), 20U);
}

}  // namespace
}  // namespace aegir::database
