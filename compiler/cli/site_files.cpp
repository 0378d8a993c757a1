// The files of sites, as publish, compile and verify write them around a publish.
#include "compiler/cli/publishing.hpp"

namespace aegir::cli {

Result<FilesOfSites> FilesOfSites::load(const Config& config, const Accounts& accounts, registry::Store& store) {
  Result<verify::Sites> sites = verify::Sites::load(config, accounts, store);
  if (!sites) return pass(sites);
  return FilesOfSites(config, accounts, store, *std::move(sites));
}

void FilesOfSites::add(Errors errors) {
  for (Error& error : errors) {
    if (told_.insert(describe(error)).second) errors_.push_back(std::move(error));
  }
}

Result<void> FilesOfSites::write(const registry::Site& site, machine::Done& done) {
  Result<Errors> told = sites_.write(site, done);
  if (!told) return pass(told);
  for (Error& error : *told) error.message = "site " + site.uri + " works, but: " + error.message;
  add(*std::move(told));
  return {};
}

void FilesOfSites::write_again(const registry::Site& site, Result<void> prepared, machine::Done& done) {
  Result<void> written;
  // What its own PHP has broken keeps no file from being written. But what may be another's is not written into.
  if (prepared || sites_.is_own(site)) written = write(site, done);
  if (!prepared && !written && prepared.error().place.file == written.error().place.file) written = {};
  for (Result<void>* const step : {&prepared, &written}) {
    if (*step) continue;
    step->error().message = "site " + site.uri + " goes on as it is: " + step->error().message;
    errors_.push_back(std::move(step->error()));
  }
}

void FilesOfSites::forget(const std::string& uri, machine::Done& done) {
  Result<void> forgotten = sites_.forget(uri, done);
  if (!forgotten) errors_.push_back(std::move(forgotten.error()));
}

Result<void> FilesOfSites::write_platform(const registry::Platform& platform, machine::Done& done) {
  if (platform.state == registry::PlatformState::kDeleted) return {};
  const Result<verify::PlatformFacts> facts = verify::facts_of(*store_, platform);
  if (!facts) return std::unexpected(facts.error());
  Result<verify::Told> told = verify::write_platform_files(*config_, accounts_, *facts, done);
  if (told) {
    for (Error& error : told->errors) error.message = "platform " + platform.name + ": " + error.message;
    add(std::move(told->errors));
  } else if (told.error().code != Code::kNotFound || !facts->uris.empty()) {
    told.error().message = "platform " + platform.name + ": " + told.error().message;
    add({std::move(told.error())});
  }
  return {};
}

Result<void> FilesOfSites::record(machine::Done& done) {
  Result<Errors> told = sites_.record(actor("cloaking as drushrc.php says"), done);
  if (!told) return pass(told);
  add(*std::move(told));
  return {};
}

Outcome FilesOfSites::finish(Outcome published) {
  machine::Done done;  // the report is out; the next Verify tells what is wrong with it
  if (published) add(sites_.finish(done));
  return with(std::move(errors_), std::move(published));
}

}  // namespace aegir::cli
