// The table of requests, put to every server.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "tests/live/behaviour/row.hpp"

namespace aegir::live {
namespace {

std::vector<Row> table() {
  std::vector<Row> rows = host_rows();
  for (const auto part : {path_rows, state_rows, php_rows}) {
    std::vector<Row> more = part();
    std::move(more.begin(), more.end(), std::back_inserter(rows));
  }
  return rows;
}

using Case = std::tuple<Kind, Row>;

class Behaviour : public ::testing::TestWithParam<Case> {};

TEST_P(Behaviour, Row) { check(World::get().front(std::get<Kind>(GetParam())), std::get<Row>(GetParam())); }

INSTANTIATE_TEST_SUITE_P(Table, Behaviour,
                         ::testing::Combine(::testing::ValuesIn(World::kinds()), ::testing::ValuesIn(table())),
                         [](const ::testing::TestParamInfo<Case>& test) {
                           return to_string(std::get<Kind>(test.param)) + "_" + std::get<Row>(test.param).name;
                         });

}  // namespace

/// Names the row, instead of its bytes, when a test fails.
std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }

}  // namespace aegir::live
