// reconcile: the verb, what became of each difference, and the registry held against itself.
#include "sidecar/verbs/reconcile.hpp"

#include <algorithm>
#include <array>

#include "compiler/core/utf8.hpp"
#include "sidecar/verbs/verbs.hpp"

namespace aegir::verbs {
namespace {

using registry::LogLevel;
using registry::SiteState;
using tasks::Work;

/// More rows of one sort are counted, and stand in the log alone.
constexpr std::size_t kMostRows = 1000;

/// Of the registry as a whole: map, web servers and databases are one each for all that it holds, and a thing that is
/// nobody's is no server's or site's either.
class Reconcile final : public tasks::Verb {
 public:
  explicit Reconcile(Services& services) : services_(services) {}

  [[nodiscard]] std::string name() const override { return "reconcile"; }
  [[nodiscard]] registry::ObjectKind kind() const override { return registry::ObjectKind::kRegistry; }
  /// One at a time. The objects are borrowed one after the other (reconcile.hpp).
  [[nodiscard]] Result<tasks::Locks> locks(const registry::NewTask&, registry::Store&) const override {
    return tasks::Locks{{tasks::object_name(kind(), {}), tasks::Hold::kAlone}};
  }
  [[nodiscard]] Result<void> check(const registry::NewTask& task, registry::Store&) const override {
    const Result<bool> read = mends(task);
    return read ? Result<void>() : std::unexpected<Error>(read.error());
  }

  /// Each step may be repeated, and nothing is to be taken back: one that was interrupted is asked for again.
  [[nodiscard]] tasks::Saga saga(const registry::Task& task) const override {
    const auto all = std::make_shared<Reconciliation>(services_, mends(task).value_or(false));
    const auto part = [&](std::string name, Result<void> (Reconciliation::*work)(Work&)) -> tasks::Step {
      return {std::move(name), [all, work](Work& task_work) { return ((*all).*work)(task_work); }};
    };
    tasks::Saga saga;
    saga.before = {part("look", &Reconciliation::look),   part("registry", &Reconciliation::contradictions),
                   part("slots", &Reconciliation::slots), part("web servers", &Reconciliation::servers),
                   part("sites", &Reconciliation::sites), part("databases", &Reconciliation::databases),
                   part("map", &Reconciliation::site_map)};
    saga.commit = {"record", [](Work&, registry::Store&, registry::Writer&) -> Result<void> { return {}; }};
    return saga;
  }

 private:
  static Result<bool> mends(const registry::NewTask& task) {
    std::string mode = "mend";
    Result<void> read = read_request(task.request, [&](registry::ObjectReader& in) { (void)in.read("mode", mode); });
    if (!read) return pass(read);
    if (mode == "mend" || mode == "look") return mode == "mend";
    return fail(Code::kInvalid, "mode " + printable(mode) + " is none of mend, look");
  }

  Services& services_;
};

}  // namespace

void Differences::add(Work& work, const std::string& about, const std::string& what, Fate fate,
                      const std::string& next) {
  static constexpr std::array kWords = {"mended", "to be mended", "left to a person"};
  const char* const word = kWords[static_cast<std::size_t>(fate)];
  ++(fate == Fate::kMended ? mended_ : fate == Fate::kToMend ? to_mend_ : left_);
  std::string line = about + ": " + what + " (" + word + ")";
  if (!next.empty()) line += "\nnext: " + next;
  work.log(LogLevel::kWarning, line);
  if (rows_.size() >= kMostRows) return;
  nlohmann::json row = {{"about", about}, {"what", work.masked(what)}, {"fate", word}, {"next", nullptr}};
  if (!next.empty()) row["next"] = work.masked(next);
  rows_.push_back(std::move(row));
}

void Differences::mend(Work& work, const std::string& about, const std::string& what,
                       const std::function<Result<void>()>& mend) {
  if (!mends_) return add(work, about, what, Fate::kToMend, {});
  const Result<void> done = mend();
  if (done) return add(work, about, what, Fate::kMended, {});
  add(work, about, what + "; it can't be mended: " + done.error().message, Fate::kLeft, done.error().hint);
}

void Differences::mend(Work& work, const std::string& about, const wire::Compared& found,
                       const std::function<Result<void>()>& mend, const std::function<Result<wire::Compared>()>& look) {
  if (!mends_ || found.lines.empty()) {
    for (const std::string& line : found.lines) add(work, about, line, Fate::kToMend, {});
    for (const Error& error : found.errors) leave(work, about, error);
    return;
  }
  const Result<void> done = mend();
  const Result<wire::Compared> after = look();
  const std::vector<std::string>& still = after ? after->lines : found.lines;
  for (const std::string& line : found.lines) {
    if (std::ranges::find(still, line) == still.end()) {
      add(work, about, line, Fate::kMended, {});
    } else if (done) {
      add(work, about, line, Fate::kLeft, "see the log of this task");
    } else {
      add(work, about, line + "; it can't be mended: " + done.error().message, Fate::kLeft, done.error().hint);
    }
  }
  // What was in the way may be gone now.
  for (const Error& error : after ? after->errors : std::vector{after.error()}) leave(work, about, error);
}

void Differences::leave(Work& work, const std::string& about, const std::string& what, const std::string& next) {
  add(work, about, what, Fate::kLeft, next);
}

void Differences::leave(Work& work, const std::string& about, const Error& error) {
  Error plain = error;
  plain.hint.clear();
  add(work, about, describe(plain), Fate::kLeft, error.hint);
}

void Differences::mention(Work& work, const std::string& what, const std::string& next) {
  work.log(LogLevel::kInfo, what + "\nnext: " + next);
  if (others_.size() < kMostRows) others_.push_back({{"what", work.masked(what)}, {"next", work.masked(next)}});
}

void Differences::tell(Work& work) const {
  const std::size_t found = mended_ + to_mend_ + left_;
  work.result() = {{"found", found}, {"mended", mended_},    {"to_be_mended", to_mend_},
                   {"left", left_},  {"differences", rows_}, {"others", others_}};
  if (to_mend_ != 0) {
    work.warn({Code::kConflict,
               std::to_string(found) + " differences were found, and nothing was changed",
               {},
               "mend them with `aegir reconcile`"});
  } else if (left_ != 0) {
    work.warn({Code::kConflict,
               std::to_string(left_) + " differences are left to a person",
               {},
               "the log of this task says what can be done about each"});
  }
}

tasks::Locks Reconciliation::locks_of(const std::string& uri) {
  return {{tasks::object_name(registry::ObjectKind::kSite, uri), tasks::Hold::kAlone}};
}

Result<void> Reconciliation::cancelled(const Work& work) const {
  if (!work.is_cancelled()) return {};
  return fail(Code::kConflict, "the task was cancelled");
}

Result<void> Reconciliation::transact(const Work& work,
                                      const std::function<Result<void>(registry::Store&, registry::Writer&)>& body) {
  const registry::Actor actor{work.task().actor, "task " + std::to_string(work.id()) + " reconciles"};
  const Result<std::uint64_t> put = services_.store().with([&](registry::Store& store) {
    return store.transact(actor, [&](registry::Writer& writer) { return body(store, writer); });
  });
  return put ? Result<void>() : std::unexpected(put.error());
}

Result<bool> Reconciliation::is_doomed(std::uint64_t site) {
  registry::TaskFilter of_site;
  of_site.kind = registry::ObjectKind::kSite;
  of_site.site = site;
  of_site.limit = kMostRows;
  const Result<std::vector<registry::Task>> tasks =
      services_.store().with([&](registry::Store& store) { return store.tasks().list(of_site); });
  if (!tasks) return std::unexpected(tasks.error());
  return std::ranges::any_of(*tasks, [](const registry::Task& task) {
    const bool went_well = task.state == registry::TaskState::kSuccess || task.state == registry::TaskState::kWarning;
    return !registry::is_open(task.state) &&
           ((task.verb == "delete" && went_well) || (task.verb == "install" && !went_well));
  });
}

Result<std::optional<registry::Site>> Reconciliation::doomed(const std::string& uri) {
  Result<std::optional<registry::Site>> deleted =
      services_.store().with([&](registry::Store& store) { return store.find_deleted(uri); });
  if (!deleted || !deleted->has_value()) return deleted;
  const Result<bool> is = is_doomed((*deleted)->id);
  if (!is) return std::unexpected(is.error());
  return *is ? std::move(deleted) : std::optional<registry::Site>();
}

Result<void> Reconciliation::look(Work& work) {
  wire::SurveyOrder order;
  Result<void> read = services_.store().with([&](registry::Store& store) {
    return store.snapshot([&]() -> Result<void> {
      Result<std::vector<registry::Server>> servers = store.servers();
      if (!servers) return pass(servers);
      servers_ = *std::move(servers);
      Result<std::vector<registry::Platform>> platforms = store.platforms();
      if (!platforms) return pass(platforms);
      std::map<std::string, std::string> docroots;
      for (registry::Platform& platform : *platforms) {
        if (platform.state == registry::PlatformState::kDeleted) continue;
        docroots[platform.name] = platform.docroot;
        order.docroots.push_back(platform.docroot);
        platforms_.push_back(std::move(platform));
      }
      Result<std::vector<registry::Block>> blocks = store.blocks();
      if (!blocks) return pass(blocks);
      for (registry::Block& block : *blocks) blocks_[block.name] = block;
      Result<std::vector<registry::Slot>> slots = store.slots();
      if (!slots) return pass(slots);
      for (registry::Slot& slot : *slots) slot_rows_[{slot.block, slot.number}] = slot;
      return store.each_site([&](const registry::Site& site) -> Result<void> {
        sites_[site.uri] = {site.id,         site.state,           docroots[site.platform], site.block,
                            site.slot,       site.database.server, site.database.name,      site.database.user,
                            site.former_uris};
        if (!site.block.empty()) holders_[{site.block, site.slot}].push_back(site.uri);
        return {};
      });
    });
  });
  if (!read) return read;
  for (const registry::Server& server : servers_) order.servers.push_back(server.name);
  for (const auto& [name, block] : blocks_) order.blocks.push_back({block.server, name});
  Result<wire::Survey> survey = services_.host().survey(order);
  if (!survey) return pass(survey);
  survey_ = *std::move(survey);
  work.log(LogLevel::kInfo, std::to_string(sites_.size()) + " sites on " + std::to_string(platforms_.size()) +
                                " platforms are looked at");
  return {};
}

Result<void> Reconciliation::contradictions(Work& work) {
  for (const auto& [uri, site] : sites_) {
    if (site.state != SiteState::kInstalling) continue;
    const std::optional<tasks::Loan> loan = work.borrow(locks_of(uri));
    if (!loan) continue;
    Result<registry::Site> now = services_.store().with([&](registry::Store& store) { return find_site(store, uri); });
    if (!now || now->state != SiteState::kInstalling) continue;
    // It may be a whole site: the registry may have been put back from a copy that is older than the end of its
    // install.
    differences_.mend(work, "site " + uri, "it is being installed, and by no task; it becomes a disabled site", [&] {
      now->state = SiteState::kDisabled;
      return transact(work, [&](registry::Store&, registry::Writer& writer) { return writer.put(*now); });
    });
  }
  look_at_given_slots(work);
  const Result<std::vector<registry::Candidate>> candidates =
      services_.store().with([](registry::Store& store) { return store.candidates(); });
  if (!candidates) return std::unexpected(candidates.error());
  for (const registry::Candidate& candidate : *candidates) look_at_candidate(work, candidate);
  if (Result<void> looked = look_at_tasks(work); !looked) return looked;
  // Else a map that is behind would be put right before it is looked at.
  if (differences_.mended() == 0) return {};
  const Result<std::uint64_t> published = services_.publish();
  return published ? Result<void>() : std::unexpected(published.error());
}

void Reconciliation::look_at_candidate(Work& work, const registry::Candidate& candidate) {
  const std::optional<tasks::Loan> loan = work.borrow(locks_of(candidate.host));
  if (!loan) return;
  const Result<bool> still = services_.store().with([&](registry::Store& store) -> Result<bool> {
    const Result<std::vector<registry::Candidate>> now = store.candidates();
    if (!now) return std::unexpected(now.error());
    return std::ranges::find(*now, candidate.token_key, &registry::Candidate::token_key) != now->end();
  });
  if (!still || !*still) return;
  differences_.mend(
      work, "site " + candidate.host, "a probe's view of it is left, and no task probes it", [&]() -> Result<void> {
        const Result<std::uint64_t> dropped =
            services_.store().with([&](registry::Store& store) { return store.drop_candidate(candidate.token_key); });
        return dropped ? Result<void>() : std::unexpected(dropped.error());
      });
}

Result<void> Reconciliation::look_at_tasks(Work& work) {
  const Result<std::vector<registry::Task>> open =
      services_.store().with([](registry::Store& store) { return store.tasks().open(); });
  if (!open) return std::unexpected(open.error());
  for (const registry::Task& task : *open) {
    if (task.state != registry::TaskState::kProcessing || task.id == work.id()) continue;
    const std::string object = tasks::object_name(task.kind, task.object);
    const std::optional<tasks::Loan> loan = work.borrow({{object, tasks::Hold::kAlone}});
    if (!loan) continue;
    const Result<std::optional<registry::Task>> now =
        services_.store().with([&](registry::Store& store) { return store.tasks().find(task.id); });
    if (!now) return std::unexpected(now.error());
    if (!now->has_value() || !registry::is_open((*now)->state)) continue;
    differences_.leave(work, "task " + std::to_string(task.id),
                       "it has begun (" + object + " " + task.verb + "), and nobody is at work on it",
                       "restart aegird, which takes up what was begun");
  }
  return {};
}

void Reconciliation::look_at_given_slots(Work& work) {
  for (const auto& [slot, uris] : holders_) {
    const auto& [block, number] = slot;
    const auto known = blocks_.find(block);
    const std::string about = "slot " + block + '/' + std::to_string(number);
    if (known == blocks_.end()) {
      differences_.leave(work, "site " + uris.front(), "it has a slot of block " + block + ", which is not there",
                         "import that block");
      continue;
    }
    const bool alone = known->second.isolation == registry::Isolation::kSite;
    if (alone && uris.size() > 1) {
      std::string names;
      for (const std::string& uri : uris) names += (names.empty() ? "" : " and ") + uri;
      differences_.leave(work, about, "it is given to " + names + ", which can read each other's secrets",
                         "find out whose its directory is (group " + std::to_string(known->second.first_uid + number) +
                             "), and import the others anew");
    }
    const auto row = slot_rows_.find(slot);
    if (row != slot_rows_.end() && row->second.state == registry::SlotState::kRetired) {
      differences_.leave(work, about, "site " + uris.front() + " has it, and it is retired",
                         "back up the site's files and database, and import it anew");
    }
    if (row != slot_rows_.end()) continue;
    differences_.mend(work, about, "site " + uris.front() + " has it, and it is not noted as given", [&] {
      return transact(work, [&](registry::Store&, registry::Writer& writer) {
        return writer.put(registry::Slot{block, number, registry::SlotState::kGiven, uris.front()});
      });
    });
  }
}

std::unique_ptr<tasks::Verb> reconcile(Services& services) { return std::make_unique<Reconcile>(services); }

}  // namespace aegir::verbs
