// A machine that is broken on purpose: the lab of the sidecar with a worker that stands still at each point of its
// journals, and a look at everything that verbs can leave on it.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "tests/crash/sidecar/points.hpp"
#include "tests/crash/sidecar/small_disk.hpp"
#include "tests/root/sidecar/sidecar_lab.hpp"

namespace aegir::sidecar {

/// What there is, a line a thing: objects of the registry with their states, files, databases, accounts, pages.
using Picture = std::set<std::string>;

/// What has become of a picture: "+ line", "- line".
[[nodiscard]] Picture difference(const Picture& before, const Picture& after);

/// Which verb is asked for what.
struct Wish {
  std::string kind;
  std::string verb;
  std::string object;
  nlohmann::json request = nlohmann::json::object();
};

/// All functions throw std::runtime_error when the machine does not do what it has to.
class World {
 public:
  /// A site that nothing is done to: it answers at every look.
  static constexpr const char* kBystander = "bystander.example";

  World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] Lab& lab() { return *lab_; }
  [[nodiscard]] Points& points() { return points_; }
  /// What the sites of p1 lie on.
  [[nodiscard]] SmallDisk& sites_disk() { return *sites_disk_; }
  /// What the registry lies on.
  [[nodiscard]] SmallDisk& state_disk() { return *state_disk_; }

  /// Puts a wish into the queue.
  void put(const Wish& wish);
  /// A wish to its end, which must be a good one.
  void fulfil(const Wish& wish);
  /// The last task of an object; nothing: it has none of that verb.
  [[nodiscard]] std::optional<nlohmann::json> find_task(const Wish& wish);
  [[nodiscard]] nlohmann::json last_task(const Wish& wish);
  /// Its log as text.
  [[nodiscard]] std::string log_of(const nlohmann::json& task);
  /// Whether no task is open. False also when nobody answers.
  [[nodiscard]] bool is_idle();
  void await_idle();
  [[nodiscard]] std::string state_of_site(const std::string& uri);

  /// Everything, with the pages of the bystander and of `hosts` on both web servers.
  [[nodiscard]] Picture look(std::set<std::string> hosts);

  /// Code of another platform than p1, of which nothing is known yet.
  [[nodiscard]] std::string other_docroot() const;
  /// How many sites can still be installed, or blocks be added: each attempt takes a slot for ever, or uids.
  [[nodiscard]] unsigned slots_left() const { return slots_left_; }

 private:
  std::unique_ptr<Lab> lab_;
  Points points_;
  std::unique_ptr<SmallDisk> sites_disk_;
  std::unique_ptr<SmallDisk> state_disk_;
  unsigned slots_left_ = Lab::kSlots;
};

}  // namespace aegir::sidecar
