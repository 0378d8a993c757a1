#include "sidecar/monitor/reconcile_verbs.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "compiler/core/host_name.hpp"
#include "compiler/core/path.hpp"
#include "compiler/machine/code.hpp"
#include "compiler/machine/file.hpp"
#include "compiler/machine/machine.hpp"
#include "compiler/machine/privilege.hpp"
#include "compiler/machine/site_files.hpp"
#include "compiler/registry/validate.hpp"
#include "sidecar/monitor/php.hpp"
#include "sidecar/monitor/processes.hpp"
#include "sidecar/monitor/server_verbs.hpp"
#include "sidecar/monitor/site_verbs.hpp"
#include "sidecar/monitor/slot.hpp"

namespace aegir::monitor {
namespace {

using machine::Directory;

/// The directories in a platform's sites/. A docroot that is not there holds none.
Result<void> find_folders(const Config& config, const Accounts& accounts, const std::string& docroot,
                          std::vector<wire::FoundFolder>& folders) {
  if (Result<void> ok = machine::check_docroot(config, docroot); !ok) return ok;
  const std::array owners{accounts.aegir};
  const Result<Directory> sites = machine::open_directory(docroot + "/sites", owners);
  if (!sites && sites.error().code == Code::kNotFound) return {};
  if (!sites) return std::unexpected(sites.error());
  Result<std::vector<std::string>> names = machine::names_in(*sites);
  if (!names) return pass(names);
  for (std::string& name : *names) {
    struct stat status{};
    if (name == "all" || name == "default" ||
        ::fstatat(sites->fd.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(status.st_mode)) {
      continue;
    }
    folders.push_back({docroot, std::move(name), status.st_gid});
  }
  return {};
}

/// Whether a slot has left anything in its directories. Reads names alone: they are a tenant's.
bool has_files(const Directory& own) {
  return std::ranges::any_of(std::array{"home", "tmp", "sessions", "log"}, [&](const char* name) {
    const Directory folder{Fd(::openat(own.fd.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)),
                           own.path + '/' + name};
    Result<machine::Listing> listing =
        folder.fd ? machine::Listing::begin(folder) : fail_errno("can't be opened", folder.path, errno);
    return listing && listing->next();
  });
}

/// Whether it is a child of a PHP-FPM master, of which every slot has some, also a free or a retired one. A master is
/// root's, so that its name is true.
bool is_of_pool(pid_t pid) {
  constexpr std::string_view kParent = "\nPPid:\t";
  const Result<std::string> status = read_file("/proc/" + std::to_string(pid) + "/status");
  if (!status) return true;  // it has ended
  const std::size_t at = status->find(kParent);
  if (at == std::string::npos) return false;
  const std::size_t begin = at + kParent.size();
  const std::string parent = "/proc/" + status->substr(begin, status->find('\n', begin) - begin);
  struct stat owner{};
  const Result<std::string> name = read_file(parent + "/comm");
  return ::stat(parent.c_str(), &owner) == 0 && owner.st_uid == 0 && name && name->starts_with("php-fpm");
}

Result<void> find_slots(const Config& config, std::vector<wire::FoundSlot>& slots) {
  std::map<uid_t, std::uint64_t> processes;
  const Result<std::vector<Process>> running = processes_of(config.uid_first, config.uid_last);
  if (!running) return std::unexpected(running.error());
  for (const Process& process : *running) processes[process.uid] += is_of_pool(process.pid) ? 0 : 1;
  const Result<Directory> top = machine::open_directory(config.slot_dir);
  if (!top) return std::unexpected(top.error());
  const Result<std::vector<std::string>> blocks = machine::names_in(*top);
  if (!blocks) return std::unexpected(blocks.error());
  for (const std::string& name : *blocks) {
    const Result<Directory> block = machine::open_directory(top->path + '/' + name);
    const Result<std::vector<std::string>> numbers = block ? machine::names_in(*block) : std::unexpected(block.error());
    if (!numbers) return std::unexpected(numbers.error());
    for (const std::string& text : *numbers) {
      std::uint32_t number = 0;
      const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
      const Directory own{Fd(::openat(block->fd.get(), text.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)),
                          block->path + '/' + text};
      struct stat status{};
      if (problem != std::errc() || end != text.data() + text.size() || !own.fd ||
          ::fstat(own.fd.get(), &status) != 0 || !machine::is_slot(config, status.st_gid)) {
        continue;
      }
      slots.push_back(
          {{name, number, status.st_gid}, is_marked_retired(own.fd), has_files(own), processes[status.st_gid]});
    }
  }
  return {};
}

/// The uris that files of ours are called by: credentials for the command line, and aegir's aliases.
Result<std::set<std::string>> names_of_files(const Config& config, const Accounts& accounts) {
  std::set<std::string> uris;
  const auto add = [&](const std::string& folder, std::string_view suffix) -> Result<void> {
    const std::array owners{accounts.aegir};
    const Result<Directory> directory = machine::open_directory(folder, owners);
    if (!directory && directory.error().code == Code::kNotFound) return {};
    const Result<std::vector<std::string>> names =
        directory ? machine::names_in(*directory) : std::unexpected(directory.error());
    if (!names) return std::unexpected(names.error());
    for (const std::string& name : *names) {
      const std::string uri = name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : std::string();
      // Aegir's names of its other contexts.
      if (uri.starts_with("server_") || uri.starts_with("platform_")) continue;
      if (is_canonical_host(uri)) uris.insert(uri);
    }
    return {};
  };
  const Result<machine::AsRoot> root = machine::AsRoot::begin();
  if (!root) return std::unexpected(root.error());
  Result<void> read = add(config.config_dir + "/cli", ".php");
  if (read) read = add(config.aegir_root + "/.drush", ".alias.drushrc.php");
  if (!read) return pass(read);
  return uris;
}

std::string_view next_word(std::string_view& line) {
  constexpr std::string_view kBetween = " \t\r;";
  line.remove_prefix(std::min(line.find_first_not_of(kBetween), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBetween));
  line.remove_prefix(word.size());
  return word;
}

/// The host names that a file of people's gives to servers: ServerName, ServerAlias, server_name. It is read as lines
/// of words, which finds what people write.
void find_claims(const std::string& path, std::string_view text, std::vector<wire::ClaimedHost>& claimed) {
  const auto lower = [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); };
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    std::string directive(next_word(line));
    std::ranges::transform(directive, directive.begin(), lower);
    if (directive != "servername" && directive != "serveralias" && directive != "server_name") continue;
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
      if (const std::size_t scheme = word.find("://"); scheme != std::string_view::npos) word.remove_prefix(scheme + 3);
      std::string host(word.substr(0, word.find(':')));
      std::ranges::transform(host, host.begin(), lower);
      if (is_canonical_host(host)) claimed.push_back({path, host});
    }
  }
}

Result<void> find_claimed(const Config& config, const std::string& server, std::vector<wire::ClaimedHost>& claimed) {
  if (!registry::is_object_name(server)) return fail(Code::kInvalid, "'" + server + "' is no name of a server");
  for (const char* service : {"apache", "nginx"}) {
    const Result<std::vector<std::string>> files = machine::peoples_files(config, server, service);
    if (!files) return std::unexpected(files.error());
    for (const std::string& path : *files) {
      // Those stand inside of what we emit.
      if (path.ends_with(".local.conf")) continue;
      const Result<machine::AsRoot> root = machine::AsRoot::begin();
      if (!root) return std::unexpected(root.error());
      const Result<std::string> text = machine::read_config(config, path);
      if (text) find_claims(path, *text, claimed);
    }
  }
  return {};
}

}  // namespace

void take(wire::Compared& found, Result<void> looked) {
  if (looked) return;
  Error& error = looked.error();
  if (error.code == Code::kNotFound && !error.place.file.empty()) {
    found.lines.push_back(error.place.file + ": missing");
  } else {
    found.errors.push_back(std::move(error));
  }
}

void take(wire::Compared& found, Result<std::vector<Error>> looked) {
  if (!looked) return take(found, Result<void>(std::unexpected(std::move(looked.error()))));
  std::ranges::move(*looked, std::back_inserter(found.errors));
}

verify::OnFile line_into(wire::Compared& found) {
  return [&found](const publish::FileChange& change) -> Result<void> {
    constexpr std::array<const char*, 3> kWords = {"missing", "changed", "of nobody any more"};
    found.lines.push_back(change.path + ": " + kWords[static_cast<std::size_t>(change.what)]);
    return {};
  };
}

Result<wire::Comparison> compare(const Config& config, const Accounts& accounts, const wire::CompareOrder& order) {
  wire::Comparison found;
  if (order.model) {
    Result<wire::Compared> servers = compare_servers(config, accounts, *order.model);
    if (!servers) return pass(servers);
    found.servers = *std::move(servers);
  }
  for (const wire::PlatformFilesOrder& platform : order.platforms) {
    Result<wire::Compared> compared = compare_platform(config, accounts, platform);
    if (!compared) return pass(compared);
    found.platforms.push_back(*std::move(compared));
  }
  for (const wire::SiteFilesOrder& site : order.sites) found.sites.push_back(compare_site(config, accounts, site));
  return found;
}

Result<wire::Survey> survey(const Config& config, const Accounts& accounts, const wire::SurveyOrder& order) {
  wire::Survey found;
  {
    const Result<machine::AsRoot> root = machine::AsRoot::begin();
    if (!root) return std::unexpected(root.error());
    for (const std::string& docroot : std::set(order.docroots.begin(), order.docroots.end())) {
      if (Result<void> ok = find_folders(config, accounts, docroot, found.folders); !ok) return pass(ok);
    }
    if (Result<void> ok = find_slots(config, found.slots); !ok) return pass(ok);
  }
  const Result<std::set<std::string>> uris = names_of_files(config, accounts);
  if (!uris) return std::unexpected(uris.error());
  for (const std::string& uri : *uris) {
    const Result<std::vector<std::string>> paths = machine::written_for(config, accounts, uri);
    if (!paths) return std::unexpected(paths.error());
    if (!paths->empty()) found.written.push_back(uri);
  }
  for (const std::string& server : order.servers) {
    if (Result<void> ok = find_claimed(config, server, found.claimed); !ok) return pass(ok);
  }
  for (const wire::PhpOrder& block : order.blocks) {
    const Result<bool> answers = php_answers(config, block);
    if (!answers && answers.error().code != Code::kNotFound) return std::unexpected(answers.error());
    if (answers && !*answers) found.without_php.push_back(block);
  }
  return found;
}

}  // namespace aegir::monitor
