// Bytes that are no good request: each has an end, and the next one is served.
#include "tests/root/api/server_fixture.hpp"

namespace aegir::api {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class HostileTest : public ServerTest {
 protected:
  /// All that is answered to these bytes, until the connection ends.
  std::string answer_to(const std::string& bytes) {
    Talk talk(options_.path);
    talk.send(bytes);
    return talk.read_to_end();
  }
  void TearDown() override {
    Talk talk(options_.path);
    talk.get("/healthz", "Connection: close\r\n");
    EXPECT_THAT(talk.read_to_end(), HasSubstr("200 OK"));
  }
};

TEST_F(HostileTest, TooMuchIsRefused) {
  serve();
  std::string headers;
  for (int n = 0; n < 10000; ++n) headers += "X-" + std::to_string(n) + ": y\r\n";
  EXPECT_THAT(answer_to("GET /healthz HTTP/1.1\r\n" + headers + "\r\n"), StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(answer_to("GET /" + std::string(100000, 'a') + " HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 431"));
  const std::string post = "POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
  EXPECT_THAT(answer_to(post + "Content-Length: 2000000\r\n\r\n"), StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(answer_to(post + "Transfer-Encoding: chunked\r\n\r\n200000\r\n" + std::string(0x200000, ' ')),
              StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(answer_to(post + "Content-Length: 1000000\r\nConnection: close\r\n\r\n" + std::string(1000000, '[')),
              StartsWith("HTTP/1.1 422"));
}

TEST_F(HostileTest, NonsenseIsRefused) {
  serve();
  for (const std::string& bytes : std::vector<std::string>{
           "\x16\x03\x01\x02\x01\x01\x01\x01\xfc\x03\x03\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
           "G\x01T / HTTP/1.1\r\n\r\n", "GET /a b HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nNo colon\r\n\r\n",
           "POST /v1/tasks HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
           "POST /v1/tasks HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
           "POST /v1/tasks HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "POST /v1/tasks HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
           "GET /\xff\xfe HTTP/1.1\r\nConnection: close\r\n\r\n",
           "GET /v1/sites/%ff HTTP/1.1\r\nConnection: close\r\n\r\n", std::string("GET /\0 HTTP/1.1\r\n\r\n", 19)}) {
    EXPECT_THAT(answer_to(bytes), StartsWith("HTTP/1.1 400")) << bytes;
  }
  EXPECT_THAT(answer_to("BREW /v1/tasks HTTP/1.1\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(answer_to("HEAD /v1/tasks HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(answer_to("GET /v1/../../etc/passwd HTTP/1.1\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 404"));
  world_.queue().end(world_.start("verify", "shop.example"));
  EXPECT_THAT(answer_to("GET /v1/tasks/1/events HTTP/1.0\r\n\r\n"), HasSubstr(" 505 "));
}

TEST_F(HostileTest, HalfARequestEndsWithItsTime) {
  options_.patience = std::chrono::milliseconds(200);
  serve();
  for (const char* half :
       {"", "G", "GET / HTTP/1.1\r\nHost: x\r\n", "POST /v1/tasks HTTP/1.1\r\nContent-Length: 100\r\n\r\n{\"kind\""}) {
    EXPECT_EQ(answer_to(half), "") << half;
  }
}

TEST_F(HostileTest, WhoSpeaksOnIsAnsweredInOrder) {
  serve();
  EXPECT_EQ(world_.ask("GET", "/v1/queue").status, 200U);
  const std::string both = answer_to(
      "GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(both, StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(both.substr(both.find("HTTP/1.1", 8)), StartsWith("HTTP/1.1 200"));
}

TEST_F(HostileTest, WhoGoesAwayInTheMiddleHarmsNobody) {
  serve();
  for (int n = 0; n < 200; ++n) {
    Talk talk(options_.path);
    talk.send(n % 2 == 0 ? "GET /v1/sites HTTP/1.1\r\nHost: x\r\n\r\n" : "POST /v1/tasks HTTP/1.1\r\nContent-Le");
  }
}

}  // namespace
}  // namespace aegir::api
