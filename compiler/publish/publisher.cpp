#include "compiler/publish/publisher.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "compiler/map/merge.hpp"
#include "compiler/publish/delta.hpp"
#include "compiler/publish/past.hpp"

namespace aegir::publish {
namespace {

constexpr std::uint64_t kSpareSpace = 2U << 20U;  // for the delta of a publish, and those written beside a merge
constexpr std::chrono::milliseconds kLook(1001);  // within which every worker has looked at CURRENT and counter
constexpr mode_t kDurableMode = 0600;
constexpr mode_t kDurableDirectoryMode = 0700;

map::Target live(const Config& config) { return {config.map_dir, false, 0640}; }

void remove(const std::string& directory, const std::string& name) {
  (void)::unlink((directory + "/" + name).c_str());  // the next sweep finds what stays
}

/// Bytes that can be written into a directory.
Result<std::uint64_t> free_space(const std::string& directory) {
  struct statvfs space{};
  if (::statvfs(directory.c_str(), &space) != 0) {
    return fail_errno("the space of the map's directory can't be read", directory, errno);
  }
  return static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
}

/// Whether workers may have a state. CURRENT may have been removed under them; the durable copy then tells.
bool was_published(const Config& config) {
  const auto has_state = [](const std::string& directory) {
    const Result<map::Current> current = map::read_current(directory);
    return current || current.error().code != Code::kNotFound;
  };
  return has_state(config.map_dir) || has_state(config.map_durable);
}

/// Whether nothing was published in this directory: it is as after a boot.
bool is_untouched(const std::string& directory) {
  struct stat status{};
  return ::lstat((directory + "/CURRENT").c_str(), &status) != 0 && errno == ENOENT &&
         ::lstat((directory + "/counter").c_str(), &status) != 0 && errno == ENOENT;
}

}  // namespace

Publisher::Publisher(const Config& config, registry::Store& store, const KeyRing& keys, const Limits& limits)
    : config_(config), store_(store), keys_(keys), limits_(limits), target_(live(config)) {}

Result<void> Publisher::prepare(Past past) {
  if (counter_ && counter_->in_place()) return {};
  struct stat status{};
  if (::stat(target_.directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    return fail_at(target_.directory, Code::kNotFound, "the map's directory is not there",
                   "mount the map's file system, or make the directory; map_dir in the configuration names it");
  }
  Result<Counter> counter = Counter::open(target_.directory);
  if (!counter) return pass(counter);
  const bool first = !counter_;
  unheard_ = past != Past::kNone && (!first || (counter->untold() && was_published(config_)));
  counter_.reset();
  counter_.emplace(std::move(*counter));
  announced_ = false;
  if (!first) return {};
  const Result<map::Current> current = map::read_current(target_.directory);
  if (current) {
    present_ = {current->base};
    if (!current->delta.empty()) present_.insert(current->delta);
  }
  untidy_ = current || heals(current.error());
  // To unlink an old base takes longer than to publish, so it waits until the change is visible, if there is room.
  const Result<std::uint64_t> free = free_space(target_.directory);
  return free && *free >= kSpareSpace ? Result<void>() : tidy();
}

Result<void> Publisher::tidy() {
  if (!std::exchange(untidy_, false)) return {};
  std::set<std::string> keep = present_;
  keep.insert(before_.begin(), before_.end());
  return sweep(target_.directory, keep);
}

std::uint32_t Publisher::present_key() const {
  for (const std::string& directory : {config_.map_dir, config_.map_durable}) {
    if (const Result<Snapshot> state = map::open_published(directory, nullptr)) {
      return (*state)->base().header().key_id;
    }
  }
  return 0;
}

Result<Publisher::Ground> Publisher::ground(std::uint64_t sequence) {
  Result<Snapshot> state = map::open_published(target_.directory, visible_);
  if (!state) {
    if (!heals(state.error())) return pass(state);
    Result<Snapshot> base = base_alone(sequence);
    if (!base) return pass(base);
    return Ground{*std::move(base), state.error().message};
  }
  Result<std::string> reason = unfit(**state, sequence);
  if (!reason) return pass(reason);
  if (!reason->empty()) return Ground{nullptr, *std::move(reason)};
  visible_ = *std::move(state);
  return Ground{visible_, {}};
}

Result<std::string> Publisher::unfit(const map::Snapshot& state, std::uint64_t sequence) {
  const map::Header& base = state.base().header();
  if (base.registry_id != store_.registry_id()) return "the map belongs to another registry";
  if (base.key_id != keys_.current_id()) return "the map key is another one now";
  if (state.generation() > sequence) {
    return "the map has generation " + std::to_string(state.generation()) +
           ", which the registry has not reached (it was restored from a backup)";
  }
  const Result<bool> known = knows(store_, state);
  if (!known) return std::unexpected(known.error());
  if (!*known) {
    return "the registry does not know the map's generation " + std::to_string(state.generation()) +
           " (it was restored from a backup, and has changed since)";
  }
  Result<std::uint64_t> log_start = store_.log_start();
  if (!log_start) return pass(log_start);
  return state.generation() < *log_start ? "the change log begins after the map's generation" : "";
}

Result<Snapshot> Publisher::base_alone(std::uint64_t sequence) {
  const Result<map::Current> current = map::read_current(target_.directory);
  if (!current || current->delta.empty() || current->generation > sequence) return nullptr;
  auto file = map::MapFile::open(target_.directory + "/" + current->base);
  if (!file || map::file_name((*file)->header()) != current->base) return nullptr;
  Result<Snapshot> base = map::Snapshot::make(*std::move(file), nullptr);
  if (!base) return nullptr;
  const Result<std::string> reason = unfit(**base, sequence);
  if (!reason) return std::unexpected(reason.error());
  if (!reason->empty()) return nullptr;
  // A damaged delta can't tell whether it was of another history; a rebuild compares with the copy that can.
  if (const Result<Snapshot> durable = map::open_published(config_.map_durable, nullptr); durable) {
    const Result<bool> known = knows(store_, **durable);
    if (!known) return std::unexpected(known.error());
    if (!*known) return nullptr;
  }
  return base;
}

Result<Report> Publisher::publish() {
  if (Result<void> prepared = prepare(); !prepared) return pass(prepared);
  Result<std::uint64_t> sequence = store_.sequence();
  if (!sequence) return pass(sequence);
  Result<Ground> ground = this->ground(*sequence);
  if (!ground) return pass(ground);
  if (!ground->state) return rebuild(std::move(ground->reason));
  const std::string damage = std::move(ground->reason);

  const bool merged = merge_.valid() && !merging();
  std::optional<Error> warning;
  if (merged) {
    Result<Snapshot> base = take_merged();
    if (base) {
      ground->state = *std::move(base);
    } else if (heals(base.error())) {
      return rebuild(base.error().message);
    } else {
      warning = std::move(base.error());
    }
  }
  Result<Report> report = publish_on(ground->state, *sequence);
  if (report && report->reason.empty()) report->reason = damage;
  if (report && warning) {
    report->warning = std::move(warning);
  } else if (report && merged) {
    report->merged = visible_->base().bytes().size();
  }
  return report;
}

Result<Snapshot> Publisher::take_merged() {
  Result<map::Written> written = merge_.get();
  if (!written) return pass(written);
  auto base = map::MapFile::open(target_.directory + "/" + written->name);
  if (!base) return pass(base);
  return map::Snapshot::make(*std::move(base), nullptr);
}

Result<Report> Publisher::publish_on(const Snapshot& ground, std::uint64_t sequence) {
  if (ground == visible_ && ground->generation() == sequence) {
    Report nothing;
    nothing.generation = sequence;
    if (announced_) return nothing;
    const map::MapFile* const delta = ground->delta();
    const std::uint64_t bytes = ground->base().bytes().size() + (delta != nullptr ? delta->bytes().size() : 0);
    nothing.verified = bytes <= limits_.verify_up_to;
    if (nothing.verified) {
      Result<void> good = verify_digests(*ground, target_.directory);
      if (!good) return rebuild(std::move(good.error().message));
    }
    announce();  // a publisher that was killed may have switched CURRENT without a word to the workers
    return nothing;
  }
  Result<std::vector<registry::Change>> changes = store_.changes(ground->generation(), limits_.most_changes + 1);
  if (!changes) return pass(changes);
  if (changes->size() > limits_.most_changes) {
    return rebuild("more than " + std::to_string(limits_.most_changes) + " changes at once");
  }
  if (changes->empty()) return make_visible(ground, {});  // a merged base that holds everything

  Result<Compiler> compiler = Compiler::load(store_, config_, keys_);
  if (!compiler) return pass(compiler);
  Delta delta(store_, *compiler);
  if (ground->delta() != nullptr) {
    if (Result<void> taken = delta.take(*ground->delta()); !taken) {
      Result<Snapshot> base = base_alone(sequence);
      if (!base) return pass(base);
      if (!*base) return rebuild(taken.error().message);
      Result<Report> report = publish_on(*base, sequence);
      if (report && report->reason.empty()) report->reason = std::move(taken.error().message);
      return report;
    }
  }
  if (Result<void> applied = delta.apply(*changes); !applied) return pass(applied);
  Result<map::Written> written = delta.write(target_, ground->base().header(), sequence);
  if (!written) return pass(written);
  if (written->header.file_size > limits_.largest_delta) {
    remove(target_.directory, written->name);
    if (!merge_.valid()) return rebuild("the delta would have " + std::to_string(written->header.file_size) + " bytes");
    merge_.wait();
    return publish();
  }
  Report report;
  report.wrote = Report::Wrote::kDelta;
  report.bytes = written->header.file_size;
  report.sites = written->header.site_count;
  report.touched = delta.touched();
  Result<std::shared_ptr<const map::MapFile>> file = map::MapFile::open(target_.directory + "/" + written->name);
  if (!file) return pass(file);
  Result<Snapshot> state = map::Snapshot::make(ground->shared_base(), *std::move(file));
  if (!state) return pass(state);
  Result<Report> done = make_visible(*state, std::move(report));
  if (done && done->bytes > limits_.compact_above) {
    if (Result<void> begun = begin_merge(); !begun) done->warning = std::move(begun.error());
  }
  return done;
}

void Publisher::announce() {
  // The wait comes first: a publisher that is killed in it leaves a counter that still says that it is new.
  if (std::exchange(unheard_, false)) std::this_thread::sleep_for(kLook);
  counter_->increase();
  announced_ = true;
}

Result<Report> Publisher::make_visible(const Snapshot& state, Report report) {
  std::set<std::string> now = files_of(*state);
  if (Result<void> switched = switch_current(target_, *state); !switched) {
    for (const std::string& name : now) {
      if (!present_.contains(name)) remove(target_.directory, name);
    }
    return pass(switched);
  }
  announce();
  for (const std::string& name : before_) {
    if (!now.contains(name) && !present_.contains(name)) remove(target_.directory, name);
  }
  before_ = std::exchange(present_, std::move(now));
  visible_ = state;
  report.generation = state->generation();
  return report;
}

Result<void> Publisher::may_publish(Past past) const {
  if (past != Past::kGuarded) return {};
  if (Result<void> held = hold_key(present_key()); !held) return held;
  return may_rebuild(store_, config_);
}

Result<void> Publisher::hold_key(std::uint32_t old_key) const {
  if (old_key == 0 || keys_.holds(old_key)) return {};
  Error error{Code::kConflict,
              "the credentials of the map are sealed with key " + std::to_string(old_key) + ", and this file has " +
                  keys_.names() + ": sealed anew, no web server that runs could open them",
              {config_.map_key, 0, 0},
              "put the key back from its backup; only when there is none `aegirc publish --rebuild`, and then at once "
              "reload the web servers"};
  if (!keys_.empty()) return std::unexpected(std::move(error));
  error.code = Code::kNotFound;
  error.message = "there is no map key, and the credentials of the map are sealed with key " + std::to_string(old_key);
  error.hint =
      "put it back from its backup; only when there is none `aegirc keygen map`, `aegirc publish --rebuild`, and then "
      "at once reload the web servers";
  return std::unexpected(std::move(error));
}

Error Publisher::sealed_anew(std::uint32_t old_key) const {
  const std::string now = std::to_string(keys_.current_id());
  if (!keys_.holds(old_key)) {
    return {Code::kConflict,
            "the credentials are sealed with key " + now + " now, and no web server that runs has it",
            {config_.map_key, 0, 0},
            "reload the web servers now: until then PHP requests answer 500"};
  }
  return {Code::kConflict,
          "the credentials are sealed with key " + now + " now instead of key " + std::to_string(old_key),
          {config_.map_key, 0, 0},
          "reload the web servers now unless they were reloaded since the key is in this file: until then PHP requests "
          "answer 500"};
}

Result<Report> Publisher::rebuild(std::string reason, Past past) {
  if (Result<void> prepared = prepare(past); !prepared) return pass(prepared);
  if (Result<void> tidied = tidy(); !tidied) return pass(tidied);
  if (merge_.valid()) {  // what it makes is older than what this makes
    if (const Result<map::Written> merged = merge_.get()) remove(target_.directory, merged->name);
  }
  const std::uint32_t old_key = past == Past::kNone ? 0 : present_key();
  if (past == Past::kGuarded) {
    if (Result<void> held = hold_key(old_key); !held) return pass(held);
  }
  if (past != Past::kNone) {
    if (Result<void> taken = take_over(store_, config_, past == Past::kOverruled); !taken) return pass(taken);
  }
  Result<map::Written> written = full_compile(store_, config_, keys_, target_);
  if (!written) return pass(written);
  Result<std::shared_ptr<const map::MapFile>> file = map::MapFile::open(target_.directory + "/" + written->name);
  if (!file) return pass(file);
  Result<Snapshot> state = map::Snapshot::make(*std::move(file), nullptr);
  if (!state) return pass(state);
  Report report;
  report.wrote = Report::Wrote::kBase;
  report.bytes = written->header.file_size;
  report.sites = written->header.site_count;
  report.reason = std::move(reason);
  Result<Report> done = make_visible(*state, std::move(report));
  if (!done) return done;
  untidy_ = true;  // a CURRENT that was of a newer format did not tell what was of use
  if (Result<void> tidied = tidy(); !tidied) done->warning = std::move(tidied.error());
  if (old_key != 0 && old_key != keys_.current_id()) done->warning = sealed_anew(old_key);
  return done;
}

bool Publisher::merging() const {
  return merge_.valid() && merge_.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
}

Result<void> Publisher::begin_merge() {
  if (merge_.valid() || !visible_ || visible_->delta() == nullptr) return {};
  if (Result<void> tidied = tidy(); !tidied) return tidied;
  const std::uint64_t needed = visible_->base().bytes().size() + visible_->delta()->bytes().size() + kSpareSpace;
  const Result<std::uint64_t> free = free_space(target_.directory);
  if (!free) return std::unexpected(free.error());
  if (*free < needed) {
    return fail_at(target_.directory, Code::kIo,
                   "the changes can't be merged into a new base: " + std::to_string(*free >> 20U) + " MiB are free, " +
                       std::to_string((needed >> 20U) + 1) + " MiB are needed",
                   "enlarge this file system (a tmpfs: mount -o remount,size=…), then run `aegirc map compact`");
  }
  const Snapshot from = visible_;
  merge_ = std::async(std::launch::async, [from, target = target_] { return map::merge(target, *from); });
  return {};
}

Result<Report> Publisher::compact() {
  if (merge_.valid()) merge_.wait();  // it began from an older state: what it makes is no base of this one
  Result<Report> published = publish();
  if (!published) return published;
  if (Result<void> begun = begin_merge(); !begun) return pass(begun);
  return merge_.valid() ? finish() : published;
}

Result<Report> Publisher::finish() {
  if (!merge_.valid()) {
    Report nothing;
    if (visible_) nothing.generation = visible_->generation();
    if (Result<void> tidied = tidy(); !tidied) nothing.warning = std::move(tidied.error());
    return nothing;
  }
  merge_.wait();
  return publish();
}

Result<Copied> restore(const Config& config, registry::Store& store) {
  if (!is_untouched(config.map_dir)) return Copied();
  const Result<Snapshot> durable = map::open_published(config.map_durable, nullptr);
  if (!durable) return std::unexpected(durable.error());
  const Result<bool> known = knows(store, **durable);
  if (!known) return std::unexpected(known.error());
  if (!*known) {
    return fail_at(config.map_durable, Code::kConflict,
                   "it is of another registry, or of this one before it was restored from a backup");
  }
  return copy_state(config.map_durable, live(config), Copy::kAll);
}

Result<Copied> persist(const Config& config, Copy copy) {
  if (::mkdir(config.map_durable.c_str(), kDurableDirectoryMode) != 0 && errno != EEXIST) {
    return fail_errno("the directory of the durable map can't be made", config.map_durable, errno);
  }
  return copy_state(config.map_dir, {config.map_durable, true, kDurableMode}, copy);
}

}  // namespace aegir::publish
