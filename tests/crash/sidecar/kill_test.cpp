// aegird is killed with all its children before and after each write of the journal of every verb, also of one that
// fails and is being undone, and what takes the task up is killed too. After the next start, without a human, the
// machine is as before the verb or as the verb makes it.
//
// AEGIR_FULL=1 kills what follows at all its points; else at some, which AEGIR_SEED repeats.
#include <algorithm>
#include <numeric>

#include "tests/crash/sidecar/matrix_test.hpp"

namespace aegir::sidecar {
namespace {

class KillTest : public MatrixTest {
 protected:
  /// The first point that belongs to the row: what fails succeeds when it begins anew before that.
  static unsigned first_point(const Row& row) {
    const std::vector<std::string>& points = matrix().points_of(row);
    const auto spoiled = std::ranges::find(points, row.spoiled_at);
    return spoiled == points.end() ? 1 : static_cast<unsigned>(spoiled - points.begin()) + 2;
  }
};

TEST_F(KillTest, EveryPointOfEveryVerb) {
  for (const Row& row : matrix().all_rows()) {
    const auto last = static_cast<unsigned>(matrix().points_of(row).size());
    ASSERT_GE(last, 4U) << row.name;
    for (unsigned point = first_point(row); point <= last; ++point) {
      ASSERT_EQ(matrix().round({row}, matrix().aegird_killed(), {point}), Outcome::kSurvived)
          << row.name << ' ' << point;
    }
  }
}

/// What takes a task up has as many points as there are to undo, or are left to do.
TEST_F(KillTest, WhoFollowsIsKilledToo) {
  Fault again = matrix().aegird_killed();
  again.name = "killed, and what follows too";
  const auto last = [](const Row& row) { return static_cast<unsigned>(matrix().points_of(row).size()); };
  const std::vector<Row> rows = matrix().all_rows();
  unsigned survived = 0;
  if (is_full()) {
    for (const Row& row : rows) {
      for (unsigned first = first_point(row); first <= last(row); ++first) {
        for (unsigned second = 1;; ++second) {
          const Outcome outcome = matrix().round({row}, again, {first, second});
          ASSERT_NE(outcome, Outcome::kFailed) << row.name << ' ' << first << ' ' << second;
          if (outcome == Outcome::kNotReached) break;
          ++survived;
        }
      }
    }
  } else {
    constexpr unsigned kSome = 10;
    constexpr unsigned kTries = 30;
    for (unsigned n = 0; n < kTries && survived < kSome; ++n) {
      const Row& row = rows.at(random_choice()() % rows.size());
      const unsigned begin = first_point(row);
      const auto first = static_cast<unsigned>(begin + random_choice()() % (last(row) - begin + 1));
      const auto second = static_cast<unsigned>(1 + random_choice()() % last(row));
      const Outcome outcome = matrix().round({row}, again, {first, second});
      ASSERT_NE(outcome, Outcome::kFailed) << row.name << ' ' << first << ' ' << second;
      if (outcome == Outcome::kSurvived) ++survived;
    }
  }
  EXPECT_GE(survived, 3U);
}

TEST_F(KillTest, TasksThatWereAtWorkTogether) {
  Fault amid = matrix().aegird_killed();
  amid.name = "killed, two others at work";
  const std::vector<Row> rows = {matrix().row("site install"), matrix().another_install(),
                                 matrix().row("platform verify")};
  unsigned all = 0;
  for (const Row& row : rows) all += static_cast<unsigned>(matrix().points_of(row).size());
  std::vector<unsigned> points(all);
  std::iota(points.begin(), points.end(), 1U);
  constexpr std::size_t kSome = 6;
  if (!is_full()) {
    std::ranges::shuffle(points, random_choice());
    points.resize(kSome);
  }
  for (const unsigned point : points) {
    ASSERT_NE(matrix().round(rows, amid, {point}), Outcome::kFailed) << point;
  }
}

}  // namespace
}  // namespace aegir::sidecar
