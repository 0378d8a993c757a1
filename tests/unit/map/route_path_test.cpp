// The rules for paths (route.hpp): what is closed, what is moved, and that nothing else is touched.
#include <gtest/gtest.h>

#include <string>

#include "compiler/map/route.hpp"

namespace aegir::map {
namespace {

/// A site shop.example that was once old.example.
SiteView shop() {
  static const std::string former = "\x0bold.example";
  SiteView site;
  site.host = "shop.example";
  site.directory = "shop.example";
  site.former = former;
  site.former_count = 1;
  return site;
}

std::string routed(std::string_view path, std::string_view raw = {}, bool by_site = false) {
  const SiteView site = shop();
  const PathDecision decision = route_path(site, path, raw.empty() && !by_site ? path : raw, by_site);
  std::string text;
  switch (decision.verdict) {
    case PathVerdict::kServe:
      text = "serve";
      break;
    case PathVerdict::kRewrite:
      text = "rewrite";
      break;
    case PathVerdict::kRedirect:
      text = "redirect";
      break;
    case PathVerdict::kNotFound:
      return "not found";
    case PathVerdict::kForbidden:
      return "forbidden";
  }
  if (decision.verdict != PathVerdict::kServe) text += ' ';
  for (const std::string_view piece : decision.pieces) text += piece;
  return decision.static_only ? text + " (static)" : text;
}

TEST(RoutePath, OrdinaryPathsAreLeftAlone) {
  for (const char* path : {"/", "/index.php", "/index.php/sites/other.example/files/x", "/node/1", "/files", "/sitesx",
                           "/sites/all/modules/x.js", "/core/misc/x.js", "/filesystem/x", "/install.phpx",
                           "/sites/shop.example/x", "/sites/shop.example/themes/x.css"}) {
    EXPECT_EQ(routed(path), "serve") << path;
  }
}

TEST(RoutePath, FilesAreTheSitesOwn) {
  EXPECT_EQ(routed("/files/cat.jpg"), "rewrite /sites/shop.example/files/cat.jpg (static)");
  EXPECT_EQ(routed("/files/"), "rewrite /sites/shop.example/files/ (static)");
  EXPECT_EQ(routed("/sites/shop.example/files/cat.jpg"), "serve (static)");
}

TEST(RoutePath, OtherSitesDirectoriesDoNotExist) {
  for (const char* path :
       {"/sites/other.example/files/x", "/sites/other.example", "/sites/other.example/", "/sites/default/settings.php",
        "/sites/sites.php", "/sites/README.txt", "/sites/shop.example2/files/x", "/sites/shop.exampl/files/x",
        "/sites/all2/x",
        // Folders of folders: nobody's.
        "/sites", "/sites/", "/sites/all", "/sites/all/", "/sites/shop.example", "/sites/shop.example/"}) {
    EXPECT_EQ(routed(path), "not found") << path;
    EXPECT_EQ(routed(path, {}, true), "not found") << path << " named by the site itself";
  }
}

TEST(RoutePath, FormerUrisPointToThePresentFiles) {
  EXPECT_EQ(routed("/sites/old.example/files/a b", "/sites/old.example/files/a%20b?x=%2f"),
            "redirect /sites/shop.example/files/a%20b?x=%2f");
  EXPECT_EQ(routed("/sites/old.example/files/x", {}, true), "rewrite /sites/shop.example/files/x (static)");
  EXPECT_EQ(routed("/sites/old.example/settings.php"), "not found");
  EXPECT_EQ(routed("/sites/old.example/private/x", {}, true), "not found");
  EXPECT_EQ(routed("/sites/old.example/files/x", "/%73ites/old.example/files/x"), "not found");
}

TEST(RoutePath, PhpBelowFilesNeverRunsAndNeverShows) {
  for (const char* name : {"x.php", "x.PHP", "x.php5", "x.phps", "x.phtml", "x.PhAr", "x.pht", "x.php.jpg", "x.php/a",
                           "a/b.php/c.txt", "x.php~", "x.php.bak", ".php"}) {
    EXPECT_EQ(routed(std::string("/files/") + name), "forbidden") << name;
    EXPECT_EQ(routed(std::string("/sites/shop.example/files/") + name), "forbidden") << name;
    EXPECT_EQ(routed(std::string("/sites/shop.example/files/") + name, {}, true), "forbidden") << name;
    EXPECT_EQ(routed(std::string("/sites/shop.example/private/") + name, {}, true), "forbidden") << name;
  }
  for (const char* name : {"php", "php.txt", "x.jpg", "x.ph", "x.p", "elephant.phas", "x."}) {
    EXPECT_EQ(routed(std::string("/sites/shop.example/files/") + name), "serve (static)") << name;
  }
}

TEST(RoutePath, PrivateIsOpenToTheServerItselfOnly) {
  EXPECT_EQ(routed("/sites/shop.example/private/files/x"), "forbidden");
  EXPECT_EQ(routed("/sites/shop.example/private"), "forbidden");
  EXPECT_EQ(routed("/sites/shop.example/private/files/x", {}, true), "serve (static)");
  EXPECT_EQ(routed("/sites/shop.example/privately/x"), "serve");
}

TEST(RoutePath, WhatNobodyHasResolvedIsNotFound) {
  for (const char* path :
       {"//sites/other.example/files/x", "/./sites/other.example/files/x", "/x/../sites/other.example/x",
        "/sites/./other.example/files/x", "/sites/shop.example//private/x", "/sites/shop.example/..", "/.",
        "/sites/shop.example/files/.", "sites/other.example/files/x", ""}) {
    EXPECT_EQ(routed(path, {}, true), "not found") << path;
  }
  for (const char* path : {"/...", "/..x/y", "/.well-known/x", "/sites/shop.example/themes/.x"}) {
    EXPECT_EQ(routed(path, {}, true), "serve") << path;
  }
}

TEST(RoutePath, InstallersAreClosed) {
  for (const char* path : {"/install.php", "/install.php/x", "/core/install.php", "/core/install.php/"}) {
    EXPECT_EQ(routed(path), "forbidden") << path;
    EXPECT_EQ(routed(path, {}, true), "forbidden") << path;
  }
}

}  // namespace
}  // namespace aegir::map
