#include "compiler/core/host_name.hpp"

#include <gtest/gtest.h>

#include <string>

#include "compiler/core/idna.hpp"

namespace aegir {
namespace {

std::string normalised(std::string_view authority) {
  HostBuffer buffer;
  const HostAndPort host = normalise_host(authority, buffer);
  switch (host.status) {
    case HostStatus::kOk:
      return std::string(host.name) + ":" + std::to_string(host.port);
    case HostStatus::kEmpty:
      return "empty";
    case HostStatus::kMalformed:
      return "malformed";
    case HostStatus::kTooLong:
      return "too long";
  }
  return "?";
}

TEST(HostName, CaseTrailingDotAndPortAreTakenAway) {
  EXPECT_EQ(normalised("Shop.Example"), "shop.example:0");
  EXPECT_EQ(normalised("shop.example."), "shop.example:0");
  EXPECT_EQ(normalised("SHOP.example.:8080"), "shop.example:8080");
  EXPECT_EQ(normalised("a_b.example"), "a_b.example:0");
}

TEST(HostName, WhatNoHostNameHasIsMalformed) {
  for (const char* authority : {"a..test", ".a.test", "a.test..", "a.test/x", "a test", "a.test:port", "a.test:65536",
                                "a.test:1:2", "a.test:", "a.test:0", "a@b.test",
                                ("b\xc3\xbc"
                                 "cher.test"),
                                "*.test", "[::1]", "a.test;", "a,b"}) {
    EXPECT_EQ(normalised(authority), "malformed") << authority;
  }
  EXPECT_EQ(normalised(std::string_view("a\0b.test", 8)), "malformed");
}

TEST(HostName, EmptyAndTooLong) {
  EXPECT_EQ(normalised(""), "empty");
  EXPECT_EQ(normalised("."), "empty");
  EXPECT_EQ(normalised(":80"), "empty");
  std::string longest;
  while (longest.size() < kMaxHostName - 1) longest += "a.";
  longest.resize(kMaxHostName, 'a');
  EXPECT_EQ(normalised(longest), longest + ":0");
  EXPECT_EQ(normalised(longest + "a"), "too long");
  EXPECT_EQ(normalised(std::string(300, 'a')), "too long");
}

TEST(HostName, LabelsAreCounted) {
  EXPECT_EQ(label_count("a.b.example"), 3U);
  EXPECT_EQ(label_count(".b.example"), 2U);
  EXPECT_EQ(label_count("localhost"), 1U);
  EXPECT_EQ(label_count(""), 0U);
}

TEST(Idna, InternationalNamesBecomeALabels) {
  EXPECT_EQ(canonical_host("B\xc3\xbc"
                           "cher.example")
                .value(),
            "xn--bcher-kva.example");
  EXPECT_EQ(canonical_host("stra\xc3\x9f"
                           "e.example")
                .value(),
            "xn--strae-oqa.example");
  EXPECT_EQ(canonical_host("Shop.Example.").value(), "shop.example");
  EXPECT_EQ(canonical_host_or_wildcard("*.Shop.Example").value(), "*.shop.example");
}

TEST(Idna, WhatIsNoHostNameIsRefusedWithItsText) {
  for (const char* typed : {"", "http://a.example", "a.example:80", "a.example/x", "*.a.example", "a b.example",
                            "-.-..example", "a$b.example"}) {
    const Result<std::string> name = canonical_host(typed);
    EXPECT_FALSE(name.has_value()) << typed;
  }
  EXPECT_FALSE(canonical_host(std::string_view("a\0b.example", 11)).has_value());
  EXPECT_FALSE(canonical_host(std::string(64, 'a') + ".example").has_value());
  EXPECT_FALSE(canonical_host_or_wildcard("*.*.example").has_value());
  EXPECT_FALSE(canonical_host_or_wildcard("*.").has_value());
}

}  // namespace
}  // namespace aegir
