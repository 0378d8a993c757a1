// The whole table again, put to the static form of the same sites. Every difference stands in static_differences.cpp
// with its reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/live/behaviour/static_differences.hpp"

namespace aegir::live {
namespace {

using Case = std::tuple<Kind, Row>;

class StaticForm : public ::testing::TestWithParam<Case> {};

TEST_P(StaticForm, Row) {
  const auto& [kind, row] = GetParam();
  const Front& front = World::get().static_front(kind);
  const Expect& same = expected_of(kind, row);
  const std::optional<Difference> difference = difference_of(kind, row);
  const Expect& expect = difference ? difference->expect : same;
  if (!expect.log.empty()) front.server->expect_log(expect.log);
  const Response answer = answer_to(front, row);
  SCOPED_TRACE("request:\n" + sent_by(front, row) + "answer:\n" + answer.raw + answer.body);
  EXPECT_THAT(compare(front, answer, expect), ::testing::IsEmpty());
  if (difference && expect.log == same.log) {
    EXPECT_THAT(compare(front, answer, same), ::testing::Not(::testing::IsEmpty()))
        << "both forms give the same answer: there is no need to say that " << difference->reason;
  }
}

INSTANTIATE_TEST_SUITE_P(Table, StaticForm,
                         ::testing::Combine(::testing::ValuesIn(World::kinds()), ::testing::ValuesIn(table_rows())),
                         [](const ::testing::TestParamInfo<Case>& test) {
                           return to_string(std::get<Kind>(test.param)) + "_" + std::get<Row>(test.param).name;
                         });

TEST(StaticDifferences, EveryOneBelongsToARow) {
  const std::vector<Row> rows = table_rows();
  for (const std::string& name : names_of_differences()) {
    EXPECT_TRUE(std::ranges::any_of(rows, [&](const Row& row) { return row.name == name; })) << name;
  }
}

}  // namespace
}  // namespace aegir::live
