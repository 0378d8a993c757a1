#include "compiler/core/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace aegir {
namespace {

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

bool write_all(int fd, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Result<void> sync_directory(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return fail_errno("the directory can't be synced", path, errno);
  return {};
}

Result<void> write_file(const std::string& path, std::string_view content, const WriteOptions& options) {
  const std::string directory = directory_of(path);
  const std::string temporary = directory + "/." + name_of(path) + "." + std::to_string(::getpid()) + ".tmp";
  (void)::unlink(temporary.c_str());  // left by a killed process that had our pid
  Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, options.mode));
  if (!fd) return fail_errno("the file can't be created", temporary, errno);
  const auto give_up = [&](std::string_view what, int error_number) {
    (void)::unlink(temporary.c_str());
    return fail_errno(what, path, error_number);
  };
  if (::fchown(fd.get(), static_cast<uid_t>(-1), options.group) != 0)
    return give_up("the file's group can't be set", errno);
  if (::fchmod(fd.get(), options.mode) != 0) return give_up("the file's mode can't be set", errno);
  if (!write_all(fd.get(), content)) return give_up("the file can't be written", errno);
  if (options.durable && ::fsync(fd.get()) != 0) return give_up("the file can't be synced", errno);
  if (::close(fd.release()) != 0) return give_up("the file can't be closed", errno);
  if (options.replace) {
    if (::rename(temporary.c_str(), path.c_str()) != 0) return give_up("the file can't be put in its place", errno);
  } else {
    if (::link(temporary.c_str(), path.c_str()) != 0) return give_up("the file can't be put in its place", errno);
    (void)::unlink(temporary.c_str());
  }
  if (options.durable) return sync_directory(directory);
  return {};
}

Result<std::string> read_all(int fd, std::string_view complaint, const std::string& name, std::size_t limit) {
  std::string content;
  char chunk[65536];
  while (content.size() <= limit) {
    const ssize_t size = ::read(fd, chunk, sizeof chunk);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail_errno(complaint, name, errno);
    if (size == 0) break;
    content.append(chunk, static_cast<std::size_t>(size));
  }
  return content;
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) return fail_errno("the file can't be opened", path, errno);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail_errno("the file can't be examined", path, errno);
  if (!S_ISREG(status.st_mode)) return fail_at(path, Code::kInvalid, "not a regular file");
  Result<std::string> content = read_all(fd.get(), "the file can't be read", path, limit);
  if (content && content->size() > limit) {
    return fail_at(path, Code::kInvalid, "larger than " + std::to_string(limit) + " bytes");
  }
  return content;
}

}  // namespace aegir
