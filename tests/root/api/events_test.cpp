// A task's log over the socket, while it runs.
#include <chrono>

#include "tests/root/api/server_fixture.hpp"

namespace aegir::api {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Lines of the events' data that have a text, without the marks of chunks.
std::vector<std::string> texts(const std::string& heard) {
  std::vector<std::string> all;
  const std::string mark = "\"text\":\"";
  for (std::size_t at = 0; (at = heard.find(mark, at)) != std::string::npos;) {
    at += mark.size();
    all.push_back(heard.substr(at, heard.find('"', at) - at));
  }
  return all;
}

std::string path(std::uint64_t id) { return "/v1/tasks/" + std::to_string(id) + "/events"; }

TEST_F(ServerTest, EventsComeWhileTheTaskRuns) {
  serve();
  world_.say("shop.example", {"it waits at the door"});
  world_.door("shop.example");
  const std::uint64_t id = world_.start("verify", "shop.example");
  Talk talk(options_.path);
  talk.get(path(id));
  EXPECT_THAT(talk.read_until("it waits at the door"), HasSubstr("Content-Type: text/event-stream"));
  EXPECT_THAT(talk.read_until("\"name\":\"work\",\"state\":\"begun\""), HasSubstr("\"state\":\"processing\""));
  EXPECT_THAT(talk.heard(), Not(HasSubstr("\"state\":\"success\"")));
  world_.door("shop.example").open();
  EXPECT_THAT(talk.read_to_end(), HasSubstr("\"text\":\"done\""));
  EXPECT_THAT(talk.heard().substr(talk.heard().rfind("event: ")), HasSubstr("\"state\":\"success\""));
  EXPECT_TRUE(talk.heard().ends_with("\r\n0\r\n\r\n"));
}

TEST_F(ServerTest, WhoComesBackGetsExactlyTheRest) {
  serve();
  std::vector<std::string> lines;
  for (int n = 0; n < 1000; ++n) lines.push_back("line " + std::to_string(n));
  world_.say("shop.example", lines);
  world_.door("shop.example");
  const std::uint64_t id = world_.start("verify", "shop.example");
  world_.record().wait_for("shop.example");
  std::string last;
  std::vector<std::string> heard;
  {
    Talk first(options_.path);
    first.get(path(id));
    const std::string& all = first.read_until("\"text\":\"line 300\"");
    const std::size_t end = all.rfind("\n\n");  // of the last whole event
    const std::size_t event = all.rfind("event: log\nid: ", end);
    last = all.substr(event + 15, all.find('\n', event + 15) - event - 15);
    heard = texts(all.substr(0, all.find("\n\n", event)));
  }
  Talk second(options_.path);
  second.get(path(id), "Last-Event-ID: " + last + "\r\n");
  world_.door("shop.example").open();
  for (const std::string& text : texts(second.read_to_end())) heard.push_back(text);
  lines.insert(lines.begin(), "begun");
  lines.emplace_back("done");
  EXPECT_EQ(heard, lines);
}

TEST_F(ServerTest, ASlowReaderHoldsUpNobodyAndMissesNothing) {
  serve();
  std::vector<std::string> lines;
  for (int n = 0; n < 20000; ++n) lines.push_back("line " + std::to_string(n) + std::string(100, '.'));
  world_.say("shop.example", lines);
  const std::uint64_t id = world_.start("verify", "shop.example");
  Talk slow(options_.path);
  slow.get(path(id));  // far more than a socket holds, and it does not read
  world_.queue().end(id);
  const auto begin = std::chrono::steady_clock::now();
  for (int n = 0; n < 100; ++n) {
    Talk other(options_.path);
    other.get("/v1/queue", "Connection: close\r\n");
    EXPECT_THAT(other.read_to_end(), HasSubstr("200 OK"));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_EQ(texts(slow.read_to_end()).size(), lines.size() + 2) << "and 'begun' and 'done'";
}

TEST_F(ServerTest, AQuietStreamBeats) {
  options_.heartbeat = std::chrono::milliseconds(30);
  serve();
  world_.door("shop.example");
  const std::uint64_t id = world_.start("verify", "shop.example");
  Talk talk(options_.path);
  talk.get(path(id));
  talk.read_until(": \n\n\r\n4\r\n: \n\n");
  world_.door("shop.example").open();
  talk.read_to_end();
}

TEST_F(ServerTest, ReadersThatGoAwayLeaveNothing) {
  options_.most_connections = 4;
  serve();
  world_.door("shop.example");
  const std::uint64_t id = world_.start("verify", "shop.example");
  for (int n = 0; n < 20; ++n) {
    // Each finds a place, since those before it are gone; at most a moment later.
    for (;;) {
      Talk talk(options_.path);
      talk.get(path(id));
      const std::string& heard = talk.read_until("\r\n\r\n");
      if (heard.starts_with("HTTP/1.1 200")) break;
      ASSERT_THAT(heard, HasSubstr("503"));
    }
  }
  world_.door("shop.example").open();
}

}  // namespace
}  // namespace aegir::api
