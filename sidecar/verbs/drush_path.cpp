#include "sidecar/verbs/drush_path.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "compiler/core/path.hpp"
#include "compiler/core/utf8.hpp"

namespace aegir::verbs {
namespace {

Result<void> check_part(const Config& config, const std::string& path, bool is_file) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return fail_errno("the platform's drush can't be looked at", path, errno);
  const auto wrong = [&](const std::string& what, const std::string& hint) {
    return fail_at(path, Code::kPermission, "the platform's drush: " + what, hint);
  };
  if (is_file ? !S_ISREG(status.st_mode) : !S_ISDIR(status.st_mode)) {
    return wrong(is_file ? "is no file" : "is no folder", "name drush.php with its real path, without links");
  }
  const auto of_slot = [&](std::uint32_t id) { return id >= config.uid_first && id <= config.uid_last; };
  if (of_slot(status.st_uid) || of_slot(status.st_gid))
    return wrong("is a site's own", "put it where no site can write");
  // Of a folder like /tmp everybody changes only what is his own.
  const bool sticky = !is_file && (status.st_mode & S_ISVTX) != 0;
  if ((status.st_mode & S_IWOTH) != 0 && !sticky) {
    return wrong("everybody may write here", "chmod o-w it, or put it elsewhere");
  }
  const mode_t needed = is_file ? S_IROTH : S_IXOTH;
  if ((status.st_mode & needed) == 0) {
    return wrong("sites can't read it here", std::string("chmod o+") + (is_file ? "r" : "x") + " it");
  }
  return {};
}

}  // namespace

Result<void> check_drush_path(const Config& config, const std::string& path) {
  if (!is_plain_path(path)) {
    return fail(Code::kInvalid, printable(path) + ", the platform's drush, is no absolute path",
                "name drush.php with its whole path");
  }
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    if (Result<void> good = check_part(config, path.substr(0, slash), false); !good) return good;
  }
  return check_part(config, path, true);
}

}  // namespace aegir::verbs
