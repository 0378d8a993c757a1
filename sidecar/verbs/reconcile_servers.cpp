// reconcile: slots, what web servers and PHP-FPM read, platforms, and the site map.
#include <algorithm>
#include <array>

#include "compiler/map/reader.hpp"
#include "sidecar/verbs/machine_steps.hpp"
#include "sidecar/verbs/reconcile.hpp"

namespace aegir::verbs {

using registry::LogLevel;
using registry::ObjectKind;
using registry::SlotState;
using tasks::Work;

namespace {

std::string name_of(const std::string& block, std::uint32_t number) {
  return "slot " + block + '/' + std::to_string(number);
}

/// "2 processes and files"
std::string use_of(const wire::FoundSlot& slot) {
  std::string use = slot.processes == 0 ? "" : std::to_string(slot.processes) + " processes";
  if (slot.used) use += use.empty() ? "files" : " and files";
  return use;
}

std::string text_of(const publish::EntryChange& change) {
  constexpr std::array<const char*, 3> kWords = {"is missing", "is not as the registry has it",
                                                 "is there, and not in the registry"};
  std::string text = change.kind + ' ' + change.name + ' ' + kWords[static_cast<std::size_t>(change.what)];
  if (change.what != publish::What::kChanged) return text;
  std::string fields;
  for (const publish::FieldChange& field : change.fields) fields += (fields.empty() ? "" : ", ") + field.field;
  return text + " (" + fields + ')';
}

}  // namespace

void Reconciliation::note_used(Work& work, const std::string& about, const std::string& what, const std::string& block,
                               std::uint32_t number) {
  const Result<bool> known = services_.store().with([&](registry::Store& store) -> Result<bool> {
    const Result<std::vector<registry::Slot>> rows = store.slots();
    if (!rows) return std::unexpected(rows.error());
    return std::ranges::any_of(*rows, [&](const auto& row) { return row.block == block && row.number == number; });
  });
  if (!known || *known) return;  // it was given meanwhile
  differences_.mend(work, about, what + ", though the registry never gave it away; it is noted as used up", [&] {
    return transact(work, [&](registry::Store&, registry::Writer& writer) {
      return writer.put(registry::Slot{block, number, SlotState::kRetired, {}});
    });
  });
  slot_rows_[{block, number}] = {block, number, SlotState::kRetired, {}};
}

void Reconciliation::look_at_slot(Work& work, const wire::FoundSlot& found) {
  const auto& [block, number, uid] = found.slot;
  const std::string about = name_of(block, number);
  const std::string directory = slot_home(services_.config(), block, number);
  const auto known = blocks_.find(block);
  const std::string use = use_of(found);
  if (known == blocks_.end() || number >= known->second.slots || known->second.first_uid + number != uid) {
    const std::string what = "it is no slot of the registry's (uid " + std::to_string(uid) + ")";
    const std::string next =
        "import its block; or, when nobody needs it, end its processes and `rm -r " + directory + "`";
    if (use.empty()) return differences_.mention(work, about + ": " + what, next);
    return differences_.leave(work, about, what + ", and it has " + use, next);
  }
  const auto row = slot_rows_.find({block, number});
  const auto holder = holders_.find({block, number});
  if (holder != holders_.end()) {
    if (!found.retired) return;
    const std::optional<tasks::Loan> loan = work.borrow(locks_of(holder->second.front()));
    if (!loan) return;
    return differences_.leave(
        work, about,
        "site " + holder->second.front() + " has it, and on this machine it is retired: nothing runs as it",
        "back up the site's files and database, and import it anew");
  }
  if (row == slot_rows_.end()) {
    if (found.retired || !use.empty()) {
      note_used(work, about, found.retired ? "on this machine it is retired" : "it has " + use, block, number);
    }
    return;
  }
  if (row->second.site.empty()) return;  // whoever uses it, the registry does not know him
  const std::optional<tasks::Loan> loan = work.borrow(locks_of(row->second.site));
  if (!loan) return;
  if (row->second.state == SlotState::kGiven) {
    if (known->second.isolation == registry::Isolation::kShared) return;
    const Result<std::optional<registry::Site>> site =
        services_.store().with([&](registry::Store& store) { return store.find_site(row->second.site); });
    if (!site || site->has_value()) return;
    return differences_.leave(work, about, "it is given to site " + row->second.site + ", which is not there",
                              "nothing has to be done: it is never given again");
  }
  if (found.retired && use.empty()) return;
  const Result<std::optional<registry::Site>> deleted = doomed(row->second.site);
  if (!deleted || !deleted->has_value()) return;
  const std::string what = found.retired ? "it is retired, and has " + use : "it is retired, and not on this machine";
  differences_.mend(work, about, what, [&]() -> Result<void> {
    const Result<machine::Done> retired = services_.host().retire_slot(found.slot);
    return retired ? Result<void>() : std::unexpected(retired.error());
  });
}

Result<void> Reconciliation::slots(Work& work) {
  for (const wire::FoundSlot& found : survey_.slots) {
    if (Result<void> on = cancelled(work); !on) return on;
    look_at_slot(work, found);
  }
  // A directory tells of a slot too, when its own folder is gone.
  for (const wire::FoundFolder& folder : survey_.folders) {
    for (const auto& [name, block] : blocks_) {
      if (folder.group < block.first_uid || folder.group >= block.first_uid + block.slots) continue;
      const std::uint32_t number = folder.group - block.first_uid;
      if (slot_rows_.contains({name, number}) || holders_.contains({name, number})) continue;
      note_used(work, name_of(name, number), folder.docroot + "/sites/" + folder.name + " has its group", name, number);
    }
  }
  return {};
}

Result<void> Reconciliation::servers(Work& work) {
  if (Result<void> looked = look_at_fragments(work); !looked) differences_.leave(work, "web servers", looked.error());
  for (const registry::Platform& platform : platforms_) {
    if (Result<void> on = cancelled(work); !on) return on;
    if (Result<void> looked = look_at_platform(work, platform); !looked) {
      differences_.leave(work, "platform " + platform.name, looked.error());
    }
  }
  for (const wire::PhpOrder& block : survey_.without_php) {
    differences_.mend(work, "block " + block.block, "its PHP is not at work, so that none of its sites is",
                      [&] { return services_.host().start_php(block); });
  }
  for (const wire::ClaimedHost& claim : survey_.claimed) {
    const Result<std::optional<registry::Site>> site =
        services_.store().with([&](registry::Store& store) { return store.find_site(claim.host); });
    if (!site) return std::unexpected(site.error());
    if (!site->has_value()) continue;
    differences_.leave(work, claim.path,
                       "gives " + claim.host + ", a name of site " + (*site)->uri +
                           ", to a server of its own: that one answers for the site",
                       "take the name out of it, or move the file away, then verify the server");
  }
  return look_at_certificates(work);
}

Result<void> Reconciliation::look_at_fragments(Work& work) {
  const auto compare = [&](const emit::Model& model) -> Result<wire::Compared> {
    Result<wire::Comparison> found = services_.host().compare({model, {}, {}});
    if (!found) return pass(found);
    return std::move(found->servers);
  };
  Result<emit::Model> model = read_model(services_);
  Result<wire::Compared> found = model ? compare(*model) : std::unexpected(model.error());
  if (!found) return pass(found);
  if (found->lines.empty() && found->errors.empty()) return {};
  tasks::Locks all;
  for (const registry::Server& server : servers_)
    all[tasks::object_name(ObjectKind::kServer, server.name)] = tasks::Hold::kAlone;
  for (const registry::Platform& platform : platforms_)
    all[tasks::object_name(ObjectKind::kPlatform, platform.name)] = tasks::Hold::kShared;
  const std::optional<tasks::Loan> loan = work.borrow(all);
  if (!loan) {
    work.log(LogLevel::kInfo, "web servers are not looked at: a task is at work on them");
    return {};
  }
  const std::lock_guard turn(services_.model_turn());
  model = read_model(services_);
  found = model ? compare(*model) : std::unexpected(model.error());
  if (!found) return pass(found);
  differences_.mend(
      work, "web servers", *found,
      [&]() -> Result<void> {
        const Result<wire::Verified> verified = services_.host().verify_servers({*model, {}});
        if (!verified) return std::unexpected(verified.error());
        tell_done(work, verified->done);
        return verified->errors.empty() ? Result<void>() : std::unexpected(verified->errors.front());
      },
      [&] { return compare(*model); });
  return {};
}

Result<void> Reconciliation::look_at_platform(Work& work, const registry::Platform& platform) {
  const std::string about = tasks::object_name(ObjectKind::kPlatform, platform.name);
  const auto compare = [&](const wire::PlatformFilesOrder& files) -> Result<wire::Compared> {
    Result<wire::Comparison> found = services_.host().compare({std::nullopt, {files}, {}});
    if (!found) return pass(found);
    return std::move(found->platforms.front());
  };
  Result<wire::PlatformFilesOrder> files = platform_files(services_, platform.name);
  Result<wire::Compared> found = files ? compare(*files) : std::unexpected(files.error());
  if (found && found->lines.empty() && found->errors.empty()) return {};
  const std::optional<tasks::Loan> loan = work.borrow({{about, tasks::Hold::kShared}});
  if (!loan) return {};
  const std::lock_guard turn(services_.model_turn());
  files = platform_files(services_, platform.name);
  if (!files) return pass(files);
  found = compare(*files);
  if (!found) return pass(found);
  differences_.mend(
      work, about, *found,
      [&]() -> Result<void> {
        const Result<wire::Verified> written = services_.host().write_platform(*files);
        if (!written) return std::unexpected(written.error());
        tell_done(work, written->done);
        return written->errors.empty() ? Result<void>() : std::unexpected(written->errors.front());
      },
      [&] { return compare(*files); });
  return {};
}

Result<void> Reconciliation::look_at_certificates(Work& work) {
  const Result<std::vector<wire::CertificateFacts>> found = services_.host().certificates();
  if (!found) return std::unexpected(found.error());
  for (const wire::CertificateFacts& facts : *found) {
    if (facts.error) {
      differences_.leave(work, "certificate " + facts.folder, *facts.error);
    } else if (!is_live(facts.folder)) {
      differences_.mention(work, "certificate " + facts.folder + " is of no site",
                           "`rm -r` its folder, when nobody needs it: " + facts.path);
    }
  }
  return {};
}

Result<void> Reconciliation::site_map(Work& work) {
  const std::string about = "site map";
  const auto differs = [&](registry::Store& store) -> Result<wire::Compared> {
    wire::Compared found;
    const Result<void> compared = services_.compare_map(store, [&](const publish::EntryChange& change) -> Result<void> {
      found.lines.push_back(text_of(change));
      return {};
    });
    if (compared) return found;
    if (!publish::heals(compared.error())) return std::unexpected(compared.error());
    found.lines = {"it can't be used: " + compared.error().message};
    return found;
  };
  // While we have the store there is no commit and no publish; a task may stand between the two.
  bool is_behind = false;
  const Result<wire::Compared> found = services_.store().with([&](registry::Store& store) -> Result<wire::Compared> {
    const Result<std::uint64_t> sequence = store.sequence();
    const Result<std::vector<registry::Task>> open = store.tasks().open();
    if (!sequence) return std::unexpected(sequence.error());
    if (!open) return std::unexpected(open.error());
    const bool others = std::ranges::any_of(*open, [&](const registry::Task& task) {
      return task.state == registry::TaskState::kProcessing && task.id != work.id();
    });
    const Result<publish::Snapshot> live = map::open_published(services_.config().map_dir, nullptr);
    is_behind = others && live && (*live)->generation() < *sequence;
    return is_behind ? wire::Compared() : differs(store);
  });
  if (is_behind) work.log(LogLevel::kInfo, "the site map is not looked at: a task is about to publish");
  if (found) {
    differences_.mend(
        work, about, *found, [&] { return services_.mend_map(); },
        [&] { return services_.store().with([&](registry::Store& store) { return differs(store); }); });
  } else {
    differences_.leave(work, about, found.error());
  }
  differences_.tell(work);
  return {};
}

}  // namespace aegir::verbs
