// Everything else that can break beside aegird breaks at each step where it can: a part of aegird, a server, a disk, a
// connection, Drush. When it is whole again, without a human, the machine is as before the verb or as the verb makes
// it.
//
// AEGIR_FULL=1 does it at every point; else each fault at some, which AEGIR_SEED repeats.
#include <algorithm>

#include "tests/crash/sidecar/faults.hpp"
#include "tests/crash/sidecar/matrix_test.hpp"

namespace aegir::sidecar {
namespace {

class FaultTest : public MatrixTest {
 protected:
  /// A fault breaks what a step does: so while the task stands before one.
  static std::vector<unsigned> points_for(const Row& row, const Fault& fault) {
    std::vector<unsigned> numbers;
    const std::vector<std::string>& points = matrix().points_of(row);
    const auto spoiled = std::ranges::find(points, row.spoiled_at);
    const auto first = spoiled == points.end() ? 0 : spoiled - points.begin() + 1;
    for (auto n = static_cast<std::size_t>(first); n < points.size(); ++n) {
      const std::string& point = points[n];
      if (!point.starts_with("after ") || point == "after end") continue;
      const bool fits = fault.at.empty() || point == "after " + fault.at || point == "after undo " + fault.at;
      if (fits) numbers.push_back(static_cast<unsigned>(n) + 1);
    }
    return numbers;
  }

  using Place = std::pair<Row, unsigned>;
  static std::vector<Place> places_in(const Row& row, const Fault& fault) {
    std::vector<Place> places;
    for (const unsigned point : points_for(row, fault)) places.emplace_back(row, point);
    return places;
  }
  static std::vector<Row> rows_for(const Fault& fault) {
    std::vector<Row> rows = matrix().all_rows();
    if (fault.rows.empty()) return rows;
    std::erase_if(rows, [&](const Row& row) { return std::ranges::find(fault.rows, row.name) == fault.rows.end(); });
    return rows;
  }
  static bool survives(const Fault& fault, const Place& place, unsigned& survived) {
    const Outcome outcome = matrix().round({place.first}, fault, {place.second});
    EXPECT_NE(outcome, Outcome::kFailed) << place.first.name << ", " << fault.name << ", " << place.second;
    if (outcome == Outcome::kSurvived) ++survived;
    return outcome != Outcome::kFailed;
  }
  template <class Each>
  static const Each& any_of(const std::vector<Each>& all) {
    return all.at(random_choice()() % all.size());
  }

  static void run_all(const std::vector<Fault>& faults, unsigned& survived) {
    for (const Fault& fault : faults) {
      for (const Row& row : rows_for(fault)) {
        for (const Place& place : places_in(row, fault)) {
          if (!survives(fault, place, survived)) return;
        }
      }
    }
  }
  static void run_some(std::vector<Fault> faults, unsigned some, unsigned& survived) {
    std::ranges::shuffle(faults, random_choice());
    const std::size_t tries = std::size_t{4} * some;
    for (std::size_t n = 0; n < tries && survived < some; ++n) {
      const Fault& fault = faults[n % faults.size()];
      if (!survives(fault, any_of(places_in(any_of(rows_for(fault)), fault)), survived)) return;
    }
  }
  /// `some` rounds, of another fault each while there are others; in the long form all there are.
  static void run(const std::vector<Fault>& faults, unsigned some) {
    unsigned survived = 0;
    if (is_full()) {
      run_all(faults, survived);
    } else {
      run_some(faults, some, survived);
    }
    EXPECT_GE(survived, some);
  }
};

TEST_F(FaultTest, APartOfAegirdIsKilled) { run(killed_parts(matrix()), 6); }
TEST_F(FaultTest, AServerIsDown) { run(servers_down(matrix()), 5); }
TEST_F(FaultTest, ADiskIsFull) { run(disks_full(matrix()), 4); }
TEST_F(FaultTest, TheDatabasesConnectionIsLost) { run(connections_lost(matrix()), 5); }
TEST_F(FaultTest, DrushMisbehaves) { run(drush_faults(matrix()), 6); }

}  // namespace
}  // namespace aegir::sidecar
