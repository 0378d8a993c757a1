#include "compiler/publish/bringer.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "compiler/core/secret_box.hpp"
#include "compiler/machine/machine.hpp"
#include "compiler/publish/judge.hpp"
#include "compiler/publish/people_in_force.hpp"

namespace aegir::publish {
namespace {

std::string hash_of(const Files& files) {
  std::string all;
  for (const auto& [path, content] : files) {
    all += std::to_string(path.size()) + ' ' + std::to_string(content.size()) + '\n' + path + content;
  }
  return content_hash(all);
}

}  // namespace

Result<void> Bringer::bring(const std::set<std::string>& read) {
  if (Result<void> ok = look(); !ok) return ok;
  read_htaccess(read);
  if (Result<void> ok = emit(); !ok) return ok;
  if (candidates_.empty() && is_on_disk() && serves_or_is_down()) return keep_good();
  if (Result<void> ok = settle(); !ok) return ok;
  if (is_on_disk() && serves_or_is_down()) return keep_good();
  return put_in_force();
}

/// What is there.
Result<void> Bringer::look() {
  for (const emit::PersonsFile& file : model_.surroundings.people) {
    if (!is_ours(file.path)) continue;
    const Result<std::string> text = machine::read_config(config_, file.path);
    people_[file.path] = text ? *text : text.error().message;
  }
  if (kind_.service != registry::kApache) return {};
  for (const registry::Platform& platform : platforms()) {
    if (!model_.surroundings.accepted.contains(platform.name)) continue;
    Result<std::string> text = machine::read_config(config_, emit::accepted_htaccess_path(config_, platform));
    if (!text) return pass(text);
    htaccess_[emit::accepted_htaccess_path(config_, platform)] = *std::move(text);
  }
  return {};
}

/// Sorts out which .htaccess files Apache must be asked about.
void Bringer::read_htaccess(const std::set<std::string>& read) {
  if (kind_.service != registry::kApache) return;
  const bool anew = has_new_judge();
  for (const registry::Platform& platform : platforms()) {
    const std::string path = emit::accepted_htaccess_path(config_, platform);
    if (anew && htaccess_.contains(path)) candidates_.push_back({platform, htaccess_[path], true});
    if (!read.contains(platform.name)) continue;
    Result<std::optional<std::string>> text = docroots_htaccess(platform);
    if (!text) {
      refuse(platform, std::move(text.error()));
    } else if (!*text) {
      (void)drop(platform);
      note_missing_htaccess(platform);
    } else if (const auto accepted = htaccess_.find(path); accepted == htaccess_.end() || accepted->second != **text) {
      candidates_.push_back({platform, **std::move(text)});
    }
  }
}

/// Composer's scaffolding, for one, can take it away. A codebase that is still to come misses nothing.
void Bringer::note_missing_htaccess(const registry::Platform& platform) {
  std::error_code error;
  if (platform.cms == registry::Cms::kOther || !std::filesystem::exists(platform.docroot + "/index.php", error)) return;
  activation_.notes.push_back("platform " + platform.name + " has no .htaccess in " + platform.docroot +
                              ": on Apache it has only the rules that every platform has. Put back the one that "
                              "comes with its code, and run `aegirc verify --platform " +
                              platform.name + '`');
}

void Bringer::refuse(const registry::Platform& platform, Error error) {
  error.place.file = platform.docroot + "/.htaccess";
  error.message = "platform " + platform.name + " goes on with its old rules: " + error.message;
  if (error.hint.empty()) {
    error.hint = std::string(error.place.line != 0 ? "mend the line" : "put a plain text file there") +
                 ", and run `aegirc verify --platform " + platform.name + '`';
  }
  activation_.errors.push_back(std::move(error));
}

bool Bringer::has_new_judge() {
  if (htaccess_.empty()) return false;
  judge_ = apache_as_judge(config_);
  const Result<Files> last = read_kept(config_, Kept::kJudge, kind_.folder);
  return !last || *last != *judge_;
}

/// That all accepted .htaccess files were accepted by the Apache of now.
Result<void> Bringer::remember_judge() {
  if (kind_.service != registry::kApache || htaccess_.empty()) return {};
  if (!judge_) judge_ = apache_as_judge(config_);
  return write_kept(config_, accounts_, Kept::kJudge, kind_.folder, *judge_);
}

/// Takes an accepted .htaccess out of what is to be in force. False when there is none.
bool Bringer::drop(const registry::Platform& platform) {
  model_.surroundings.accepted.erase(platform.name);
  return htaccess_.erase(emit::accepted_htaccess_path(config_, platform)) != 0;
}

/// Neither the old rules nor the file are safe any more.
void Bringer::tell_dropped(const registry::Platform& platform, Error error) {
  error.place.file = platform.docroot + "/.htaccess";
  error.message =
      "platform " + platform.name +
      " goes on without its .htaccess: Apache took it before, but not with its modules of now: " + error.message;
  error.hint = "mend the line, and run `aegirc verify --platform " + platform.name + '`';
  activation_.errors.push_back(std::move(error));
}

Result<void> Bringer::emit_files() {
  Result<std::vector<emit::File>> ours = emit::emit_web(config_, model_, kind_.service);
  if (!ours) return pass(ours);
  files_ = htaccess_;
  for (emit::File& file : *ours) files_[file.path] = std::move(file.content);
  return {};
}

/// The files of this kind for the present state of affairs, named by their hash.
Result<void> Bringer::emit() {
  set_name().clear();
  if (Result<void> ok = emit_files(); !ok) return ok;
  Files hashed = files_;
  for (const emit::PersonsFile& file : model_.surroundings.people) {
    if (!file.left_out && is_ours(file.path)) hashed[file.path] = people_[file.path];
  }
  set_ = set_name() = hash_of(hashed);
  return emit_files();
}

/// Tries, leaving out what is refused, until the rest is taken. The error: nothing can be done.
Result<void> Bringer::settle() {
  std::vector<Candidate> asked = std::exchange(candidates_, {});
  for (;;) {
    Result<void> tried = attempt(asked);
    if (tried) break;
    if (Result<void> mended = leave_out(std::move(tried.error())); !mended) return mended;
    if (Result<void> ok = emit(); !ok) return ok;
  }
  if (Result<void> ok = adopt(std::move(asked)); !ok) return ok;
  return remember_judge();
}

/// Goes by the verdicts on what was asked about.
Result<void> Bringer::adopt(std::vector<Candidate> asked) {
  const Files tried = htaccess_;
  std::vector<std::pair<const registry::Platform*, Error>> dropped;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (!asked[i].in_force || !verdicts_[i] || !drop(asked[i].platform)) continue;
    dropped.emplace_back(&asked[i].platform, *std::move(verdicts_[i]));
  }
  const Files before = htaccess_;
  const std::set<std::string> accepted_before = model_.surroundings.accepted;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (asked[i].in_force) continue;
    const registry::Platform& platform = asked[i].platform;
    if (verdicts_[i]) {
      refuse(platform, *std::move(verdicts_[i]));
      continue;
    }
    htaccess_[emit::accepted_htaccess_path(config_, platform)] = std::move(asked[i].content);
    model_.surroundings.accepted.insert(platform.name);
    accepted_.insert(platform.name);
  }
  for (auto& [platform, error] : dropped) {
    if (!accepted_.contains(platform->name)) tell_dropped(*platform, std::move(error));
  }
  if (htaccess_ == tried) return {};
  // Once more with what was accepted, as a part of the whole.
  if (Result<void> ok = emit(); !ok) return ok;
  Result<void> whole = attempt({});
  if (whole) return {};
  whole.error().message =
      "Apache takes the new .htaccess files one by one, but not together with the rest; the old "
      "ones stay: " +
      whole.error().message;
  activation_.errors.push_back(std::move(whole.error()));
  accepted_.clear();
  htaccess_ = before;
  model_.surroundings.accepted = accepted_before;
  return emit();
}

/// Asks a server in a sandbox about files_.
Result<void> Bringer::attempt(const std::vector<Candidate>& asked) {
  machine::Change change;
  for (const auto& [path, content] : files_) change.files.push_back({path, content});
  if (kind_.service == registry::kNginx) return machine::try_nginx(config_, change);
  std::vector<machine::Htaccess> htaccess;
  for (const Candidate& each : asked) htaccess.push_back({std::to_string(htaccess.size()), each.content});
  Result<machine::ApacheTrial> trial =
      machine::try_apache(config_, change, server_.status(), RunningServer::status_line(set_), htaccess);
  if (!trial) return pass(trial);
  included_ = trial->has_ours;
  verdicts_ = std::move(trial->htaccess);
  return {};
}

/// Leaves out the certificate or the person's file that an error names, or the accepted .htaccess that Apache takes no
/// more, or, when it names none, all certificates or the files without which all is well.
Result<void> Bringer::leave_out(Error error) {
  if (leave_out_certificate(error)) return {};
  std::vector<emit::PersonsFile*> in;
  for (emit::PersonsFile& file : model_.surroundings.people) {
    if (is_ours(file.path) && !file.left_out) in.push_back(&file);
  }
  const auto named =
      std::ranges::find_if(in, [&](const emit::PersonsFile* file) { return file->path == error.place.file; });
  if (named != in.end()) {
    (*named)->left_out = true;
    tell_left_out(**named, std::move(error));
    return {};
  }
  for (const registry::Platform& platform : platforms()) {
    if (error.place.file != emit::accepted_htaccess_path(config_, platform) || !drop(platform)) continue;
    tell_dropped(platform, std::move(error));
    return {};
  }
  if (std::vector<emit::Certificate>& all = model_.surroundings.certificates; !all.empty()) {
    std::vector<emit::Certificate> kept = std::exchange(all, {});
    if (Result<void> ok = emit(); !ok) return ok;
    if (attempt({})) {
      tell_without_https(std::move(error), "look into the folders of config/ssl.d");
      return {};
    }
    all = std::move(kept);
  }
  for (emit::PersonsFile* file : in) file->left_out = true;
  if (Result<void> ok = emit(); !ok) return ok;
  if (in.empty() || !attempt({})) return std::unexpected(std::move(error));
  for (emit::PersonsFile* file : in) {
    file->left_out = false;
    if (Result<void> ok = emit(); !ok) return ok;
    Result<void> tried = attempt({});
    if (tried) continue;
    file->left_out = true;
    tell_left_out(*file, std::move(tried.error()));
  }
  // It is no file's fault: to try again would end in the same.
  if (std::ranges::none_of(in, &emit::PersonsFile::left_out)) return std::unexpected(std::move(error));
  return {};
}

/// What OpenSSL would serve a server may still refuse, by its settings, or since it has no TLS at all.
bool Bringer::leave_out_certificate(Error& error) {
  std::vector<emit::Certificate>& all = model_.surroundings.certificates;
  const bool is_emitted = error.place.file.ends_with("/aegir.conf") || error.place.file.ends_with("/tls.conf");
  if (!all.empty() && is_emitted && error.message.starts_with("Invalid command 'SSL")) {
    all.clear();
    tell_without_https(std::move(error), "load mod_ssl (a2enmod ssl), and run `aegirc compile`");
    return true;
  }
  const auto named = std::ranges::find_if(all, [&](const emit::Certificate& each) {
    return &each != all.data() && error.message.contains('/' + each.name + '/' + each.file);
  });
  if (named == all.end()) return false;
  error.message = "certificate " + named->name + ": " + kind_.name + " goes on without it: " + error.message;
  error.hint = "put another one into config/ssl.d/" + named->name + ", and run `aegirc compile`";
  all.erase(named);
  activation_.errors.push_back(std::move(error));
  return true;
}

void Bringer::tell_without_https(Error error, std::string hint) {
  error.message = std::string(kind_.name) + " goes on without https: " + error.message;
  error.hint = std::move(hint);
  activation_.errors.push_back(std::move(error));
}

void Bringer::tell_left_out(const emit::PersonsFile& file, Error error) {
  if (error.place.file.empty()) error.place.file = file.path;
  error.message = std::string(kind_.name) + " goes on without this file: " + error.message;
  const auto server = std::ranges::find_if(model_.servers, [&](const registry::Server& each) {
    return file.path.starts_with(server_config_dir(config_, each.name) + '/');
  });
  error.hint = "mend it, and run `aegirc verify --server " + server->name + '`';
  activation_.errors.push_back(std::move(error));
}

bool Bringer::is_on_disk() const {
  for (const auto& [path, content] : files_) {
    const Result<std::string> present = machine::read_config(config_, path);
    if (!present || *present != content) return false;
  }
  return std::ranges::all_of(platforms(), [&](const registry::Platform& platform) {
    const std::string path = emit::accepted_htaccess_path(config_, platform);
    return kind_.service != registry::kApache || files_.contains(path) || !machine::read_config(config_, path);
  });
}

/// Whether the running server has files_. One that is down will have what is on disk.
bool Bringer::serves_or_is_down() {
  const RunningServer::Has has = server_.has(set_);
  is_down_ = has == RunningServer::Has::kNothing;
  return has != RunningServer::Has::kOther;
}

Result<void> Bringer::install(const Files& files) {
  // aegir.conf includes the others, so that it comes last.
  for (const bool last : {false, true}) {
    for (const auto& [path, content] : files) {
      if (path.ends_with("/aegir.conf") != last) continue;
      Result<void> ok = machine::install_config(config_, accounts_, path, content, 0640, activation_.done);
      if (!ok) return ok;
    }
  }
  for (const registry::Platform& platform : platforms()) {
    const std::string path = emit::accepted_htaccess_path(config_, platform);
    if (kind_.service != registry::kApache || files.contains(path)) continue;
    if (Result<void> ok = machine::remove_config(config_, path, activation_.done); !ok) return ok;
  }
  return {};
}

Result<void> Bringer::put_in_force() {
  if (Result<void> ok = install(files_); !ok) return ok;
  if (serves_or_is_down()) return keep_good();
  Result<void> reloaded = server_.reload(set_);
  if (reloaded) {
    activation_.done.push_back(std::string(kind_.name) + ": reloaded, and answers with the new configuration");
    return keep_good();
  }
  if (kind_.service == registry::kApache && !included_) {
    reloaded.error().message = "Apache runs, but its configuration does not include ours";
    reloaded.error().hint = "include module.load and aegir.conf of " + config_.config_dir + "/server_*/apache in it";
    return reloaded;
  }
  return go_back(std::move(reloaded.error()));
}

/// Puts the last set that was in force back, and makes the server take it.
Result<void> Bringer::go_back(Error error) {
  error.message += "; the last configuration that was in force ";
  Result<Files> good = read_kept(config_, Kept::kLastGood, kind_.folder);
  if (!good) {
    error.message += "is not known";
    return std::unexpected(std::move(error));
  }
  Result<void> back = install(*good);
  if (back) {
    for (const auto& [path, content] : *good) {
      if (path.ends_with("/aegir.conf")) set_ = set_name_in(kind_, content);
    }
    if (!serves_or_is_down()) back = server_.reload(set_);
  }
  error.message += back ? "is back" : "could not be put back: " + back.error().message;
  if (is_down_) error.hint = "start " + std::string(kind_.name) + ", which has ended";
  return std::unexpected(std::move(error));
}

/// What a server that runs has is good; of one that does not nobody knows.
Result<void> Bringer::keep_good() {
  Result<void> kept = remember_people(config_, accounts_, kind_, model_.surroundings.people, people_);
  if (!kept) return kept;
  activation_.accepted.insert(accepted_.begin(), accepted_.end());
  if (!is_down_) return write_kept(config_, accounts_, Kept::kLastGood, kind_.folder, files_);
  activation_.notes.push_back(std::string(kind_.name) + " does not run (nobody listens on " + server_.place() +
                              "); it reads its configuration when it starts");
  return {};
}

std::string& Bringer::set_name() {
  return kind_.service == registry::kApache ? model_.surroundings.apache : model_.surroundings.nginx;
}

bool Bringer::is_ours(std::string_view path) const { return path_is_of(kind_, config_, path); }

/// Those that this kind of server serves.
std::vector<registry::Platform> Bringer::platforms() const {
  std::vector<registry::Platform> found;
  std::ranges::copy_if(model_.platforms, std::back_inserter(found), [&](const registry::Platform& platform) {
    return platform.state != registry::PlatformState::kDeleted && (platform.services & kind_.service) != 0;
  });
  return found;
}

}  // namespace aegir::publish
