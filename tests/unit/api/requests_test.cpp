// What somebody can want: which JSON is taken, and what is said of any other.
#include "sidecar/api/words.hpp"
#include "tests/unit/api/api_fixture.hpp"

namespace aegir::api {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Everything that is wrong with a wish, one a line.
std::string wrong(const std::string& text) {
  const auto wish = read_wish(text);
  if (wish) return "";
  std::string all;
  for (const Error& error : wish.error()) all += describe(error) + "\n";
  return all;
}

TEST(Wish, HasAllThatAVerbTakes) {
  const auto wish =
      read_wish(R"({"kind": "site", "verb": "install", "object": "Shop.Example", "priority": -5, "after": 7,
    "request": {"platform": "d10", "profile": "standard", "language": "de", "client": "acme", "https": "required",
                "aliases": {"www.shop.example": {}, "old.example": {"redirect_to": "https://new.example"}},
                "redirect_to": "shop.example", "http_auth": {"user": "guest", "password": "s3cret"}}, "dry_run": true})");
  ASSERT_TRUE(wish) << describe(wish.error().front());
  EXPECT_EQ(wish->kind, ObjectKind::kSite);
  EXPECT_EQ(wish->object, "Shop.Example");
  EXPECT_EQ(wish->priority, -5);
  EXPECT_EQ(wish->after, 7U);
  EXPECT_TRUE(wish->dry_run);
  EXPECT_EQ(wish->request.dump(),
            R"({"aliases":{"old.example":{"redirect_to":"https://new.example"},"www.shop.example":{}},"client":"acme",)"
            R"("http_auth":{"password":"s3cret","user":"guest"},"https":"required","language":"de","platform":"d10",)"
            R"("profile":"standard","redirect_to":"shop.example"})");
}

TEST(Wish, NeedsNoRequestWhenNothingOfItIsRequired) {
  EXPECT_EQ(wrong(R"({"kind": "site", "verb": "verify", "object": "a.example"})"), "");
  EXPECT_THAT(wrong(R"({"kind": "site", "verb": "install", "object": "a.example"})"), HasSubstr("request: is missing"));
  EXPECT_THAT(wrong(R"({"kind": "site", "verb": "install", "object": "a.example", "request": {}})"),
              HasSubstr("request/platform: is missing"));
}

TEST(Wish, TellsEachMistakeWithItsPlace) {
  EXPECT_THAT(wrong("{\"kind\": \"site\",\n \"kind\": \"site\", \"verb\": \"verify\", \"object\": \"a.example\"}"),
              HasSubstr("request body:2:2: the key 'kind' is in this object already, at line 1"));
  EXPECT_THAT(wrong(R"({"kind": "site", "verb": "verify", "object": "a.example", "objekt": 1})"),
              HasSubstr("there is no key 'objekt' here\n  next: did you mean 'object'?"));
  EXPECT_THAT(wrong(R"({"kind": "sites", "verb": "verify", "object": "a.example"})"),
              HasSubstr("kind: expected one of registry, server, block, platform, client, site"));
  EXPECT_THAT(wrong(R"({"kind": "site", "verb": "instal", "object": "a.example"})"),
              HasSubstr("there is no verb 'instal' for a site\n  next: did you mean 'install'?"));
  EXPECT_THAT(wrong(R"({"kind": "site", "verb": "verify"})"), HasSubstr("object: is missing"));
  EXPECT_THAT(wrong(R"({"kind": "site", "verb": "verify", "object": ""})"),
              HasSubstr("expected a text that is not empty"));
  EXPECT_THAT(wrong(R"({"kind": "site", "verb": "verify", "object": "a\u0007b"})"), HasSubstr("control characters"));
  EXPECT_THAT(wrong(R"({"kind": "site", "verb": "verify", "object": "a", "priority": 1001})"),
              HasSubstr("expected a whole number from -1000 to 1000, found the number 1001"));
  EXPECT_THAT(wrong(R"({"kind": "site", "verb": "verify", "object": "a", "after": -1})"), HasSubstr("after: expected"));
  EXPECT_THAT(wrong("[]"), HasSubstr("expected an object"));
  EXPECT_THAT(wrong(""), Not(IsEmpty()));
  EXPECT_THAT(wrong("{\"kind\": \"site\", "), Not(IsEmpty()));
  EXPECT_THAT(wrong(std::string(100000, '[')), Not(IsEmpty()));
  EXPECT_THAT(wrong("{\"kind\": \"\xff\"}"), Not(IsEmpty()));
}

TEST(Wish, TellsAllMistakesOfARequestAtOnce) {
  const std::string all = wrong(R"({"kind": "site", "verb": "install", "object": "a.example", "request": {
    "platform": 10, "https": "yes", "aliases": ["www"], "http_auth": {"user": "u", "pasword": "x"}, "cient": "acme"}})");
  for (const char* each :
       {"request/platform: expected a text, found the number 10",
        "request/https: expected one of none, allowed, required", "request/aliases: expected an object",
        "request/http_auth/password: is missing", "did you mean 'password'?", "did you mean 'client'?"}) {
    EXPECT_THAT(all, HasSubstr(each));
  }
  EXPECT_THAT(all, Not(HasSubstr("aegirc schema"))) << "that is another form";
  EXPECT_THAT(wrong(R"({"kind": "platform", "verb": "add", "object": "d10", "request": {
    "docroot": "/x", "services": ["apache", "iis"], "body_limit": 70000}})"),
              testing::AllOf(HasSubstr("request/services: expected one of apache, nginx"),
                             HasSubstr("request/body_limit: expected a whole number from 0 to 65536")));
}

TEST(Wish, KeepsItsSecretsSealedInTheQueue) {
  const VerbForm* const form = find_form(ObjectKind::kSite, "install");
  ASSERT_NE(form, nullptr);
  const nlohmann::json request = {{"platform", "d10"}, {"http_auth", {{"user", "guest"}, {"password", kCanary}}}};
  const nlohmann::json kept = need(sealed(*form, request, registry::test_key(), "shop.example"));
  EXPECT_THAT(kept.dump(), Not(HasSubstr(kCanary)));
  EXPECT_EQ(kept, need(sealed(*form, request, registry::test_key(), "shop.example"))) << "equal wishes are found again";
  const nlohmann::json& secret = kept.at("http_auth").at("password");
  EXPECT_EQ(need(open_secret(secret, registry::test_key(), "shop.example")), kCanary);
  EXPECT_FALSE(open_secret(secret, registry::test_key(), "blog.example"));
  EXPECT_FALSE(open_secret(secret, registry::key_of(8, 'b'), "shop.example"));
  EXPECT_FALSE(open_secret("plain", registry::test_key(), "shop.example"));
  EXPECT_EQ(masked(kept).at("http_auth").at("password"), "***");
  EXPECT_FALSE(sealed(*form, request, KeyRing(), "shop.example"));
}

}  // namespace
}  // namespace aegir::api
