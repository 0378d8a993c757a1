// The crash matrix: verbs × faults × points. A round breaks something at one point of one task, sees to it that aegird
// is there and whole again, and looks at the machine: it must be exactly as before the task, or as the verb makes it,
// and which of the two must be what the task's end says.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/crash/sidecar/world.hpp"

namespace aegir::sidecar {

/// A row of the matrix.
struct Row {
  std::string name;  ///< "site install"
  /// Brings the machine to where the verb starts, as quickly as it can, and says what to ask for.
  std::function<Wish()> ready;
  /// The point at which the verb's failure is arranged by spoil(); empty: it succeeds.
  std::string spoiled_at = {};
  std::function<void(const Wish&)> spoil = {};
};

/// What is broken. `begin` is called while the task stands at the point, `end` when it has ended or stands still.
struct Fault {
  std::string name;
  std::function<void(const Wish&)> begin;
  std::function<void()> end = {};
  /// How long a task is waited for that neither ends nor says that it stands still; then aegird is killed.
  std::chrono::milliseconds patience = std::chrono::minutes(2);
  bool ends_aegird = false;
  std::function<bool()> happened = {};  ///< after `end`: whether it met anything; empty: always
  std::vector<std::string> rows = {};   ///< where it makes a difference; empty: everywhere
  std::string at = {};                  ///< the step that it belongs to; empty: every one
};

enum class Outcome : std::uint8_t {
  kNotReached,  ///< the task had ended before that point, or there was nothing to break
  kSurvived,
  kFailed,  ///< a failure of the test says how
};

class Matrix {
 public:
  Matrix();

  [[nodiscard]] World& world() { return *world_; }
  /// Rows of every verb there is.
  [[nodiscard]] std::vector<Row> all_rows();
  [[nodiscard]] Row row(const std::string& name);
  /// A site that is installed beside others; none of all_rows().
  [[nodiscard]] Row another_install();
  /// kill -9 of aegird, which takes everything with it.
  [[nodiscard]] Fault aegird_killed();

  /// The points of a row when nobody disturbs it, in their order.
  [[nodiscard]] const std::vector<std::string>& points_of(const Row& row);

  /// Breaks at that point (from 1 on), and, if there are more numbers, what takes the task up at the next of them, …
  /// Several rows are asked for at once; their points are counted together. The table counts it below the first.
  Outcome round(const std::vector<Row>& rows, const Fault& fault, const std::vector<unsigned>& points);

  /// Every round so far: verb × fault × points × survived.
  [[nodiscard]] std::string table() const;

  /// A machine without what rounds have used up, when there is little left.
  void refresh();

 private:
  struct Known {
    std::vector<std::string> points;
    Picture change;  ///< what the verb does, with "@0" for its object
  };
  struct Counted {
    unsigned points = 0;
    unsigned survived = 0;
  };

  const Known& known(const Row& row);
  Outcome play(const std::vector<Row>& rows, const Fault& fault, const std::vector<unsigned>& points);
  void settle(const std::vector<Wish>& wishes, const std::atomic<bool>& hit, const Fault& fault);
  [[nodiscard]] Picture look(const std::vector<Wish>& wishes);
  [[nodiscard]] std::string new_name(const char* stem, const char* ending);
  [[nodiscard]] Wish for_site(const std::string& verb, const std::string& state);
  [[nodiscard]] std::string site_in(const std::string& state);
  [[nodiscard]] Wish for_platform(const std::string& verb, const std::string& state);
  [[nodiscard]] std::string state_of_platform();

  std::unique_ptr<World> world_;
  std::map<std::string, Known> known_;
  std::vector<std::pair<std::pair<std::string, std::string>, Counted>> table_;
  unsigned names_ = 0;
  std::map<std::string, std::string> last_name_;  ///< by stem
};

/// Whether all points are asked for (AEGIR_FULL=1).
[[nodiscard]] bool is_full();
/// Of AEGIR_SEED, else another one each time; printed once.
[[nodiscard]] std::mt19937_64& random_choice();

}  // namespace aegir::sidecar
