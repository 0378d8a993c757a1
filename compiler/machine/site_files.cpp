#include "compiler/machine/site_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "compiler/core/host_name.hpp"
#include "compiler/machine/code.hpp"
#include "compiler/machine/file.hpp"
#include "compiler/machine/privilege.hpp"

namespace aegir::machine {
namespace {

constexpr std::string_view kDrushYml = "drush.yml";

const char* name_of(SiteFile file) {
  switch (file) {
    case SiteFile::kSettings:
      return "settings.php";
    case SiteFile::kDrushrc:
      return "drushrc.php";
    case SiteFile::kLocalSettings:
      return "local.settings.php";
    case SiteFile::kLocalDrushrc:
      break;
  }
  return "local.drushrc.php";
}

/// Names come from the registry; none may lead out of the folder that it is meant for.
Result<void> check_uri(const std::string& uri) {
  if (is_canonical_host(uri)) return {};
  return fail(Code::kInvalid, "'" + uri + "' is no name of a site");
}

Result<void> check_name(const std::string& name) {
  if (!name.empty() && name.front() != '.' && name.find('/') == std::string::npos) return {};
  return fail(Code::kInvalid, "'" + name + "' is no name of a file");
}

Result<Directory> open_site(const Config& config, const Accounts& accounts, const SitePlace& place) {
  if (Result<void> ok = check_uri(place.uri); !ok) return pass(ok);
  if (Result<void> ok = check_docroot(config, place.docroot); !ok) return pass(ok);
  const std::array owners{accounts.aegir};
  return open_directory(place.docroot + "/sites/" + place.uri, owners);
}

constexpr std::size_t kHead = 200;  ///< of a file, in which the mark stands

bool is_emitted(std::string_view content) { return content.substr(0, kHead).find(kEmittedMark) != std::string::npos; }

/// Whether aegirc has written it, so that it may be taken away.
bool has_emitted(const Directory& directory, const std::string& name, uid_t owner) {
  const Result<std::optional<std::string>> present = read_head_in(directory, name, owner, kHead);
  // What can't be read as ours is not ours to take away.
  return present && *present && is_emitted(**present);
}

/// "x" or "sites/x" below a folder; nothing when it, or the folder in it, is not there.
Result<std::optional<std::string>> read_below(const std::string& top, const std::string& path, uid_t owner) {
  const std::string file = top + '/' + path;
  const std::size_t slash = file.rfind('/');
  const std::array owners{owner};
  Result<Directory> folder = open_directory(file.substr(0, slash), owners);
  if (!folder && folder.error().code == Code::kNotFound) return std::optional<std::string>();
  if (!folder) return pass(folder);
  return read_file_in(*folder, file.substr(slash + 1), owner);
}

/// "sites/x" is "x" in a folder "sites" of `top`, which is made when it is missing.
Result<void> install_below(const Directory& top, const DrushFile& file, const Identity& owner, Done& done) {
  const auto& [path, content] = file;
  const std::size_t slash = path.find('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (Result<void> ok = check_name(name); !ok) return ok;
  const WantedFile wanted{.owner = owner.uid, .group = owner.gid, .mode = 0440};
  if (name == kDrushYml) {
    Result<std::optional<std::string>> present = read_file_in(top, name, owner.uid);
    if (!present) return pass(present);
    // A person's own stays, and has to name the folder of our aliases by itself.
    const std::string aliases = top.path + "/sites";
    if (*present && keeps_drush_file(name, **present)) {
      if ((*present)->find(aliases) != std::string::npos) return {};
      return fail_at(top.path + '/' + name, Code::kConflict,
                     "somebody's own file does not name the folder of aegirc's aliases",
                     "add \"" + aliases + "\" to drush.paths.alias-path in it");
    }
  }
  if (slash == std::string::npos) return install_file(top, name, content, wanted, done);
  if (Result<void> ok = check_name(path.substr(0, slash)); !ok) return ok;
  Result<Directory> folder =
      ensure_directory(top, path.substr(0, slash), {.owner = owner.uid, .group = owner.gid, .mode = 0700}, done);
  if (!folder) return pass(folder);
  return install_file(*folder, name, content, wanted, done);
}

/// The names in a folder of the slot's of what is aegirc's and not among `files`. The folder is a tenant's, who can put
/// any number of files of any size there: memory and time stay bounded.
Result<std::vector<std::string>> others_in(const Directory& folder, const std::string& prefix,
                                           const std::vector<DrushFile>& files, uid_t owner) {
  constexpr std::size_t kMostAliases = 1000;
  Result<Listing> listing = Listing::begin(folder);
  if (!listing) return pass(listing);
  std::vector<std::string> names;
  std::size_t aliases = 0;
  while (std::optional<std::string> name = listing->next()) {
    if (!name->ends_with(".alias.drushrc.php") && !name->ends_with(".site.yml")) continue;
    if (std::ranges::find(files, prefix + *name, &DrushFile::first) != files.end()) continue;
    if (++aliases > kMostAliases) {
      return fail_at(folder.path, Code::kConflict, "holds more than 1,000 Drush aliases, which were not looked through",
                     "remove those that are not needed");
    }
    if (has_emitted(folder, *name, owner)) names.push_back(*std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

Result<void> remove_others(const Directory& folder, const std::string& prefix, const std::vector<DrushFile>& files,
                           uid_t owner) {
  Result<std::vector<std::string>> names = others_in(folder, prefix, files, owner);
  if (!names) return pass(names);
  Done unheard;
  for (const std::string& name : *names) {
    if (Result<void> ok = remove_file(folder, name, unheard); !ok) return ok;
  }
  return {};
}

}  // namespace

Result<std::optional<std::string>> read_site_file(const Config& config, const Accounts& accounts,
                                                  const SitePlace& place, SiteFile file) {
  if (Result<void> ok = check_slot(config, place.uid); !ok) return pass(ok);
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  Result<Directory> site = open_site(config, accounts, place);
  if (!site) return pass(site);
  return read_file_in(*site, name_of(file), accounts.aegir);
}

Result<void> install_site_file(const Config& config, const Accounts& accounts, const SitePlace& place, SiteFile file,
                               std::string_view content, Done& done) {
  if (Result<void> ok = check_slot(config, place.uid); !ok) return ok;
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  Result<Directory> site = open_site(config, accounts, place);
  if (!site) return pass(site);
  // drushrc.php holds what people have set, and the site does not work without settings.php.
  return install_file(*site, name_of(file), content,
                      {.owner = accounts.aegir, .group = place.uid, .mode = 0440, .durable = true}, done);
}

Result<std::optional<std::string>> read_cli_file(const Config& config, const Accounts& accounts,
                                                 const std::string& uri) {
  if (Result<void> ok = check_uri(uri); !ok) return pass(ok);
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  return read_below(config.config_dir + "/cli", uri + ".php", accounts.aegir);
}

Result<void> install_cli_file(const Config& config, const Accounts& accounts, const SitePlace& place,
                              std::string_view content, Done& done) {
  if (Result<void> ok = check_uri(place.uri); !ok) return ok;
  if (Result<void> ok = check_slot(config, place.uid); !ok) return ok;
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  Result<Directory> folder = open_directory(config.config_dir + "/cli");
  if (!folder) return pass(folder);
  return install_file(*folder, place.uri + ".php", content, {.owner = accounts.aegir, .group = place.uid, .mode = 0440},
                      done);
}

bool keeps_drush_file(std::string_view path, std::string_view present) {
  return path == kDrushYml && !is_emitted(present);
}

Result<std::optional<std::string>> read_drush_file(const Config& config, const Accounts& accounts,
                                                   const std::string& path) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  return read_below(config.aegir_root + "/.drush", path, accounts.aegir);
}

Result<std::optional<std::string>> read_slot_drush_file(const std::string& slot_home, uid_t uid,
                                                        const std::string& path) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  return read_below(slot_home + "/home/.drush", path, uid);
}

Result<std::vector<std::string>> other_slot_drush_files(const std::string& slot_home, uid_t uid,
                                                        const std::vector<DrushFile>& files) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  const std::array owners{uid};
  std::vector<std::string> paths;
  for (const std::string prefix : {"", "sites/"}) {
    const std::string top = slot_home + "/home/.drush/" + prefix;
    Result<Directory> folder = open_directory(top.substr(0, top.size() - 1), owners);
    if (!folder && folder.error().code == Code::kNotFound) continue;
    if (!folder) return pass(folder);
    Result<std::vector<std::string>> names = others_in(*folder, prefix, files, uid);
    if (!names) return names;
    for (const std::string& name : *names) paths.push_back(top + name);
  }
  return paths;
}

Result<void> install_drush_files(const Config& config, const Accounts& accounts, const std::vector<DrushFile>& files,
                                 Done& done) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  const std::array owners{accounts.aegir};
  Result<Directory> folder = open_directory(config.aegir_root + "/.drush", owners);
  if (!folder) return pass(folder);
  for (const DrushFile& file : files) {
    Result<void> ok = install_below(*folder, file, {accounts.aegir, accounts.aegir_group}, done);
    if (!ok) return ok;
  }
  return {};
}

Result<void> install_slot_drush_files(const std::string& slot_home, uid_t uid, bool alone,
                                      const std::vector<DrushFile>& files) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  const Identity own{uid, uid};
  return run_as(own, [&]() -> Result<void> {
    Done unheard;  // a child can't report
    const std::array owners{uid};
    Result<Directory> home = open_directory(slot_home + "/home", owners);
    if (!home) return pass(home);
    Result<Directory> folder = ensure_directory(*home, ".drush", {.owner = uid, .group = uid, .mode = 0700}, unheard);
    if (!folder) return pass(folder);
    for (const DrushFile& file : files) {
      if (Result<void> ok = install_below(*folder, file, own, unheard); !ok) return ok;
    }
    if (!alone) return {};
    if (Result<void> ok = remove_others(*folder, "", files, uid); !ok) return ok;
    Result<Directory> sites = ensure_directory(*folder, "sites", {.owner = uid, .group = uid, .mode = 0700}, unheard);
    if (!sites) return pass(sites);
    return remove_others(*sites, "sites/", files, uid);
  });
}

Result<void> install_platform_file(const Config& config, const Accounts& accounts, const std::string& docroot,
                                   const PlatformFile& file, Done& done) {
  if (Result<void> ok = check_docroot(config, docroot); !ok) return ok;
  if (Result<void> ok = check_name(file.name); !ok) return ok;
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  const std::array owners{accounts.aegir};
  Result<Directory> folder = open_directory(docroot, owners);
  // sites/ is a passage (prepare_site()), the others are code.
  mode_t mode = 02771;
  for (std::size_t begin = 0; folder && begin < file.folder.size(); mode = 02775) {
    const std::size_t end = std::min(file.folder.find('/', begin), file.folder.size());
    const std::string name = file.folder.substr(begin, end - begin);
    if (Result<void> ok = check_name(name); !ok) return ok;
    Result<Directory> next = open_directory(folder->path + '/' + name, owners);
    if (!next && next.error().code == Code::kNotFound) {
      next =
          ensure_directory(*folder, name, {.owner = accounts.aegir, .group = accounts.aegir_group, .mode = mode}, done);
    }
    folder = std::move(next);
    begin = end + 1;
  }
  if (!folder) return pass(folder);
  if (!file.keep_as.empty()) {
    if (Result<void> ok = check_name(file.keep_as); !ok) return ok;
    Result<std::optional<std::string>> present = read_file_in(*folder, file.name, accounts.aegir);
    if (!present) return pass(present);
    if (*present && !is_emitted(**present)) {
      if (Result<void> fine = file.look ? file.look(**present) : Result<void>(); !fine) return fine;
      const int at = folder->fd.get();
      if (::renameat2(at, file.name.c_str(), at, file.keep_as.c_str(), RENAME_NOREPLACE) == 0) {
        done.push_back(folder->path + '/' + file.name + ": moved to " + file.keep_as);
      } else if (errno == EEXIST) {
        return fail_at(folder->path + '/' + file.name, Code::kConflict,
                       "somebody has written this file, and there is a " + file.keep_as + " already",
                       "put what is to stay of it into " + file.keep_as + ", remove it, and run the command again");
      } else {
        return fail_errno("can't be moved to " + file.keep_as, folder->path + '/' + file.name, errno);
      }
    }
  }
  const mode_t readable = file.open ? 0644 : 0440;
  return install_file(*folder, file.name, file.content,
                      {.owner = accounts.aegir, .group = accounts.aegir_group, .mode = readable, .durable = true},
                      done);
}

Result<std::optional<std::string>> read_platform_file(const Config& config, const Accounts& accounts,
                                                      const std::string& docroot, const std::string& folder,
                                                      const std::string& name) {
  if (Result<void> ok = check_docroot(config, docroot); !ok) return pass(ok);
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  const std::array owners{accounts.aegir};
  Result<Directory> directory = open_directory(docroot + '/' + folder, owners);
  if (!directory && directory.error().code == Code::kNotFound) return std::optional<std::string>();
  if (!directory) return pass(directory);
  return read_file_in(*directory, name, accounts.aegir);
}

Result<void> link_site_to_client(const Config& config, const Accounts& accounts, const SitePlace& place,
                                 const std::string& client, Done& done) {
  if (Result<void> ok = check_uri(place.uri); !ok) return ok;
  if (Result<void> ok = check_name(client); !ok) return ok;
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  const std::array owners{accounts.aegir};
  Result<Directory> clients = open_directory(config.aegir_root + "/clients", owners);
  if (!clients) return pass(clients);
  const Wanted wanted{.owner = accounts.aegir, .group = accounts.aegir_group, .mode = 02750};
  Result<Directory> own = ensure_directory(*clients, client, wanted, done);
  if (!own) return pass(own);
  Result<Directory> backups = ensure_directory(*own, "backups", wanted, done);
  if (!backups) return pass(backups);
  return install_link(*own, place.uri, place.docroot + "/sites/" + place.uri, accounts.aegir, accounts.aegir_group,
                      done);
}

Result<void> unlink_site_from_others(const Config& config, const Accounts& accounts, const std::string& uri,
                                     const std::string& client, Done& done) {
  if (Result<void> ok = check_uri(uri); !ok) return ok;
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  const std::array owners{accounts.aegir};
  Result<Directory> clients = open_directory(config.aegir_root + "/clients", owners);
  if (!clients) return pass(clients);
  Result<std::vector<std::string>> names = names_in(*clients);
  if (!names) return pass(names);
  for (const std::string& name : *names) {
    if (name == client) continue;
    struct stat status{};
    const std::string link = name + '/' + uri;
    if (::fstatat(clients->fd.get(), link.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISLNK(status.st_mode)) {
      continue;
    }
    Result<Directory> other = open_directory(clients->path + '/' + name, owners);
    if (!other) return pass(other);
    if (Result<void> ok = remove_file(*other, uri, done); !ok) return ok;
  }
  return {};
}

Result<std::vector<std::string>> written_for(const Config& config, const Accounts& accounts, const std::string& uri) {
  if (Result<void> ok = check_uri(uri); !ok) return pass(ok);
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  const std::array owners{accounts.aegir};
  const struct {
    std::string folder;
    std::string name;
  } files[] = {
      {config.aegir_root + "/.drush", uri + ".alias.drushrc.php"},
      {config.aegir_root + "/.drush/sites", dotless_host(uri) + ".site.yml"},
      // Last: it says that there may be something of this site (each_written_site()).
      {config.config_dir + "/cli", uri + ".php"},
  };
  std::vector<std::string> paths;
  for (const auto& [folder, name] : files) {
    Result<Directory> directory = open_directory(folder, owners);
    if (!directory && directory.error().code == Code::kNotFound) continue;
    if (!directory) return pass(directory);
    if (has_emitted(*directory, name, accounts.aegir)) paths.push_back(folder + '/' + name);
  }
  return paths;
}

Result<void> forget_site(const Config& config, const Accounts& accounts, const std::string& uri, Done& done) {
  if (Result<void> ok = unlink_site_from_others(config, accounts, uri, {}, done); !ok) return ok;
  Result<std::vector<std::string>> paths = written_for(config, accounts, uri);
  if (!paths) return pass(paths);
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  const std::array owners{accounts.aegir};
  for (const std::string& path : *paths) {
    const std::size_t slash = path.rfind('/');
    Result<Directory> directory = open_directory(path.substr(0, slash), owners);
    if (!directory) return pass(directory);
    if (Result<void> ok = remove_file(*directory, path.substr(slash + 1), done); !ok) return ok;
  }
  return {};
}

Result<void> forget_drush_file(const Config& config, const Accounts& accounts, const std::string& name, Done& done) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  const std::array owners{accounts.aegir};
  Result<Directory> folder = open_directory(config.aegir_root + "/.drush", owners);
  if (!folder) return folder.error().code == Code::kNotFound ? Result<void>() : pass(folder);
  if (!has_emitted(*folder, name, accounts.aegir)) return {};
  return remove_file(*folder, name, done);
}

Result<void> each_written_site(const Config& config, const std::function<Result<void>(const std::string& uri)>& visit) {
  constexpr std::string_view kSuffix = ".php";
  const auto begin = [&]() -> Result<Listing> {
    Result<AsRoot> root = AsRoot::begin();
    if (!root) return pass(root);
    Result<Directory> folder = open_directory(config.config_dir + "/cli");
    if (!folder) return pass(folder);
    return Listing::begin(*folder);
  };
  Result<Listing> names = begin();
  if (!names) return pass(names);
  while (const std::optional<std::string> name = names->next()) {
    if (!name->ends_with(kSuffix)) continue;
    const std::string uri = name->substr(0, name->size() - kSuffix.size());
    if (!is_canonical_host(uri)) continue;
    if (Result<void> ok = visit(uri); !ok) return ok;
  }
  return {};
}

}  // namespace aegir::machine
