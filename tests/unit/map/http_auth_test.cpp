// HTTP authentication of a site (http_auth.hpp), as far as it needs no server; the rest is in the behaviour table.
#include "compiler/map/http_auth.hpp"

#include <gtest/gtest.h>

#include <string>

namespace aegir::map {
namespace {

class HttpAuth : public ::testing::Test {
 protected:
  HttpAuth() {
    Digest digest{};
    const std::array<std::string_view, 2> parts = {"ann", "sesame"};
    EXPECT_TRUE(keys_.digest(7, parts, digest));
    auth_.assign(reinterpret_cast<const char*>(digest.data()), digest.size());
    auth_ += "My realm";
    site_.auth = auth_;
    site_.key_id = 7;
  }
  [[nodiscard]] bool authorised(std::string_view authorization) const {
    return is_authorised(keys_, site_, authorization);
  }

  KeyRing keys_ = KeyRing::parse("aegir-key 1 7 " + std::string(64, 'a') + "\n", "test.key").value();
  std::string auth_;
  SiteView site_;
};

TEST_F(HttpAuth, TheRightPasswordAndNoOther) {
  EXPECT_TRUE(authorised("Basic YW5uOnNlc2FtZQ=="));
  EXPECT_TRUE(authorised("BASIC   YW5uOnNlc2FtZQ== "));
  for (const char* wrong :
       {"", "Basic", "Basic ", "YW5uOnNlc2FtZQ==", "Digest YW5uOnNlc2FtZQ==", "Basic YW5uOnNlc2FtZg==",
        "Basic YW5uc2VzYW1l", "Basic YW5uOnNlc2FtZQ== x", "Basic \xff\xff"}) {
    EXPECT_FALSE(authorised(wrong)) << wrong;
  }
  EXPECT_FALSE(authorised("Basic " + std::string(100'000, 'A')));
  site_.key_id = 8;
  EXPECT_FALSE(authorised("Basic YW5uOnNlc2FtZQ==")) << "sealed with a key that is not there";
  site_.auth = "short";
  EXPECT_FALSE(authorised("Basic YW5uOnNlc2FtZQ=="));
}

TEST_F(HttpAuth, TheChallengeNamesTheRealm) {
  std::array<char, kChallengeSize> out;
  EXPECT_EQ(write_challenge(site_, out), "Basic realm=\"My realm\"");
  auth_.append(500, 'x');
  site_.auth = auth_;
  EXPECT_LE(write_challenge(site_, out).size(), kChallengeSize);
}

TEST_F(HttpAuth, ProbesAndChallengesAreNotAsked) {
  HostDecision decision;
  decision.site = site_;
  decision.verdict = Verdict::kServe;
  EXPECT_TRUE(is_protected(decision));
  decision.probe = true;
  EXPECT_FALSE(is_protected(decision));
  decision.probe = false;
  decision.verdict = Verdict::kAcme;
  EXPECT_FALSE(is_protected(decision));
}

}  // namespace
}  // namespace aegir::map
