// What a probe believes of an answer.
#include "sidecar/probe/probe.hpp"

#include <gmock/gmock.h>

namespace aegir::probe {
namespace {

using testing::HasSubstr;

class ProbeTest : public testing::Test {
 protected:
  ProbeTest() {
    question_.service = {registry::kNginx, 8081, 443, "127.0.0.1"};
    question_.host = "shop.example";
    question_.uri = "shop.example";
    question_.token = "token";
    question_.database = "shop_example";
    question_.generation = 7;
  }

  /// "" when the answer passes, else why it does not.
  std::string judged(int status, const std::string& headers) {
    machine::Answer answer;
    answer.status = status;
    answer.head = "HTTP/1.1 " + std::to_string(status) + " x\r\n" + headers;
    const Result<int> result = judge(question_, answer);
    return result ? "" : describe(result.error());
  }

  Question question_;
};

constexpr const char* kGood =
    "x-aegir-site: shop.example; generation=7\r\nX-Aegir-Settings:  shop.example; database=shop_example \r\n";

TEST_F(ProbeTest, ACandidatePassesWhenModuleAndSettingsNameIt) {
  EXPECT_EQ(judged(200, kGood), "");
  EXPECT_EQ(judged(403, kGood), "");
  question_.generation = 8;
  EXPECT_THAT(judged(200, kGood), HasSubstr("another site or an older state answers: 'shop.example; generation=7'"));
}

TEST_F(ProbeTest, WhatElseAnswersIsNamed) {
  EXPECT_THAT(judged(200, ""),
              HasSubstr("GET shop.example/ from nginx at 127.0.0.1 port 8081: the answer, status 200, is "
                        "not from the module\n  next: is 127.0.0.1 one of probe_peers"));
  EXPECT_THAT(judged(200, "X-Aegir-Site: shop.example.evil; generation=7\r\n"), HasSubstr("another site"));
  EXPECT_THAT(judged(200, "X-Aegir-Site: shop.example; generation=7x\r\n"), HasSubstr("another site"));
  EXPECT_THAT(judged(500, kGood), HasSubstr("status 500"));
  EXPECT_THAT(judged(302, std::string(kGood) + "Location: http://shop.example/core/install.php?x\r\n"),
              HasSubstr("it wants to be installed"));
  EXPECT_THAT(judged(200, "X-Aegir-Site: shop.example; generation=7\r\n"), HasSubstr("does not answer the probe"));
  EXPECT_THAT(judged(200, "X-Aegir-Site: shop.example; generation=7\r\nX-Aegir-Settings: shop.example; database=b\r\n"),
              HasSubstr("other settings: 'shop.example; database=b'"));
}

TEST_F(ProbeTest, AVisitorIsShownNoneOfOurHeaders) {
  question_.token.clear();
  EXPECT_EQ(judged(200, ""), "");
  EXPECT_THAT(judged(503, ""), HasSubstr("status 503"));
}

TEST_F(ProbeTest, TokensAreLongAndNeverTheSame) {
  EXPECT_EQ(new_token().size(), 43);
  EXPECT_NE(new_token(), new_token());
}

}  // namespace
}  // namespace aegir::probe
