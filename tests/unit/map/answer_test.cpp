// What both modules send and count (answer.hpp).
#include "compiler/map/answer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "compiler/map/record.hpp"

namespace aegir::map {
namespace {

KeyRing ring(std::uint32_t id = 7) { return *KeyRing::parse(KeyRing::generate(id), "test.key"); }

/// FORMAT.md "Sealed credentials", written by hand.
std::string plaintext(const std::vector<std::string>& fields) {
  std::string text;
  for (const std::string& field : fields) {
    text += static_cast<char>(field.size() & 0xff);
    text += static_cast<char>(field.size() >> 8U);
    text += field;
  }
  return text;
}

const std::vector<std::string> kFields = {"mysql", "shop", "shop_user", "p\"w\n'", "localhost", "3306"};

struct Opened {
  bool ok = false;
  std::vector<std::string> fields;
};

Opened open(const KeyRing& keys, const std::vector<unsigned char>& sealed, std::string_view host) {
  SiteView site;
  site.host = host;
  site.key_id = keys.current_id();
  site.sealed = {reinterpret_cast<const char*>(sealed.data()), sealed.size()};
  std::vector<char> plain(sealed.size());
  CredentialFields fields;
  Opened opened;
  opened.ok = open_credentials(keys, site, plain, fields);
  if (opened.ok) opened.fields.assign(fields.begin(), fields.end());
  return opened;
}

TEST(HttpHost, IsTheAcceptedNameWithThePortThatWasNamed) {
  const auto http_host = [](std::string_view authority) {
    HostDecision decision;
    route_host({.authority = authority}, nullptr, decision);
    std::array<char, kHttpHostSize> out;
    return std::string(write_http_host(decision, out));
  };
  EXPECT_EQ(http_host("a.test"), "a.test");
  EXPECT_EQ(http_host("A.Test.:8080"), "a.test:8080");
  EXPECT_EQ(http_host("a.test:080"), "a.test:80");
  const std::string longest = std::string(kMaxHostName - 5, 'x') + ".test";
  EXPECT_EQ(http_host(longest + ".:65535"), longest + ":65535");
}

TEST(Credentials, OpenForTheirOwnSiteOnly) {
  const KeyRing keys = ring();
  const auto sealed = keys.seal("shop.example", plaintext(kFields));
  const Opened opened = open(keys, sealed, "shop.example");
  EXPECT_TRUE(opened.ok);
  EXPECT_EQ(opened.fields, kFields);
  EXPECT_FALSE(open(keys, sealed, "other.example").ok);
  EXPECT_FALSE(open(ring(), sealed, "shop.example").ok) << "another key with the same id";
  EXPECT_FALSE(open(ring(8), sealed, "shop.example").ok) << "a key with another id";
}

TEST(Credentials, ThatAreNotSixFieldsAreAFault) {
  const KeyRing keys = ring();
  const std::string whole = plaintext(kFields);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(open(keys, keys.seal("shop.example", whole.substr(0, size)), "shop.example").ok) << size;
  }
  EXPECT_FALSE(open(keys, keys.seal("shop.example", whole + "x"), "shop.example").ok) << "bytes left over";
  EXPECT_FALSE(open(keys, {}, "shop.example").ok) << "nothing sealed";
}

TEST(PhpLimits, AreAllFourAlways) {
  SiteView site;
  site.memory_limit = 4294967295U;
  site.upload_max_filesize = 4294967295U;
  site.post_max_size = 4294967295U;
  site.max_execution_time = 4294967295U;
  std::array<char, kPhpLimitsSize> out;
  EXPECT_EQ(write_php_limits(site, out),
            "memory_limit=4294967295M\nupload_max_filesize=4294967295M\npost_max_size=4294967295M\n"
            "max_execution_time=4294967295");
}

TEST(SiteHeader, NamesSiteAndGeneration) {
  const std::string longest(kMaxHostName, 'a');
  SiteView site;
  site.host = longest;
  site.generation = ~0ULL;
  std::array<char, kSiteHeaderSize> out;
  EXPECT_EQ(write_site_header(site, out), longest + "; generation=18446744073709551615");
}

TEST(Pages, SayWhatTheManualAsks) {
  EXPECT_NE(page(Verdict::kDisabled).find("This site has been disabled by the site administrators"),
            std::string_view::npos);
  EXPECT_FALSE(page(Verdict::kMaintenance).empty());
  EXPECT_TRUE(page(Verdict::kServe).empty());
  EXPECT_TRUE(page(Verdict::kStatus).empty());
}

HostDecision decided(Verdict verdict, std::uint16_t status, bool probe = false) {
  HostDecision decision;
  decision.verdict = verdict;
  decision.status = status;
  decision.probe = probe;
  return decision;
}

TEST(Status, CountsByVerdict) {
  Counters counters{};
  counters.count(outcome_of(decided(Verdict::kServe, 200)));
  counters.count(outcome_of(decided(Verdict::kServe, 200)));
  counters.count(outcome_of(decided(Verdict::kServe, 200, true)));
  counters.count(outcome_of(decided(Verdict::kAcme, 200)));
  counters.count(outcome_of(decided(Verdict::kRedirect, 301)));
  counters.count(outcome_of(decided(Verdict::kMaintenance, 503)));
  counters.count(outcome_of(decided(Verdict::kDisabled, 503)));
  counters.count(outcome_of(decided(Verdict::kStatus, 400)));
  counters.count(outcome_of(decided(Verdict::kStatus, 404)));
  counters.count(outcome_of(decided(Verdict::kStatus, 500)));
  counters.count(outcome_of(decided(Verdict::kStatus, 503)));
  counters.decrypts = 5;
  std::array<char, kStatusSize> out;
  const std::string text(write_status(counters, nullptr, 3, 4711, "", out));
  for (const char* line :
       {"aegir_requests_total{verdict=\"serve\"} 2\n", "aegir_requests_total{verdict=\"probe\"} 1\n",
        "aegir_requests_total{verdict=\"acme\"} 1\n", "aegir_requests_total{verdict=\"redirect\"} 1\n",
        "aegir_requests_total{verdict=\"maintenance\"} 1\n", "aegir_requests_total{verdict=\"disabled\"} 1\n",
        "aegir_requests_total{verdict=\"refused\"} 1\n", "aegir_requests_total{verdict=\"unknown\"} 1\n",
        "aegir_requests_total{verdict=\"fault\"} 1\n", "aegir_requests_total{verdict=\"no_map\"} 1\n",
        "aegir_decrypts_total 5\n", "aegir_faults_total 1\n", "aegir_map_refusals_total 3\n",
        "aegir_map_generation 0\n", "aegir_worker_pid 4711\n"}) {
    EXPECT_NE(text.find(std::string("\n") + line), std::string::npos) << line << text;
  }
}

TEST(Status, NamesOfConfigurations) {
  EXPECT_TRUE(is_configuration_name("0aZ9"));
  for (const std::string& name : {std::string(), std::string(65, 'f'), std::string("a\"b"), std::string("a b")}) {
    EXPECT_FALSE(is_configuration_name(name)) << name;
  }
}

TEST(Status, OfTheLargestFiguresFits) {
  Counters counters{};
  for (auto& counter : counters.requests) counter = ~0ULL;
  counters.decrypts = counters.faults = ~0ULL;
  std::array<char, kStatusSize> out;
  const std::string name(64, 'f');
  ASSERT_TRUE(is_configuration_name(name));
  const std::string_view text = write_status(counters, nullptr, ~0ULL, 0x7fffffff, name, out);
  EXPECT_TRUE(text.contains("\naegir_configuration{name=\"" + name + "\"} 1\n"));
  EXPECT_LT(text.size() + 4 * 10, kStatusSize) << "room for the four figures of the files";
  EXPECT_TRUE(text.ends_with("aegir_worker_pid 2147483647\n"));
}

}  // namespace
}  // namespace aegir::map
