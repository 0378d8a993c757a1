// The table of requests, put to every server.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "tests/live/behaviour/row.hpp"

namespace aegir::live {
namespace {

std::unique_ptr<World> world;

/// Starts everything once, and checks the logs in the end.
class Servers : public ::testing::Environment {
 public:
  void SetUp() override { world = std::make_unique<World>(); }
  void TearDown() override {
    if (world == nullptr) return;
    world->stop();
    world.reset();
  }
};

const auto* const kServers = ::testing::AddGlobalTestEnvironment(new Servers);

std::vector<Row> table() {
  std::vector<Row> rows = host_rows();
  for (const auto part : {path_rows, state_rows, php_rows}) {
    std::vector<Row> more = part();
    std::move(more.begin(), more.end(), std::back_inserter(rows));
  }
  return rows;
}

Front& front(Kind kind) {
  for (const auto& candidate : world->fronts()) {
    if (candidate->kind == kind) return *candidate;
  }
  throw std::runtime_error(to_string(kind) + " does not run");
}

using Case = std::tuple<Kind, Row>;

class Behaviour : public ::testing::TestWithParam<Case> {};

TEST_P(Behaviour, Row) { check(front(std::get<Kind>(GetParam())), std::get<Row>(GetParam())); }

std::vector<Kind> kinds() {
  std::vector<Kind> built;
  if (*AEGIR_NGX_MODULE != '\0') built.push_back(Kind::kNginx);
  if (*AEGIR_APACHE_MODULE != '\0') built.push_back(Kind::kApache);
  return built;
}

INSTANTIATE_TEST_SUITE_P(Table, Behaviour,
                         ::testing::Combine(::testing::ValuesIn(kinds()), ::testing::ValuesIn(table())),
                         [](const ::testing::TestParamInfo<Case>& test) {
                           return to_string(std::get<Kind>(test.param)) + "_" + std::get<Row>(test.param).name;
                         });

}  // namespace

/// Names the row, instead of its bytes, when a test fails.
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

}  // namespace aegir::live
