#include "compiler/publish/activate.hpp"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): SIGUSR1 is POSIX
#include <sodium.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "compiler/core/atomic_file.hpp"
#include "compiler/machine/command.hpp"
#include "compiler/machine/scratch.hpp"
#include "compiler/publish/last_good.hpp"

namespace aegir::publish {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAnswerPatience{2000};
constexpr milliseconds kReloadPatience{30000};
constexpr milliseconds kAgain{20};
constexpr std::size_t kLargestHtaccess = 1U << 20U;

/// One of the two kinds of server, and how it is told and asked.
struct Kind {
  registry::Service service;
  const char* name;    ///< for a person
  const char* folder;  ///< below server_<name>
  const char* program;
  int signal;
};
constexpr Kind kApache = {registry::kApache, "Apache", "apache", "apache2", SIGUSR1};
constexpr Kind kNginx = {registry::kNginx, "nginx", "nginx", "nginx", SIGHUP};

std::string hash_of(const Files& files) {
  constexpr std::size_t kBytes = 16;
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, kBytes);
  for (const auto& [path, content] : files) {
    const std::string sizes = std::to_string(path.size()) + ' ' + std::to_string(content.size()) + '\n';
    for (const std::string& part : {sizes, path, content}) {
      crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(part.data()), part.size());
    }
  }
  unsigned char hash[kBytes];
  crypto_generichash_final(&state, hash, kBytes);
  char text[2 * kBytes + 1];
  return sodium_bin2hex(text, sizeof text, hash, kBytes);
}

/// What the status of a server says that has the set of this name.
std::string status_line(const std::string& name) { return "aegir_configuration{name=\"" + name + "\"} 1"; }

/// The name that an aegir.conf gives its set; empty when it gives none.
std::string name_in(const Kind& kind, std::string_view conf) {
  const std::string_view key =
      kind.service == registry::kApache ? "\nAegirConfiguration \"" : "\naegir_configuration \"";
  const std::size_t at = conf.find(key);
  if (at == std::string_view::npos) return {};
  conf.remove_prefix(at + key.size());
  return std::string(conf.substr(0, conf.find('"')));
}

/// A platform's .htaccess as it is in its docroot; nothing when there is none.
Result<std::optional<std::string>> docroots_htaccess(const registry::Platform& platform) {
  const std::string path = platform.docroot + "/.htaccess";
  Result<std::string> text = read_file(path, kLargestHtaccess);
  if (!text && text.error().code == Code::kNotFound) return std::nullopt;
  if (!text) return pass(text);
  if (text->find('\0') != std::string::npos)
    return fail_at(path, Code::kInvalid, "holds a NUL, which no .htaccess does");
  return std::optional(*std::move(text));
}

/// Brings the servers of one kind to a model.
class Bringer {
 public:
  Bringer(const Kind& kind, const Config& config, const Accounts& accounts, const emit::Model& model,
          Activation& activation)
      : kind_(kind), config_(config), accounts_(accounts), model_(model), activation_(activation) {}

  /// False when no server has this kind.
  bool find_service() {
    for (const registry::Server& server : model_.servers) {
      for (const registry::WebService& web : server.web) {
        if (web.kind != kind_.service) continue;
        const std::vector<Listen>& listen =
            kind_.service == registry::kApache ? config_.apache_listen : config_.nginx_listen;
        status_ = {web.probe_address, web.http_port, std::string(emit::kStatusHost), "/aegir-status"};
        if (!listen.empty()) {
          if (!listen[0].address.empty()) status_.address = listen[0].address;
          status_.port = listen[0].port;
        }
        return true;
      }
    }
    return false;
  }

  Result<void> bring(const std::set<std::string>& read) {
    if (Result<void> ok = look(); !ok) return ok;
    read_htaccess(read);
    if (Result<void> ok = emit(); !ok) return ok;
    if (candidates_.empty() && is_on_disk() && serves_or_is_down()) return keep_good();
    if (Result<void> ok = settle(); !ok) return ok;
    if (is_on_disk() && serves_or_is_down()) return keep_good();
    return put_in_force();
  }

 private:
  /// What is there.
  Result<void> look() {
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
  void read_htaccess(const std::set<std::string>& read) {
    if (kind_.service != registry::kApache) return;
    for (const registry::Platform& platform : platforms()) {
      if (!read.contains(platform.name)) continue;
      Result<std::optional<std::string>> text = docroots_htaccess(platform);
      const std::string path = emit::accepted_htaccess_path(config_, platform);
      if (!text) {
        refuse(platform, std::move(text.error()));
      } else if (!*text) {
        if (htaccess_.erase(path) != 0) model_.surroundings.accepted.erase(platform.name);
      } else if (const auto accepted = htaccess_.find(path);
                 accepted == htaccess_.end() || accepted->second != **text) {
        candidates_.push_back({platform.name, **std::move(text)});
      }
    }
  }

  void refuse(const registry::Platform& platform, Error error) {
    error.place.file = platform.docroot + "/.htaccess";
    error.message = "platform " + platform.name + " goes on with its old rules: " + error.message;
    if (error.hint.empty()) {
      error.hint = std::string(error.place.line != 0 ? "mend the line" : "put a plain text file there") +
                   ", and run `aegirc verify --platform " + platform.name + '`';
    }
    activation_.errors.push_back(std::move(error));
  }

  /// The files of this kind for the present state of affairs, named by their hash.
  Result<void> emit() {
    std::string& name = set_name();
    name.clear();
    for (const bool named : {false, true}) {
      Result<std::vector<emit::File>> all = emit::emit_all(config_, model_);
      if (!all) return pass(all);
      files_ = htaccess_;
      for (emit::File& file : *all) {
        if (is_ours(file.path)) files_[file.path] = std::move(file.content);
      }
      if (named) break;
      Files hashed = files_;
      for (const emit::PersonsFile& file : model_.surroundings.people) {
        if (!file.left_out && is_ours(file.path)) hashed[file.path] = people_[file.path];
      }
      name = hash_of(hashed);
    }
    line_ = status_line(name);
    return {};
  }

  /// Tries, leaving out what is refused, until the rest is taken. The error: nothing can be done.
  Result<void> settle() {
    std::vector<machine::Htaccess> asked = std::exchange(candidates_, {});
    for (;;) {
      Result<void> tried = attempt(asked);
      if (tried) break;
      if (Result<void> mended = leave_out(std::move(tried.error())); !mended) return mended;
      if (Result<void> ok = emit(); !ok) return ok;
    }
    const Files before = htaccess_;
    const std::set<std::string> accepted_before = model_.surroundings.accepted;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const registry::Platform& platform =
          *std::ranges::find(model_.platforms, asked[i].name, &registry::Platform::name);
      if (verdicts_[i]) {
        refuse(platform, *std::move(verdicts_[i]));
        continue;
      }
      htaccess_[emit::accepted_htaccess_path(config_, platform)] = std::move(asked[i].content);
      model_.surroundings.accepted.insert(platform.name);
    }
    if (htaccess_ == before) return {};
    // Once more with what was accepted, as a part of the whole.
    if (Result<void> ok = emit(); !ok) return ok;
    Result<void> whole = attempt({});
    if (whole) return {};
    whole.error().message =
        "Apache takes the new .htaccess files one by one, but not together with the rest; the old "
        "ones stay: " +
        whole.error().message;
    activation_.errors.push_back(std::move(whole.error()));
    htaccess_ = before;
    model_.surroundings.accepted = accepted_before;
    return emit();
  }

  /// Asks a server in a sandbox about files_.
  Result<void> attempt(const std::vector<machine::Htaccess>& asked) {
    machine::Change change;
    for (const auto& [path, content] : files_) change.files.push_back({path, content});
    if (kind_.service == registry::kNginx) return machine::try_nginx(config_, change);
    Result<machine::ApacheTrial> trial = machine::try_apache(config_, change, status_, line_, asked);
    if (!trial) return pass(trial);
    included_ = trial->has_ours;
    verdicts_ = std::move(trial->htaccess);
    return {};
  }

  /// Leaves out the person's file that an error names or, when it names none, those without which all is well.
  Result<void> leave_out(Error error) {
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

  void tell_left_out(const emit::PersonsFile& file, Error error) {
    if (error.place.file.empty()) error.place.file = file.path;
    error.message = std::string(kind_.name) + " goes on without this file: " + error.message;
    const auto server = std::ranges::find_if(model_.servers, [&](const registry::Server& each) {
      return file.path.starts_with(server_config_dir(config_, each.name) + '/');
    });
    error.hint = "mend it, and run `aegirc verify --server " + server->name + '`';
    activation_.errors.push_back(std::move(error));
  }

  [[nodiscard]] bool is_on_disk() const {
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
  bool serves_or_is_down() {
    const Result<machine::Answer> answer = machine::ask(status_, kAnswerPatience);
    is_down_ = !answer && answer.error().code == Code::kNotFound;
    return is_down_ || (answer && machine::has_line(answer->body, line_));
  }

  Result<void> install(const Files& files) {
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

  Result<void> put_in_force() {
    if (Result<void> ok = install(files_); !ok) return ok;
    if (serves_or_is_down()) {
      if (is_down_) {
        activation_.notes.push_back(std::string(kind_.name) + " does not run (nobody listens on " + status_.address +
                                    " port " + std::to_string(status_.port) +
                                    "); it reads its new configuration when it starts");
        return {};
      }
      return keep_good();
    }
    Result<void> reloaded = reload();
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

  /// Tells the server, and waits until it answers with line_.
  Result<void> reload() {
    const Reload& how = kind_.service == registry::kApache ? config_.apache_reload : config_.nginx_reload;
    if (Result<void> told = machine::reload_server(how, kind_.program, kind_.signal); !told) return told;
    const auto end = std::chrono::steady_clock::now() + kReloadPatience;
    for (;;) {
      Result<machine::Answer> answer = machine::ask(status_, kAnswerPatience);
      if (answer && machine::has_line(answer->body, line_)) return {};
      if (std::chrono::steady_clock::now() > end) {
        return fail(Code::kConflict,
                    std::string(kind_.name) + " does not answer with its new configuration at " + status_.address +
                        " port " + std::to_string(status_.port) +
                        (answer ? " (status " + std::to_string(answer->status) + ')' : ": " + answer.error().message),
                    "look into its error log; is its address one of probe_peers, and is aegir.conf included?");
      }
      std::this_thread::sleep_for(kAgain);
    }
  }

  /// Puts the last set that was in force back, and makes the server take it.
  Result<void> go_back(Error error) {
    error.message += "; the last configuration that was in force ";
    Result<Files> good = read_last_good(config_, kind_.folder);
    if (!good) {
      error.message += "is not known";
      return std::unexpected(std::move(error));
    }
    Result<void> back = install(*good);
    if (back) {
      for (const auto& [path, content] : *good) {
        if (path.ends_with("/aegir.conf")) line_ = status_line(name_in(kind_, content));
      }
      if (!serves_or_is_down()) back = reload();
    }
    error.message += back ? "is back" : "could not be put back: " + back.error().message;
    if (is_down_) error.hint = "start " + std::string(kind_.name) + ", which has ended";
    return std::unexpected(std::move(error));
  }

  /// What a server that runs has is good; of one that does not nobody knows.
  Result<void> keep_good() {
    return is_down_ ? Result<void>() : write_last_good(config_, accounts_, kind_.folder, files_);
  }

  std::string& set_name() {
    return kind_.service == registry::kApache ? model_.surroundings.apache : model_.surroundings.nginx;
  }

  [[nodiscard]] bool is_ours(std::string_view path) const {
    return path.starts_with(config_.config_dir + "/server_") &&
           path.find('/' + std::string(kind_.folder) + '/', config_.config_dir.size() + 1) != std::string_view::npos;
  }

  /// Those that this kind of server serves.
  [[nodiscard]] std::vector<registry::Platform> platforms() const {
    std::vector<registry::Platform> found;
    std::ranges::copy_if(model_.platforms, std::back_inserter(found), [&](const registry::Platform& platform) {
      return platform.state != registry::PlatformState::kDeleted && (platform.services & kind_.service) != 0;
    });
    return found;
  }

  const Kind& kind_;
  const Config& config_;
  const Accounts& accounts_;
  emit::Model model_;
  Activation& activation_;

  machine::Question status_;
  Files people_;      ///< people's files
  Files htaccess_;    ///< accepted ones, by their path beside the fragments
  Files files_;       ///< what is to be in force, htaccess_ too
  std::string line_;  ///< what the status has when it is
  std::vector<machine::Htaccess> candidates_;
  std::vector<std::optional<Error>> verdicts_;
  bool included_ = true;
  bool is_down_ = false;
};

}  // namespace

Result<emit::Surroundings> read_surroundings(const Config& config, const emit::Model& model) {
  emit::Surroundings around;
  for (const registry::Server& server : model.servers) {
    for (const Kind* kind : {&kApache, &kNginx}) {
      Result<std::vector<std::string>> files = machine::peoples_files(config, server.name, kind->folder);
      if (!files) return pass(files);
      for (std::string& path : *files) around.people.push_back({std::move(path)});
    }
  }
  std::ranges::sort(around.people, {}, &emit::PersonsFile::path);
  for (const registry::Platform& platform : model.platforms) {
    if (machine::read_config(config, emit::accepted_htaccess_path(config, platform))) {
      around.accepted.insert(platform.name);
    }
  }
  for (const registry::Server& server : model.servers) {
    for (const Kind* kind : {&kApache, &kNginx}) {
      const Result<std::string> conf =
          machine::read_config(config, server_config_dir(config, server.name) + '/' + kind->folder + "/aegir.conf");
      if (conf) (kind == &kApache ? around.apache : around.nginx) = name_in(*kind, *conf);
    }
  }
  return around;
}

Activation activate(const Config& config, const Accounts& accounts, emit::Model model,
                    const std::set<std::string>& read) {
  Activation activation;
  Result<emit::Surroundings> around = read_surroundings(config, model);
  if (!around) {
    activation.errors.push_back(std::move(around.error()));
    return activation;
  }
  model.surroundings = *std::move(around);
  for (const Kind* kind : {&kApache, &kNginx}) {
    Bringer bringer(*kind, config, accounts, model, activation);
    if (!bringer.find_service()) continue;
    Result<void> brought = bringer.bring(read);
    if (!brought) {
      activation.kept = true;
      brought.error().message = std::string(kind->name) + " keeps what it has: " + brought.error().message;
      activation.errors.push_back(std::move(brought.error()));
    }
  }
  return activation;
}

}  // namespace aegir::publish
