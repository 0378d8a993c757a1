// Files that a site's users write, as mod_aegir sends them: links only to what the link's owner owns, also while files
// and links change places, and otherwise like any file of httpd's.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdio.h>  // NOLINT(modernize-deprecated-headers): renameat2 is Linux
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "tests/live/apache/fleet.hpp"

namespace aegir::live {
namespace {

constexpr uid_t kTenant = 310001;
constexpr uid_t kNeighbour = 310002;

/// A site whose files belong to its own uid, in a platform whose configuration leaves links to the module.
class ApacheTenantFile : public ::testing::Test {
 protected:
  ApacheTenantFile() {
    put_as(kTenant, fleet_.file("own.txt"), "own");
    put_as(kTenant, fleet_.file("folder/inner.txt"), "inner");
    put_as(kNeighbour, fleet_.path("neighbour/secret.txt"), "secret of the neighbour");
    link("own.txt", "link-to-own.txt");
    link(fleet_.path("neighbour/secret.txt"), "link-to-secret.txt");
    link(fleet_.path("neighbour"), "link-to-folder");
    fleet_.start({.platform = "Options FollowSymLinks", .files = "Options FollowSymLinks"});
  }
  ~ApacheTenantFile() override { fleet_.apache.stop(); }

  static void put_as(uid_t owner, const std::string& path, const std::string& content) {
    put(path, content);
    ASSERT_EQ(::lchown(path.c_str(), owner, owner), 0);
  }
  void link(const std::string& target, const std::string& name) {
    std::filesystem::create_symlink(target, fleet_.file(name));
    ASSERT_EQ(::lchown(fleet_.file(name).c_str(), kTenant, kTenant), 0);
  }
  Response get(const std::string& name, const std::vector<std::string>& headers = {}) {
    return fleet_.get("a.test", "/files/" + name, headers);
  }

  Fleet fleet_;
};

TEST_F(ApacheTenantFile, LinksLeadToWhatTheirOwnerOwns) {
  EXPECT_EQ(get("own.txt").body, "own");
  EXPECT_EQ(get("folder/inner.txt").body, "inner");
  EXPECT_EQ(get("link-to-own.txt").body, "own");
  fleet_.apache.expect_log("link-to-secret.txt \\(a link to what its owner does not own\\)");
  EXPECT_EQ(get("link-to-secret.txt").status, 403);
  fleet_.apache.expect_log("link-to-folder/secret.txt \\(a link");
  EXPECT_EQ(get("link-to-folder/secret.txt").status, 403);
}

TEST_F(ApacheTenantFile, AreSentAsHttpdSendsFiles) {
  const Response whole = get("own.txt");
  EXPECT_EQ(whole.value("Content-Length"), "3");
  EXPECT_EQ(whole.value("Content-Type"), "text/plain");
  EXPECT_EQ(whole.value("Accept-Ranges"), "bytes");
  const std::string etag(whole.value("ETag"));
  ASSERT_FALSE(etag.empty());
  ASSERT_TRUE(whole.header("Last-Modified"));
  EXPECT_EQ(get("own.txt", {"If-None-Match: " + etag}).status, 304);
  const Response part = get("own.txt", {"Range: bytes=1-1"});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "w");
  const auto other = [&](const std::string& method) {
    return ask(fleet_.port.endpoint(),
               method + " /files/own.txt HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
  };
  EXPECT_EQ(other("HEAD").value("Content-Length"), "3");
  EXPECT_EQ(other("DELETE").status, 405);
  EXPECT_EQ(get("own.txt/more").status, 404);
}

TEST_F(ApacheTenantFile, WhileFileAndLinkChangePlaces) {
  const std::string file = fleet_.file("own.txt");
  const std::string lure = fleet_.file("link-to-secret.txt");
  std::atomic<bool> stop = false;
  std::uint64_t swaps = 0;
  std::thread swapper([&] {
    for (; !stop; ++swaps) (void)::renameat2(AT_FDCWD, file.c_str(), AT_FDCWD, lure.c_str(), RENAME_EXCHANGE);
  });
  std::uint64_t sent = 0;
  std::uint64_t refused = 0;
  std::uint64_t secrets = 0;
  const std::string request = "GET /files/own.txt HTTP/1.1\r\nHost: a.test\r\n\r\n";
  for (int i = 0; i < 200; ++i) {
    Connection connection(fleet_.port.endpoint());
    for (int pipelined = 0; pipelined < 50; ++pipelined) connection.send(request);
    for (int pipelined = 0; pipelined < 50; ++pipelined) {
      const Response answer = connection.read();
      sent += answer.body == "own" ? 1 : 0;
      refused += answer.status == 403 ? 1 : 0;
      secrets += answer.body.find("secret") != std::string::npos ? 1 : 0;
    }
  }
  stop = true;
  swapper.join();
  fleet_.apache.expect_log("not sent to the client");
  EXPECT_EQ(secrets, 0U);
  EXPECT_EQ(sent + refused, 10'000U);
  EXPECT_GT(sent, 0U);
  EXPECT_GT(refused, 0U) << swaps << " swaps, but no request met the link";
}

// A file of root's among the site's own, as people copy them, in the place of a link to another of root's files.
TEST_F(ApacheTenantFile, WhileAFileOfRootsTakesTheLinksPlace) {
  put_as(0, fleet_.file("copied.txt"), "copied");
  put_as(0, fleet_.path("root/secret.txt"), "secret of root");
  link(fleet_.path("root/secret.txt"), "link-to-root.txt");
  const std::string file = fleet_.file("copied.txt");
  const std::string lure = fleet_.file("link-to-root.txt");
  std::atomic<bool> stop = false;
  std::thread swapper([&] {
    while (!stop) (void)::renameat2(AT_FDCWD, file.c_str(), AT_FDCWD, lure.c_str(), RENAME_EXCHANGE);
  });
  const std::string request = "GET /files/copied.txt HTTP/1.1\r\nHost: a.test\r\n\r\n";
  std::uint64_t sent = 0;
  std::uint64_t secrets = 0;
  for (int i = 0; i < 200; ++i) {
    Connection connection(fleet_.port.endpoint());
    for (int pipelined = 0; pipelined < 50; ++pipelined) connection.send(request);
    for (int pipelined = 0; pipelined < 50; ++pipelined) {
      const Response answer = connection.read();
      sent += answer.body == "copied" ? 1 : 0;
      secrets += answer.body.find("secret") != std::string::npos ? 1 : 0;
    }
  }
  stop = true;
  swapper.join();
  fleet_.apache.expect_log("not sent to the client");
  EXPECT_EQ(secrets, 0U);
  EXPECT_GT(sent, 0U);
}

}  // namespace
}  // namespace aegir::live
