#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "compiler/core/host_name.hpp"
#include "compiler/machine/code.hpp"
#include "compiler/machine/machine.hpp"
#include "compiler/machine/privilege.hpp"
#include "compiler/machine/site_parts.hpp"

namespace aegir::machine {
namespace {

// private/ is the site's own already; what lies in it is made by nobody else. The web server enters private/files, to
// send what PHP tells it to.
Result<void> prepare_private(const Accounts& accounts, const SitePlace& place, const Directory& directory) {
  return run_as({place.uid, place.uid}, [&]() -> Result<void> {
    Done unheard;  // a child can't report; the parent says that it was done
    const std::array web{AclEntry{AclEntry::Kind::kUser, accounts.web, 05}};
    Result<Directory> files =
        ensure_directory(directory, "files",
                         {.owner = place.uid, .group = place.uid, .mode = 02770, .acl = web, .inherit = true}, unheard);
    if (!files) return pass(files);
    const Wanted own{.owner = place.uid, .group = place.uid, .mode = 02770};
    Result<Directory> temp = ensure_directory(directory, "temp", own, unheard);
    if (!temp) return pass(temp);
    // Drupal's installer takes a settings.php that names a missing folder for incomplete, and wants to write it.
    Result<Directory> configuration = ensure_directory(directory, "config", own, unheard);
    if (configuration) configuration = ensure_directory(*configuration, "sync", own, unheard);
    if (!configuration) return pass(configuration);
    return {};
  });
}

Fd open_below(const Directory& parent, const char* path) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  return Fd(static_cast<int>(::syscall(SYS_openat2, parent.fd.get(), path, &how, sizeof how)));
}

std::string directory_of(const SitePlace& place) { return place.docroot + "/sites/" + place.uri; }

std::string how_to_take_over(const SitePlace& place) {
  const std::string id = std::to_string(place.uid);
  return "move " + directory_of(place) + " away; or, when it is this site's own of old, `chgrp " + id +
         "` it and `chown -R " + id + ':' + id + "` its files and private";
}

/// The same for files/ or private/ alone, in a site's directory that has its group already.
std::string how_to_take_over(const SitePlace& place, const std::string& found) {
  const std::string id = std::to_string(place.uid);
  return "when it is this site's own, `chown -R " + id + ':' + id + ' ' + found +
         "` (where a link stands, put the directory itself); else move " + directory_of(place) + " away";
}

/// Whether sites/<uri> is this site's own already: its settings are readable for it and for nobody else.
bool is_own(const Accounts& accounts, const SitePlace& place) {
  struct stat status{};
  return ::lstat(directory_of(place).c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_gid == place.uid &&
         (status.st_uid == 0 || status.st_uid == accounts.aegir);
}

/// Whose the directories are that tell one site's place from another's.
Result<void> look_at_owners(const Accounts& accounts, const SitePlace& place) {
  const std::string directory = directory_of(place);
  Result<void> fine = look_at_directory(directory, accounts.aegir);
  for (const char* name : {"/files", "/private"}) {
    if (fine) fine = look_at_directory(directory + name, place.uid, accounts.aegir);
  }
  if (!fine && fine.error().code == Code::kConflict) {
    const std::string& found = fine.error().place.file;
    fine.error().hint =
        is_own(accounts, place) && found != directory ? how_to_take_over(place, found) : how_to_take_over(place);
  }
  return fine;
}

constexpr std::array kCodeFolders = {"modules", "themes", "libraries"};

// How long the run over one site's data may take: a million files on a slow disk. Its own processes can stop it.
constexpr std::chrono::minutes kTreePatience{10};

/// The site's own data, put right as the site. What is another's in its place is left.
Result<void> ensure_data(const Accounts& accounts, const SitePlace& place, const Directory& site) {
  const Identity own{place.uid, place.uid};
  return run_as(
      own,
      [&]() -> Result<void> {
        Done unheard;  // as in prepare_private()
        const std::array web{AclEntry{AclEntry::Kind::kUser, accounts.web, 05}};
        Steps steps;
        // The web server reads files/ as one of the others.
        if (const std::optional<Directory> files = open_own(site, place, "files")) {
          steps.take(ensure_below(*files, {.owner = own, .directories = 02755, .files = 0444, .special_files = true},
                                  unheard));
        }
        const std::optional<Directory> closed = open_own(site, place, "private");
        if (!closed) return steps.end();
        steps.take(ensure_below(*closed,
                                {.owner = own,
                                 .directories = 02700,
                                 .files = 0400,
                                 .special_files = true,
                                 .leave = [](std::string_view path) { return path == "files"; }},
                                unheard));
        const Directory sent{open_below(*closed, "files"), closed->path + "/files"};
        steps.take(sent.fd
                       ? ensure_below(
                             sent,
                             {.owner = own, .directories = 02770, .files = 0440, .guests = web, .special_files = true},
                             unheard)
                       : fail_errno("the directory can't be opened", sent.path, errno));
        return steps.end();
      },
      kTreePatience);
}

}  // namespace

Result<void> check_place(const Config& config, const SitePlace& place) {
  if (Result<void> ok = check_slot(config, place.uid); !ok) return ok;
  if (Result<void> ok = check_docroot(config, place.docroot); !ok) return ok;
  // "all" and "default" are Drupal's own folders in sites/.
  if (!is_canonical_host(place.uri) || place.uri == "all" || place.uri == "default") {
    return fail(Code::kInvalid, "'" + place.uri + "' can't be the directory of a site");
  }
  return {};
}

std::optional<Directory> open_own(const Directory& site, const SitePlace& place, const char* name) {
  Directory directory{open_below(site, name), site.path + '/' + name};
  struct stat status{};
  if (!directory.fd || ::fstat(directory.fd.get(), &status) != 0 || status.st_uid != place.uid) return std::nullopt;
  return directory;
}

Result<void> hand_over(const Accounts& accounts, const SitePlace& place, const Directory& site, Done& done) {
  const Rules rules{.owner = {place.uid, place.uid},
                    .adopts = [&](uid_t uid) { return uid == 0 || uid == accounts.aegir; },
                    .only_owners = true,
                    .special_files = true};
  Steps steps;
  for (const char* name : {"files", "private"}) {
    if (const std::optional<Directory> top = open_own(site, place, name)) steps.take(ensure_below(*top, rules, done));
  }
  return steps.end();
}

bool links_are_protected() {
  const Result<std::string> text = read_file("/proc/sys/fs/protected_hardlinks");
  return text && text->starts_with('1');
}

Result<void> prepare_site(const Config& config, const Accounts& accounts, const SitePlace& place, Done& done) {
  if (Result<void> ok = check_place(config, place); !ok) return ok;
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  // First, so that a refusal leaves everything as it was: settings of a site that had this name must not become
  // readable for the new one. In a directory that is its own, what is another's keeps nothing else from being put
  // right.
  Steps steps;
  steps.take(look_at_owners(accounts, place));
  if (!steps.fine() && !is_own(accounts, place)) return steps.end();
  const uid_t aegir = accounts.aegir;
  const gid_t group = accounts.aegir_group;
  const std::array owners{aegir};
  Result<Directory> docroot = open_directory(place.docroot, owners);
  if (!docroot) return pass(docroot);
  Result<Directory> sites = ensure_directory(*docroot, "sites", {.owner = aegir, .group = group, .mode = 02771}, done);
  if (!sites) return pass(sites);

  const std::array guests{AclEntry{AclEntry::Kind::kUser, accounts.web, 01},
                          AclEntry{AclEntry::Kind::kGroup, group, 05}};
  Result<Directory> site =
      ensure_directory(*sites, place.uri, {.owner = aegir, .group = place.uid, .mode = 02750, .acl = guests}, done);
  if (!site) return pass(site);
  for (const char* name : kCodeFolders) {
    Result<Directory> code = open_or_make(*site, name, aegir, done);
    steps.take(code);
    if (code) steps.take(ensure_top(*code, shared_code_rules(config, accounts), done));
  }
  for (const char* name : {"settings.php", "drushrc.php", "local.settings.php"}) {
    steps.take(ensure_file(*site, name, aegir, place.uid, 0440, done));
  }
  steps.take(ensure_directory(*site, "files", {.owner = place.uid, .group = place.uid, .mode = 02775}, done, aegir));
  const std::array web{AclEntry{AclEntry::Kind::kUser, accounts.web, 01}};
  Result<Directory> closed = ensure_directory(
      *site, "private", {.owner = place.uid, .group = place.uid, .mode = 02770, .acl = web}, done, aegir);
  steps.take(closed);
  if (closed) steps.take(prepare_private(accounts, place, *closed));
  return steps.end();
}

Result<void> prepare_site_tree(const Config& config, const Accounts& accounts, const SitePlace& place, Done& done) {
  Steps steps;
  steps.take(prepare_site(config, accounts, place, done));
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  if (!steps.fine() && !is_own(accounts, place)) return steps.end();
  const std::array owners{accounts.aegir};
  const Result<Directory> site = open_directory(directory_of(place), owners);
  if (!site) return std::unexpected(site.error());
  for (const char* name : kCodeFolders) {
    const Directory code{open_below(*site, name), site->path + '/' + name};
    steps.take(code.fd ? ensure_below(code, shared_code_rules(config, accounts), done)
                       : fail_errno("the directory can't be opened", code.path, errno));
  }
  Result<void> data = ensure_data(accounts, place, *site);
  if (!data && data.error().code == Code::kConflict && links_are_protected()) {
    Result<void> handed = hand_over(accounts, place, *site, done);
    data = ensure_data(accounts, place, *site);
    if (data) data = std::move(handed);
  }
  steps.take(std::move(data));
  return steps.end();
}

bool is_own_site(const Accounts& accounts, const SitePlace& place) {
  const Result<AsRoot> root = AsRoot::begin();
  return root && is_own(accounts, place);
}

Result<void> look_at_site(const Config& config, const Accounts& accounts, const SitePlace& place) {
  if (Result<void> ok = check_place(config, place); !ok) return ok;
  const Result<AsRoot> root = AsRoot::begin();
  if (!root) return std::unexpected(root.error());
  if (Result<void> fine = look_at_owners(accounts, place); !fine) return fine;
  // A directory without files/ may still hold the settings of another, which its group can read.
  const std::string directory = directory_of(place);
  struct stat status{};
  if (::lstat(directory.c_str(), &status) != 0) return {};
  const gid_t group = status.st_gid;
  if (group == place.uid || !is_slot(config, group)) return {};
  return fail_at(
      directory, Code::kConflict,
      "found a directory of group " + std::to_string(group) + ", expected group " + std::to_string(place.uid),
      how_to_take_over(place));
}

}  // namespace aegir::machine
