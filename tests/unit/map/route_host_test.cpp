// The rules for names (route.hpp): 400, 404, probes, gates, https policy, redirects and their order.
#include "compiler/map/route.hpp"
#include "tests/unit/map/map_fixture.hpp"

namespace aegir::map {
namespace {

constexpr std::uint64_t kNow = 1'000'000;

class RouteHost : public MapDirectory {
 protected:
  /// Every kind of site at once; `console` as the registry's setting.
  void build(const std::string& console = "") {
    info_.console = console;
    const auto with = [](SiteRecord site, auto change) {
      change(site);
      return site;
    };
    snapshot_ = snapshot(base({
        .sites =
            {
                a_site("plain.test", {{"alias.test", ""},
                                      {"www.test", "plain.test"},
                                      {"far.test", "https://far.example"},
                                      {".wild.test", ""},
                                      {".self.test", "www.self.test"},
                                      {".origin.test", "https://www.origin.test:8443"}}),
                with(a_site("secure.test", {{"www.secure.test", "secure.test"}}),
                     [](SiteRecord& site) { site.https = Https::kRequired; }),
                with(a_site("disabled.test", {{"www.disabled.test", "disabled.test"}}),
                     [](SiteRecord& site) { site.state = SiteState::kDisabled; }),
                with(a_site("mended.test"),
                     [](SiteRecord& site) {
                       site.state = SiteState::kMaintenance;
                       site.https = Https::kRequired;
                     }),
                with(a_site("nginx.test"), [](SiteRecord& site) { site.services = kServiceNginx; }),
                a_candidate("token", "plain.test", kNow + 60),
            },
        .passes = {{probe_key("pass"), "disabled.test", kNow + 60}},
    }));
  }

  std::string routed(Request request) {
    if (request.raw_target.empty()) request.raw_target = "/";
    if (request.path.empty()) request.path = "/";
    request.service = kServiceApache;
    request.now = kNow;
    HostDecision decision;
    route_host(request, snapshot_.get(), decision);
    std::string text;
    switch (decision.verdict) {
      case Verdict::kServe:
        text = "serve " + std::string(decision.site.directory);
        break;
      case Verdict::kAcme:
        text = "acme " + std::string(decision.site.directory);
        break;
      case Verdict::kMaintenance:
        return "maintenance";
      case Verdict::kDisabled:
        return "disabled";
      case Verdict::kStatus:
        return std::to_string(decision.status);
      case Verdict::kRedirect:
        text = std::to_string(decision.status) + " ";
        for (const std::string_view piece : decision.location) text += piece;
        break;
    }
    return text;
  }
  std::string host(std::string_view authority) { return routed({.authority = authority}); }

  std::shared_ptr<const Snapshot> snapshot_;
};

TEST_F(RouteHost, NamesAreFoundInEveryWayTheyAreWritten) {
  build();
  for (const char* name :
       {"plain.test", "PLAIN.Test", "plain.test.", "plain.test:8080", "alias.test", "a.b.wild.test"}) {
    EXPECT_EQ(host(name), "serve plain.test") << name;
  }
}

TEST_F(RouteHost, WhatIsNoNameIs400AndWhatIsNobodysIs404) {
  build();
  for (const char* name : {"", ".", "a..test", "a b.test", "plain.test:x", "plain.test/x"}) {
    EXPECT_EQ(host(name), "400") << name;
  }
  for (const std::string& name : {std::string("unknown.test"), std::string("wild.test"), std::string(300, 'a'),
                                  std::string("nginx.test"), std::string("localhost")}) {
    EXPECT_EQ(host(name), "404") << name;
  }
}

TEST_F(RouteHost, AnAbsoluteUriMustHaveTheConnectionsScheme) {
  build();
  EXPECT_EQ(routed({.authority = "plain.test", .uri_scheme = "http"}), "serve plain.test");
  EXPECT_EQ(routed({.authority = "plain.test", .uri_scheme = "https"}), "400");
  EXPECT_EQ(routed({.authority = "plain.test", .uri_scheme = "ftp"}), "400");
  EXPECT_EQ(routed({.authority = "plain.test", .uri_scheme = "https", .secure = true, .secure_connection = true}),
            "serve plain.test");
  EXPECT_EQ(routed({.authority = "plain.test", .uri_scheme = "https", .secure = true}), "400")
      << "a proxy's word is not about the connection to us";
}

TEST_F(RouteHost, ARedirectKeepsPathAndQueryByteForByte) {
  build();
  for (const char* target : {"/", "/a%2Fb?c=%2e", "//evil.example/x", "/%0d%0aX: y", "/a;b?", "/?", "/a?http://x"}) {
    EXPECT_EQ(routed({.authority = "www.test", .raw_target = target}), std::string("301 http://plain.test") + target);
    EXPECT_EQ(routed({.authority = "far.test", .raw_target = target}), std::string("301 https://far.example") + target);
  }
  EXPECT_EQ(routed({.authority = "www.test", .raw_target = "?x"}), "301 http://plain.test/?x");
}

TEST_F(RouteHost, ARedirectKeepsSchemeAndPortOfTheRequest) {
  build();
  EXPECT_EQ(routed({.authority = "www.test:8080"}), "301 http://plain.test:8080/");
  EXPECT_EQ(routed({.authority = "www.test", .secure = true}), "301 https://plain.test/");
  EXPECT_EQ(routed({.authority = "www.test:8443", .secure = true, .secure_connection = true}),
            "301 https://plain.test:8443/");
  EXPECT_EQ(routed({.authority = "far.test:8080"}), "301 https://far.example/");
}

TEST_F(RouteHost, AWildcardThatRedirectsToOneOfItsNamesServesThatOne) {
  build();
  EXPECT_EQ(host("a.self.test"), "301 http://www.self.test/");
  EXPECT_EQ(host("www.self.test"), "serve plain.test");
  EXPECT_EQ(host("a.origin.test"), "301 https://www.origin.test:8443/");
  EXPECT_EQ(host("www.origin.test:8443"), "serve plain.test");
}

TEST_F(RouteHost, HttpsRequiredIsOneRedirectToTheHttpsPort) {
  build();
  EXPECT_EQ(host("secure.test"), "301 https://secure.test/");
  EXPECT_EQ(routed({.authority = "secure.test:8080", .https_port = 8443}), "301 https://secure.test:8443/");
  EXPECT_EQ(host("www.secure.test"), "301 https://secure.test/");
  EXPECT_EQ(routed({.authority = "www.secure.test:8080", .https_port = 8443}), "301 https://secure.test:8443/");
  EXPECT_EQ(routed({.authority = "secure.test", .secure = true}), "serve secure.test");
}

TEST_F(RouteHost, GatesStandBeforeEveryRedirectAndUnderEveryName) {
  build();
  EXPECT_EQ(host("disabled.test"), "disabled");
  EXPECT_EQ(host("www.disabled.test"), "disabled");
  EXPECT_EQ(host("mended.test"), "maintenance");
  build("https://console.example");
  EXPECT_EQ(routed({.authority = "disabled.test", .raw_target = "/x?y"}),
            "302 https://console.example/hosting/disabled/disabled.test");
  EXPECT_EQ(host("www.disabled.test"), "302 https://console.example/hosting/disabled/disabled.test");
  EXPECT_EQ(host("mended.test"), "maintenance");
}

TEST_F(RouteHost, AcmeIsOpenInEveryStateOfAKnownName) {
  build();
  const char* path = "/.well-known/acme-challenge/x";
  for (const char* name : {"plain.test", "www.test", "far.test", "secure.test", "disabled.test", "mended.test"}) {
    EXPECT_TRUE(routed({.authority = name, .raw_target = path, .path = path}).starts_with("acme ")) << name;
  }
  EXPECT_EQ(routed({.authority = "unknown.test", .raw_target = path, .path = path}), "404");
  EXPECT_EQ(routed({.authority = "disabled.test", .path = "/.well-known/acme-challenge"}), "disabled");
}

TEST_F(RouteHost, AProbeNeedsTokenHostPeerAndTime) {
  build();
  const Request right{.authority = "plain.test", .token = "token", .probe_peer = true};
  EXPECT_EQ(routed(right), "serve candidate-of-plain.test");
  Request wrong = right;
  wrong.probe_peer = false;
  EXPECT_EQ(routed(wrong), "serve plain.test");
  wrong = right;
  wrong.token = "other";
  EXPECT_EQ(routed(wrong), "serve plain.test");
  wrong = right;
  wrong.authority = "secure.test";
  EXPECT_EQ(routed(wrong), "301 https://secure.test/");
  EXPECT_EQ(routed({.authority = "disabled.test", .token = "pass", .probe_peer = true}), "serve disabled.test")
      << "a pass opens the gate of its host";
  EXPECT_EQ(routed({.authority = "mended.test", .token = "pass", .probe_peer = true}), "maintenance");
}

TEST_F(RouteHost, WithoutAMapNobodyIsServed) { EXPECT_EQ(host("plain.test"), "503"); }

}  // namespace
}  // namespace aegir::map
