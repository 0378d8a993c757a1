#include "tests/live/database/database_fixture.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "sidecar/database/quote.hpp"

namespace aegir::database {
namespace {

constexpr uid_t kMariaDb = 617001;

struct World {
  live::Port port;
  live::MariaDbServer server;
  live::TempDir options;
};

std::unique_ptr<World> world;

/// Stops the server, and looks into its log, when all tests have run.
class End : public ::testing::Environment {
 public:
  void TearDown() override { world.reset(); }
};

const ::testing::Environment* const kEnd = ::testing::AddGlobalTestEnvironment(new End);  // owned by GoogleTest

}  // namespace

void DatabaseTest::SetUpTestSuite() {
  if (world != nullptr) return;
  world = std::make_unique<World>();
  world->server.start(kMariaDb, world->port);
  // Where libmariadb looks when nobody says where, before it has looked for the first time.
  ASSERT_EQ(::setenv("MYSQL_UNIX_PORT", world->server.path("socket").c_str(), 1), 0);
  // unix_socket would want a system user of that name.
  sql(admin_grant("aegir@localhost IDENTIFIED BY 'AegirPassword'"));
}

void DatabaseTest::TearDown() {
  const Result<Inventory> inventory = server().inventory();
  ASSERT_TRUE(inventory) << words(inventory);
  for (const auto& database : inventory->databases) {
    ADD_FAILURE() << "the test has left database " << database.name;
    sql("DROP DATABASE " + quoted_name(database.name));
  }
  for (const auto& user : inventory->users) {
    ADD_FAILURE() << "the test has left account " << user.user << " for " << user.host;
    sql("DROP USER " + quoted_account(user.user, user.host));
  }
}

live::MariaDbServer& DatabaseTest::mariadb() { return world->server; }

std::uint16_t DatabaseTest::port() { return world->port.number(); }

Admin DatabaseTest::admin() { return admin_by(mariadb().path("socket")); }

Admin DatabaseTest::admin_by(const std::string& socket) {
  std::string path = world->options.path(socket.substr(1) + ".cnf");
  if (::access(path.c_str(), F_OK) != 0) {
    live::put(path, "[client]\nuser = aegir\npassword = AegirPassword\nsocket = " + socket + "\n");
    if (::chmod(path.c_str(), 0600) != 0) throw std::runtime_error(path + ": can't be closed");
  }
  return {.server = "local", .options_file = std::move(path)};
}

Creation DatabaseTest::chosen(const std::string& uri) {
  Result<Creation> creation = server().choose(uri, kLocalHosts, nothing_taken);
  EXPECT_EQ(words(creation), "");
  return creation.value_or(Creation{});
}

Creation DatabaseTest::made(const std::string& uri) {
  Creation creation = chosen(uri);
  EXPECT_EQ(words(server().create(creation)), "");
  return creation;
}

Login DatabaseTest::login(const Creation& creation) {
  return {.socket = mariadb().path("socket"),
          .user = creation.name,
          .password = creation.password,
          .database = creation.name};
}

std::string DatabaseTest::traces(const std::string& name) {
  const std::string text = quoted_text(name);
  return sql(
      "SELECT CONCAT('database ', SCHEMA_NAME, ' ', SCHEMA_COMMENT, ' ', DEFAULT_CHARACTER_SET_NAME) FROM "
      "information_schema.SCHEMATA WHERE SCHEMA_NAME = " +
      text +
      "; SELECT CONCAT('account ', Host, ' ', JSON_VALUE(Priv, '$.authentication_string')) FROM "
      "mysql.global_priv WHERE User = " +
      text + " ORDER BY Host; SELECT CONCAT('grant ', Host, ' ', REPLACE(Db, '\\\\', '/')) FROM mysql.db WHERE " +
      "User = " + text + " ORDER BY Host");
}

std::string DatabaseTest::whole(const Creation& creation) {
  std::string pattern = escaped_pattern(creation.name);
  std::ranges::replace(pattern, '\\', '/');
  std::string text = "database " + creation.name + " aegir:" + creation.mark + " utf8mb4\n";
  for (const char* host : {"127.0.0.1", "::1", "localhost"}) {
    text += "account " + std::string(host) + " " + password_hash(creation.password) + "\n";
  }
  for (const char* host : {"127.0.0.1", "::1", "localhost"}) {
    text += "grant " + std::string(host) + " " + pattern + "\n";
  }
  return text;
}

void DatabaseTest::drop(const Creation& creation) {
  EXPECT_EQ(words(server().drop(creation.name, creation.name)), "");
  EXPECT_EQ(traces(creation.name), "");
}

}  // namespace aegir::database
