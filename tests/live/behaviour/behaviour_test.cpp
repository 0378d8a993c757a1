// The table of requests, put to every server.
#include <gtest/gtest.h>

#include "tests/live/behaviour/row.hpp"

namespace aegir::live {
namespace {

using Case = std::tuple<Kind, Row>;

class Behaviour : public ::testing::TestWithParam<Case> {};

TEST_P(Behaviour, Row) { check(World::get().front(std::get<Kind>(GetParam())), std::get<Row>(GetParam())); }

INSTANTIATE_TEST_SUITE_P(Table, Behaviour,
                         ::testing::Combine(::testing::ValuesIn(World::kinds()), ::testing::ValuesIn(table_rows())),
                         [](const ::testing::TestParamInfo<Case>& test) {
                           return to_string(std::get<Kind>(test.param)) + "_" + std::get<Row>(test.param).name;
                         });

}  // namespace

}  // namespace aegir::live
