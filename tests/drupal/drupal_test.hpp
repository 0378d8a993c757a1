// Tests over codebases and servers. Where no codebase is found, one instance named "none" says so and is skipped.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/drupal/browser.hpp"
#include "tests/drupal/lab.hpp"

namespace aegir::drupal {

/// A codebase by name (empty: there is none), and one of our servers.
struct Case {
  std::string codebase;
  Lab::Server server = Lab::Server::kApache;
};

[[nodiscard]] inline std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Codebase& codebase : codebases()) {
    all.push_back({codebase.name, Lab::Server::kApache});
    all.push_back({codebase.name, Lab::Server::kNginx});
  }
  if (all.empty()) all.emplace_back();
  return all;
}

[[nodiscard]] inline std::string name_of(Lab::Server server) {
  constexpr std::array kNames = {"apache", "nginx", "stock", "static apache", "static nginx"};
  return kNames.at(static_cast<std::size_t>(server));
}

/// A name with letters and digits alone, as GoogleTest wants it.
[[nodiscard]] inline std::string test_name(std::string codebase) {
  std::erase_if(codebase, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
  return codebase.empty() ? "none" : codebase;
}

[[nodiscard]] inline std::string case_name(const testing::TestParamInfo<Case>& info) {
  const std::string name = test_name(info.param.codebase);
  return info.param.codebase.empty() ? name : name + "_" + name_of(info.param.server);
}

/// One site under one server.
class DrupalSite : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (GetParam().codebase.empty()) GTEST_SKIP() << describe_codebases();
    lab_ = &Lab::get();
    site_ = &lab_->installed(GetParam().codebase);
  }
  [[nodiscard]] Lab& lab() const { return *lab_; }
  [[nodiscard]] const Site& site() const { return *site_; }
  [[nodiscard]] Lab::Server server() const { return GetParam().server; }
  [[nodiscard]] registry::Cms cms() const { return site_->codebase.cms; }
  /// A visitor of the site, under its own name or another, through our server or another.
  [[nodiscard]] Browser visitor(const std::string& host = {}) const { return visitor(host, server()); }
  [[nodiscard]] Browser visitor(const std::string& host, Lab::Server server) const {
    return {lab_->endpoint(server), lab_->authority(server, host.empty() ? site_->uri : host)};
  }
  /// The path of a new one-time login link for the administrator.
  [[nodiscard]] std::string login_link(Lab::Server server) const;
  /// A visitor who is logged in as the administrator.
  [[nodiscard]] Browser administrator() const { return administrator(server()); }
  [[nodiscard]] Browser administrator(Lab::Server server) const;

 private:
  Lab* lab_ = nullptr;
  const Site* site_ = nullptr;
};

}  // namespace aegir::drupal
