// Nothing that the codebase's own .htaccess files close is open with us.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/drupal/deny_table.hpp"
#include "tests/drupal/drupal_test.hpp"

namespace aegir::drupal {
namespace {

namespace fs = std::filesystem;
using live::Response;
using Class = DenyRow::Class;

// In two halves, so that neither stands in the source.
constexpr const char* kCanary = "<?php echo 'canary-', 'that-ran'; // canary-of-source\n";
constexpr const char* kRan = "canary-that-ran";
constexpr const char* kSource = "canary-of-source";

class DenyTable : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam().empty()) GTEST_SKIP() << describe_codebases();
    lab_ = &Lab::get();
    site_ = &lab_->installed(GetParam());
    const char* table = site_->codebase.cms == registry::Cms::kDrupal7    ? "drupal7"
                        : site_->codebase.cms == registry::Cms::kBackdrop ? "backdrop"
                                                                          : "drupal8";
    file_ = std::string(AEGIR_SOURCE_DIR "/tests/drupal/deny_") + table + ".txt";
    rows_ = read_deny_table(file_, site_->uri);
    for (const DenyRow& row : rows_) {
      if (row.plant) plant(row.target);
    }
  }

  /// The other tests need a site without canaries.
  void TearDown() override {
    for (const std::string& path : planted_) fs::remove(path);
  }

  /// Puts the canary at the place that a target names. Below files/ and private/ it is the site's own, as an upload is.
  void plant(const std::string& target) {
    const std::string path = site_->codebase.docroot + decoded(target);
    if (fs::exists(path)) return;
    planted_.push_back(path);
    uid_t owner = 0;
    for (fs::path folder = fs::path(path).parent_path();; folder = folder.parent_path()) {
      struct stat status{};
      if (::stat(folder.c_str(), &status) != 0) continue;
      owner = status.st_uid;
      break;
    }
    std::vector<fs::path> made;
    for (fs::path folder = fs::path(path).parent_path(); !fs::exists(folder); folder = folder.parent_path()) {
      made.push_back(folder);
    }
    put_as(owner, path, kCanary, 0644);
    for (const fs::path& folder : made) {
      if (::chown(folder.c_str(), owner, owner) != 0)
        throw std::runtime_error(folder.string() + ": can't be given away");
    }
  }

  static std::string decoded(const std::string& target) {
    std::string path;
    for (std::size_t i = 0; i < target.size() && target[i] != '?'; ++i) {
      if (target[i] != '%') {
        path += target[i];
        continue;
      }
      path += static_cast<char>(std::stoi(target.substr(i + 1, 2), nullptr, 16));
      i += 2;
    }
    return path;
  }

  [[nodiscard]] Response ask(Lab::Server server, const DenyRow& row) const {
    return live::ask(lab_->endpoint(server), live::get(lab_->authority(server, site_->uri), row.target));
  }

  Lab* lab_ = nullptr;
  const Site* site_ = nullptr;
  std::string file_;
  std::vector<DenyRow> rows_;
  std::vector<std::string> planted_;
};

bool refused(const Response& response) { return response.status >= 400 && response.status < 500; }
bool betrays(const Response& response) { return response.body.contains(kRan) || response.body.contains(kSource); }

/// Without scheme and authority, which differ from server to server.
std::string path_of(const Response& response) {
  const std::string location(response.value("Location"));
  const std::size_t scheme = location.find("://");
  return scheme == std::string::npos ? location
                                     : location.substr(std::min(location.size(), location.find('/', scheme + 3)));
}

/// What is wrong with an answer of ours, beside the stock server's; empty: nothing.
std::string fault(const DenyRow& row, const Response& stock, const Response& ours) {
  switch (row.expected) {
    case Class::kPage:
      return ours.status == 200 ? "" : "is not 200";
    case Class::kOpen:
      return ours.status == 200 && ours.body == stock.body ? "" : "is not the file";
    case Class::kClosed:
    case Class::kStricter:
      if (betrays(ours)) return ours.body.contains(kRan) ? "RUNS IT" : "SHOWS ITS SOURCE";
      return refused(ours) ? "" : "is looser";
    case Class::kMay:
      return refused(ours) || (ours.status == stock.status && ours.body == stock.body) ? "" : "is something else";
    case Class::kSame:
      return refused(ours) || (ours.status == stock.status && path_of(ours) == path_of(stock)) ? "" : "is not the same";
  }
  return "";
}

/// Whether both forms give one answer. What PHP writes into a page differs from request to request.
bool is_same(const DenyRow& row, const Response& module, const Response& static_form) {
  return module.status == static_form.status && path_of(module) == path_of(static_form) &&
         (row.expected == Class::kPage || module.status != 200 || module.body == static_form.body);
}

/// What the stock server says against a row's class; empty: nothing.
std::string objection(const DenyRow& row, const Response& stock) {
  switch (row.expected) {
    case Class::kPage:
    case Class::kOpen:
      return stock.status == 200 ? "" : "the stock server does not answer 200";
    case Class::kClosed:
      return refused(stock) ? "" : "the stock server does not refuse it";
    case Class::kStricter:
    case Class::kMay:
      return refused(stock) ? "the stock server refuses it too" : "";
    case Class::kSame:
      return "";
  }
  return "";
}

TEST_P(DenyTable, SameOrStricterThanAStockApache) {
  EXPECT_GE(rows_.size(), 100U);
  for (const DenyRow& row : rows_) {
    const Response stock = ask(Lab::Server::kStock, row);
    std::string wrong = objection(row, stock);
    std::string line = "stock " + std::to_string(stock.status);
    for (const auto& [module, static_form] : {std::pair{Lab::Server::kApache, Lab::Server::kStaticApache},
                                              std::pair{Lab::Server::kNginx, Lab::Server::kStaticNginx}}) {
      const Response ours = ask(module, row);
      const Response other = ask(static_form, row);
      for (const auto& [server, answer] : {std::pair{module, &ours}, std::pair{static_form, &other}}) {
        line += ", " + name_of(server) + " " + std::to_string(answer->status);
        const std::string problem = fault(row, stock, *answer);
        if (!problem.empty()) wrong += (wrong.empty() ? "" : "; ") + name_of(server) + " " + problem;
      }
      if (!is_same(row, ours, other)) wrong += (wrong.empty() ? "" : "; ") + name_of(static_form) + " differs";
    }
    if (!wrong.empty()) {
      ADD_FAILURE() << fs::path(file_).filename().string() << ":" << row.line << ": " << row.target << ": " << line
                    << ": " << wrong;
    }
  }
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const Codebase& codebase : codebases()) all.push_back(codebase.name);
  if (all.empty()) all.emplace_back();
  return all;
}

std::string codebase_name(const testing::TestParamInfo<std::string>& info) { return test_name(info.param); }

INSTANTIATE_TEST_SUITE_P(Codebases, DenyTable, testing::ValuesIn(names()), codebase_name);

}  // namespace
}  // namespace aegir::drupal
