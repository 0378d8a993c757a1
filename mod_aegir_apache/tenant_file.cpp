#include "mod_aegir_apache/tenant_file.hpp"

#include <apr_portable.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace aegir::apache {
namespace {

/// Whether `named`, what the name is now, explains that `opened` was behind it a moment ago: it is that, or a link that
/// belongs to the same owner. A file is no link: one of another's could have taken the link's place in between.
[[nodiscard]] bool leads_to_own(const struct stat& named, const struct stat& opened) noexcept {
  if (S_ISLNK(named.st_mode)) return named.st_uid == opened.st_uid;
  return named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/// Opens `name` in the directory `at`, following a link only when it belongs to the owner of what was opened. -1, and
/// errno is ELOOP when it does not, or was exchanged meanwhile.
[[nodiscard]] int open_of_same_owner(int at, const char* name, int flags) noexcept {
  const int fd = ::openat(at, name, flags | O_CLOEXEC);
  if (fd < 0) return -1;
  struct stat opened{};
  struct stat named{};
  int problem = 0;
  if (::fstat(fd, &opened) != 0 || ::fstatat(at, name, &named, AT_SYMLINK_NOFOLLOW) != 0) {
    problem = errno;
  } else if (!leads_to_own(named, opened)) {
    problem = ELOOP;
  }
  if (problem == 0) return fd;
  ::close(fd);
  errno = problem;
  return -1;
}

/// Walks from `root` along `path` (relative, no empty segments at its end) and opens the file there. -1 and errno.
[[nodiscard]] int open_below(const char* root, char* path) noexcept {
  int at = ::open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  char* name = path;
  while (at >= 0) {
    while (*name == '/') ++name;
    char* end = name;
    while (*end != '/' && *end != '\0') ++end;
    const bool last = *end == '\0';
    *end = '\0';
    const int flags = last ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_PATH | O_DIRECTORY;
    const int next = open_of_same_owner(at, name, flags);
    const int error_number = errno;
    ::close(at);
    errno = error_number;
    if (last || next < 0) return next;
    at = next;
    name = end + 1;
  }
  return -1;
}

[[nodiscard]] int refuse(request_rec* request, std::string_view name, int error_number) noexcept {
  if (error_number == ENOENT || error_number == ENOTDIR) return HTTP_NOT_FOUND;
  ap_log_rerror(APLOG_MARK, APLOG_ERR, error_number, request, "not sent to the client: %.*s%s",
                static_cast<int>(name.size()), name.data(),
                error_number == ELOOP ? " (a link to what its owner does not own)" : "");
  return HTTP_FORBIDDEN;
}

}  // namespace

int open_tenant_file(request_rec* request, std::string_view docroot, std::string_view name,
                     apr_file_t*& file) noexcept {
  const bool below = name.size() > docroot.size() && name.starts_with(docroot) && name[docroot.size()] == '/';
  const char* const root = below ? copy(request->pool, docroot) : "/";
  int fd = open_below(root, copy(request->pool, below ? name.substr(docroot.size()) : name));
  if (fd < 0) return refuse(request, name, errno);
  struct stat status{};
  const bool regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  if (!regular || apr_os_file_put(&file, &fd, APR_READ, request->pool) != APR_SUCCESS) {
    ::close(fd);
    return HTTP_FORBIDDEN;
  }
  apr_pool_cleanup_register(
      request->pool, file,
      [](void* opened) noexcept -> apr_status_t { return apr_file_close(static_cast<apr_file_t*>(opened)); },
      apr_pool_cleanup_null);
  return apr_file_info_get(&request->finfo, APR_FINFO_NORM, file) == APR_SUCCESS ? OK : HTTP_FORBIDDEN;
}

void describe_tenant_file(request_rec* request) noexcept {
  ap_update_mtime(request, request->finfo.mtime);
  ap_set_last_modified(request);
  ap_set_etag(request);
  ap_set_accept_ranges(request);
  ap_set_content_length(request, request->finfo.size);
}

void insert_tenant_file(request_rec* request, apr_file_t* file, apr_bucket_brigade* brigade) noexcept {
  apr_bucket* const content = apr_brigade_insert_file(brigade, file, 0, request->finfo.size, request->pool);
  // Who truncates a mapped file ends the process that reads it.
  apr_bucket_file_enable_mmap(content, 0);
}

int send_tenant_file(request_rec* request, std::string_view docroot) noexcept {
  if (request->method_number != M_GET && request->method_number != M_POST) {
    request->handler = kFileHandler;  // answers OPTIONS, refuses the rest, and opens nothing
    return DECLINED;
  }
  ap_allow_standard_methods(request, MERGE_ALLOW, M_GET, M_OPTIONS, M_POST, -1);
  if (const int status = ap_discard_request_body(request); status != OK) return status;
  if (request->finfo.filetype == APR_NOFILE) return HTTP_NOT_FOUND;
  if (!view(request->path_info).empty()) return HTTP_NOT_FOUND;
  apr_file_t* file = nullptr;
  if (const int status = open_tenant_file(request, docroot, view(request->filename), file); status != OK) {
    return status;
  }
  describe_tenant_file(request);
  apr_bucket_brigade* const brigade = apr_brigade_create(request->pool, request->connection->bucket_alloc);
  if (const int condition = ap_meets_conditions(request); condition != OK) {
    request->status = condition;
  } else {
    insert_tenant_file(request, file, brigade);
  }
  APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(request->connection->bucket_alloc));
  const apr_status_t sent = ap_pass_brigade(request->output_filters, brigade);
  if (sent == APR_SUCCESS || request->status != HTTP_OK || request->connection->aborted != 0) return OK;
  ap_log_rerror(APLOG_MARK, APLOG_DEBUG, sent, request, "the file could not be sent whole");
  return AP_FILTER_ERROR;
}

}  // namespace aegir::apache
