// Makes the site map say what the registry says: the map is a redo of the registry (design: "Registry and commit").
//
// publish() looks which generation is visible, takes the change log from there, writes one small delta and switches
// CURRENT; when it returns, every request that begins sees the new state. Whatever is wrong with the map (lost, torn,
// of another registry) heals by building it anew. A delta that has grown is merged into a new base in the background,
// while publishing goes on.
//
// One Publisher a map directory; the registry's writer lock sees to that. Used from one thread, except persist().
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <optional>
#include <string>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "compiler/core/secret_box.hpp"
#include "compiler/publish/compile.hpp"
#include "compiler/publish/map_directory.hpp"
#include "compiler/registry/store.hpp"

namespace aegir::publish {

/// Sizes that decide when the map is reorganised.
struct Limits {
  std::uint64_t compact_above = 384U << 10U;  ///< bytes of a delta from which on it is merged into a new base
  std::uint64_t largest_delta = 1U << 20U;    ///< a publish that would write more builds a base
  std::uint64_t verify_up_to = 64U << 20U;    ///< bytes of a map that a publish with nothing new verifies
  std::size_t most_changes = 5000;            ///< rows of the change log; more build a base
};

/// What a publish did.
struct Report {
  enum class Wrote : std::uint8_t { kNothing, kDelta, kBase };
  Wrote wrote = Wrote::kNothing;
  std::uint64_t generation = 0;  ///< visible now
  std::uint64_t bytes = 0;       ///< written
  std::size_t touched = 0;       ///< names, platforms and settings that were looked at; 0 with kBase
  std::uint64_t sites = 0;       ///< in the file that was written
  std::uint64_t merged = 0;      ///< bytes of the base that a merge made and this publish put in place; 0: none
  bool verified = false;         ///< with kNothing: every byte of the map is as it was written
  std::string reason;            ///< why a base was built, or a delta without the one before; empty otherwise
  std::optional<Error> warning;  ///< the publish is good, but something needs a person
};

class Publisher {
 public:
  /// Directories, modes and sockets come from `config`; nothing is read or written yet. `store` must outlive it.
  Publisher(const Config& config, registry::Store& store, const KeyRing& keys, const Limits& limits = {});

  /// Makes everything visible that is committed. After an error the old state is visible and the next publish heals.
  [[nodiscard]] Result<Report> publish();
  /// What a rebuild does about a map that is there (live, or else the durable copy) and is not a state of this
  /// registry.
  enum class Past : std::uint8_t {
    kGuarded,    ///< refuses what would take its sites, or their credentials, from the web servers
    kOverruled,  ///< a person wants it so
    kNone,       ///< no web server reads this directory; nothing is looked at
  };
  /// Whether rebuild() would be refused for the map that is there. Reads only, so that a caller who writes more than
  /// the map can ask before anything is written.
  [[nodiscard]] Result<void> may_publish(Past past = Past::kGuarded) const;
  /// Builds a new base from the registry, whatever is there; what a map of another history knows better is taken over
  /// first (past.hpp, which also tells what is refused).
  [[nodiscard]] Result<Report> rebuild(std::string reason, Past past = Past::kGuarded);
  /// Begins to merge the delta into a new base in the background; publish() does so by itself when the delta has grown,
  /// and puts the base in place when it is done. kIo when there is no room for it. Nothing when there is no delta, or
  /// a merge already.
  [[nodiscard]] Result<void> begin_merge();
  /// Whether a merge is at work now.
  [[nodiscard]] bool merging() const;
  /// Merges the delta into a new base now, waits for it, and publishes it. kNothing when there is no delta.
  [[nodiscard]] Result<Report> compact();
  /// What can wait until a change is visible. Waits for a merge that publish() has begun, and publishes its base;
  /// kNothing when there was none. Removes what a publisher that is gone has left, unless that was done before, since
  /// its room was needed.
  [[nodiscard]] Result<Report> finish();

 private:
  /// A state on which a delta can be put, or why there is none.
  struct Ground {
    Snapshot state;
    std::string reason;
  };

  [[nodiscard]] Result<void> prepare(Past past = Past::kGuarded);
  /// The key that the credentials of the present map (live, or else its durable copy) are sealed with; 0: none.
  [[nodiscard]] std::uint32_t present_key() const;
  /// Refuses to seal anew what web servers open with `old_key` when the key file has lost it.
  [[nodiscard]] Result<void> hold_key(std::uint32_t old_key) const;
  /// What a person has to do since the map is sealed with another key than `old_key`.
  [[nodiscard]] Error sealed_anew(std::uint32_t old_key) const;
  [[nodiscard]] Result<Ground> ground(std::uint64_t sequence);
  /// Why no delta can be put on `state`; empty: it can.
  [[nodiscard]] Result<std::string> unfit(const map::Snapshot& state, std::uint64_t sequence);
  /// The base alone, when the delta above it is damaged and the change log tells all that it said; else null.
  [[nodiscard]] Result<Snapshot> base_alone(std::uint64_t sequence);
  [[nodiscard]] Result<Report> publish_on(const Snapshot& ground, std::uint64_t sequence);
  /// Tells the workers of the state that CURRENT names; when they can't hear of it, waits until they have looked.
  void announce();
  [[nodiscard]] Result<Report> make_visible(const Snapshot& state, Report report);
  [[nodiscard]] Result<Snapshot> take_merged();
  /// Once: removes what another publisher left, killed or at its end. Files that no readable CURRENT names, and that
  /// are not of the state before, are of use to nobody: a worker that has them open keeps them.
  [[nodiscard]] Result<void> tidy();

  Config config_;
  registry::Store& store_;
  KeyRing keys_;
  Limits limits_;
  map::Target target_;
  std::optional<Counter> counter_;
  Snapshot visible_;               ///< what CURRENT names, once it was found good
  std::set<std::string> present_;  ///< files that CURRENT names
  std::set<std::string> before_;   ///< files of the state before, kept for readers on their way
  bool untidy_ = false;            ///< files may lie there that are of no state of this publisher
  bool announced_ = false;         ///< the workers have heard of the visible state from this publisher
  bool unheard_ = false;           ///< workers that run may not hear of the next state: the counter is new
  /// A merge that is under way, or whose base waits for the next publish. Its destructor waits.
  std::future<Result<map::Written>> merge_;
};

/// At boot, before the web servers start: brings the durable copy to a live directory that has neither CURRENT nor
/// counter; the next publish() redoes the rest. A directory that has one of them is left alone, since web servers may
/// run: a copy that is behind would show them what was deleted since. An error says why there is nothing to restore
/// (kConflict: the copy is no state of this registry); publish() then builds anew.
[[nodiscard]] Result<Copied> restore(const Config& config, registry::Store& store);

/// Writes the visible state to the durable copy, synced. May run in any thread beside a Publisher; one at a time.
[[nodiscard]] Result<Copied> persist(const Config& config, Copy copy = Copy::kMissing);

}  // namespace aegir::publish
