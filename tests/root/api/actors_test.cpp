// Who may ask what: real accounts over the real socket. And the socket itself: whose place it takes, whose not.
#include <sys/stat.h>

#include <iostream>

#include "tests/root/api/server_fixture.hpp"

namespace aegir::api {
namespace {

using testing::HasSubstr;

struct Account {
  const char* name;
  uid_t uid;
  gid_t gid;
  Right right;
};

TEST_F(ServerTest, ActorsAndOperations) {
  serve();
  constexpr gid_t kNogroup = 65534;
  const std::vector<Account> accounts = {
      {"root", 0, 0, Right::kAll},
      {"aegir", kAegir, kNogroup, Right::kAll},
      {"group aegir-admin, in passwd", kMember, kNogroup, Right::kAll},
      {"group aegir-admin, gid of the process", kNogroup, kMember, Right::kAll},
      {"group aegir", 5, kAegir, Right::kHealth},
      {"nobody", kNogroup, kNogroup, Right::kHealth},
      {"a site", kSite, kSite, Right::kNothing},
      {"a site in group aegir-admin", kSite, kMember, Right::kNothing},
  };
  std::string table;
  for (const Account& account : accounts) {
    std::string row;
    for (const Route& route : routes()) {
      if (route.path.ends_with("/events")) continue;  // the same question as its task; it does not end
      std::string target(route.path);
      if (const auto brace = target.find('{'); brace != std::string::npos) {
        target.replace(brace, target.find('}') - brace + 1, "1");
      }
      const int found = status(account.uid, account.gid, std::string(route.method), target);
      const bool is_health = route.path == "/healthz";
      if (account.right == Right::kNothing) {
        EXPECT_EQ(found, 0) << account.name << ' ' << target;
      } else if (account.right == Right::kHealth) {
        EXPECT_EQ(found, is_health ? 200 : 403) << account.name << ' ' << target;
      } else {
        EXPECT_NE(found, 403) << account.name << ' ' << target;
        EXPECT_NE(found, 0) << account.name << ' ' << target;
      }
      row += ' ' + std::to_string(found);
    }
    table += row + "  " + account.name + '\n';
  }
  std::cout << "columns:";
  for (const Route& route : routes()) {
    if (!route.path.ends_with("/events")) std::cout << ' ' << route.method << ' ' << route.path;
  }
  std::cout << '\n' << table;
}

TEST_F(ServerTest, WhoAsksStandsAtTheTask) {
  serve();
  const Json wish = {{"kind", "site"}, {"verb", "verify"}, {"object", "shop.example"}};
  const live::Finished done = live::run({"setpriv", "--reuid=33", "--regid=33", "--clear-groups", "curl", "-sS", "-H",
                                         "Content-Type: application/json", "-d", wish.dump(), "--unix-socket",
                                         options_.path, "http://localhost/v1/tasks"});
  EXPECT_EQ(done.status, 0) << done.output;
  EXPECT_EQ(world_.get("/v1/tasks/1").at("actor"), "www-data");
}

TEST_F(ServerTest, OthersCantTakeAllConnections) {
  options_.most_others = 2;
  serve();
  std::vector<std::unique_ptr<Talk>> held;
  for (int n = 0; n < 2; ++n) {
    const AsThread nobody(65534, 65534);
    held.push_back(std::make_unique<Talk>(options_.path));
    held.back()->get("/healthz");
    EXPECT_THAT(held.back()->read_until("\r\n\r\n"), HasSubstr("200 OK"));
  }
  {
    const AsThread nobody(65534, 65534);
    EXPECT_THAT(Talk(options_.path).read_to_end(), HasSubstr("503 Service Unavailable"));
  }
  EXPECT_EQ(status(0, 0, "GET", "/v1/queue"), 200) << "administrators have connections of their own";
}

TEST_F(ServerTest, IsOpenToEverybodyAndGoneAtTheEnd) {
  serve();
  struct stat status{};
  ASSERT_EQ(::stat(options_.path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0666U);
  server_.reset();
  EXPECT_NE(::stat(options_.path.c_str(), &status), 0);
}

TEST_F(ServerTest, TakesThePlaceOfADeadSocketAlone) {
  serve();
  const Result<std::unique_ptr<Server>> second = Server::start(world_.service(), options_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kBusy);
  EXPECT_EQ(status(0, 0, "GET", "/healthz"), 200) << "the first one serves as before";
  server_.reset();
  {
    const Fd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = address_of(options_.path);
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  serve();
  EXPECT_EQ(status(0, 0, "GET", "/healthz"), 200);
  server_.reset();
  live::put(options_.path, "precious");
  const Result<std::unique_ptr<Server>> refused = Server::start(world_.service(), options_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(describe(refused.error()), HasSubstr("is no socket"));
  EXPECT_EQ(live::slurp(options_.path), "precious");
}

TEST_F(ServerTest, APathThatNoSocketCanHaveIsNamed) {
  options_.path = directory_.path(std::string(120, 'x'));
  const Result<std::unique_ptr<Server>> refused = Server::start(world_.service(), options_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(describe(refused.error()), HasSubstr("too long for a socket"));
}

}  // namespace
}  // namespace aegir::api
