#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "compiler/machine/code.hpp"
#include "compiler/machine/machine.hpp"
#include "compiler/machine/privilege.hpp"

namespace aegir::machine {
namespace {

constexpr std::array<std::string_view, 3> kPeoplesFolders = {"modules", "themes", "libraries"};
constexpr std::array<std::string_view, 4> kPeoplesFoldersBesideCore = {"modules", "themes", "libraries", "layouts"};

std::string parent_of(const std::string& path) { return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1)); }
std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool is_there(const Directory& parent, const char* name, mode_t type) {
  struct stat status{};
  return ::fstatat(parent.fd.get(), name, &status, AT_SYMLINK_NOFOLLOW) == 0 && (status.st_mode & S_IFMT) == type;
}

/// Opens a directory of code, which may still be the person's who unpacked it, and gives it to aegir. Only a directory
/// that lies where nobody else could have put it.
Result<Directory> open_code(const std::string& path, const Rules& rules, Done& done) {
  const std::array owners{rules.owner.uid};
  Result<Directory> open = open_directory(path, owners);
  if (!open && open.error().code == Code::kPermission) {
    Result<Directory> parent = open_directory(parent_of(path), owners);
    if (!parent) return parent;
    struct stat status{};
    const std::string name = name_of(path);
    if (::fstatat(parent->fd.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return open;
    if (!rules.adopts(status.st_uid)) return open;
    open = open_or_make(*parent, name, rules.owner.uid, done, status.st_uid);
  }
  if (!open) return open;
  if (Result<void> ok = ensure_top(*open, rules, done); !ok) return pass(ok);
  return open;
}

/// Whether the docroot's autoload.php is Composer's one, which loads ../vendor/, and that is there: then its parent is
/// code as well. The docroot alone can't say so, since its author could mean the folder of all platforms.
bool is_composer_project(const std::string& docroot) {
  constexpr std::size_t kMost = 64U << 10U;
  const Result<std::string> text = read_file(docroot + "/autoload.php", kMost);
  struct stat status{};
  return text && text->contains("/../vendor/autoload.php") &&
         ::lstat((parent_of(docroot) + "/vendor/autoload.php").c_str(), &status) == 0;
}

/// What belongs to the person who builds the code and not to what runs: version control, keys of Composer, environment.
bool is_private(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name == ".git" || name == ".hg" || name == ".svn" || name == ".ssh" || name == "auth.json" || name == ".env" ||
         name.starts_with(".env.");
}

/// Below sites/ what is every site's, but for the folder `all`: the files, and in `default` what Drupal brings along,
/// not what a site keeps there. All other folders are sites' and staged trees.
bool is_everybodys(const Directory& sites, std::string_view path) {
  constexpr std::string_view kDefault = "default/";
  if (path.starts_with(kDefault)) return path.substr(kDefault.size()).starts_with("default.");
  return path == "default" || !is_there(sites, std::string(path).c_str(), S_IFDIR);
}

/// Opens a folder of code in `parent`, whoever of those that `rules` adopts it belongs to, and puts it right with all
/// that is in it, except what `rules` leave. Nothing is done about a link, nor, without `make`, about what is not
/// there.
Result<void> ensure_folder(const Directory& parent, std::string_view name, bool make, const Rules& rules, Done& done) {
  const std::string folder(name);
  struct stat status{};
  const bool there = ::fstatat(parent.fd.get(), folder.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (there ? S_ISLNK(status.st_mode) : !make) return {};
  const uid_t adopt = there && rules.adopts(status.st_uid) ? status.st_uid : rules.owner.uid;
  Result<Directory> open = open_or_make(parent, folder, rules.owner.uid, done, adopt);
  if (!open) return pass(open);
  return ensure_tree(*open, rules, done);
}

bool is_among(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

/// sites/ and what is every site's in it.
Result<void> ensure_sites(const Directory& docroot, const Rules& code, const Rules& peoples, Done& done) {
  struct stat status{};
  const bool there = ::fstatat(docroot.fd.get(), "sites", &status, AT_SYMLINK_NOFOLLOW) == 0;
  const Wanted passage{.owner = code.owner.uid, .group = code.owner.gid, .mode = 02771};
  Result<Directory> sites = ensure_directory(docroot, "sites", passage, done,
                                             there && code.adopts(status.st_uid) ? status.st_uid : code.owner.uid);
  if (!sites) return pass(sites);
  Steps steps;
  Rules common = code;
  common.leave = [&](std::string_view path) { return !is_everybodys(*sites, path); };
  steps.take(ensure_below(*sites, common, done));
  Rules all = code;
  // It names all sites, which is no tenant's business.
  all.leave = [](std::string_view path) {
    return is_among(path, kPeoplesFolders) || path == "drush/sites.drushrc.php";
  };
  steps.take(ensure_folder(*sites, "all", true, all, done));
  const std::array owners{code.owner.uid};
  Result<Directory> folder = open_directory(sites->path + "/all", owners);
  if (!folder) return pass(folder);
  for (const std::string_view name : kPeoplesFolders) steps.take(ensure_folder(*folder, name, true, peoples, done));
  return steps.end();
}

}  // namespace

Result<void> prepare_platform(const Config& config, const Accounts& accounts, const std::string& docroot, Done& done) {
  if (Result<void> ok = check_docroot(config, docroot); !ok) return ok;
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  Rules code = code_rules(config, accounts);
  code.leave = is_private;
  const Rules peoples = shared_code_rules(config, accounts);
  Steps steps;
  // A folder of platforms is nobody's project.
  if (check_docroot(config, parent_of(docroot)) && is_composer_project(docroot)) {
    Result<Directory> project = open_code(parent_of(docroot), code, done);
    if (!project) return pass(project);
    Rules beside = code;
    beside.leave = [web = name_of(docroot)](std::string_view path) { return path == web || is_private(path); };
    steps.take(ensure_below(*project, beside, done));
  }
  Result<Directory> top = open_code(docroot, code, done);
  if (!top) return pass(top);
  // Drupal 8 and later and Backdrop have their own code in core/ and leave these folders to people.
  const std::span<const std::string_view> given = is_there(*top, "core", S_IFDIR)
                                                      ? std::span<const std::string_view>(kPeoplesFoldersBesideCore)
                                                      : std::span<const std::string_view>();
  Rules own = code;
  own.leave = [&](std::string_view path) { return path == "sites" || is_among(path, given) || is_private(path); };
  steps.take(ensure_below(*top, own, done));
  for (const std::string_view name : given) steps.take(ensure_folder(*top, name, false, peoples, done));
  steps.take(ensure_sites(*top, code, peoples, done));
  return steps.end();
}

}  // namespace aegir::machine
