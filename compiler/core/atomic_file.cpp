#include "compiler/core/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "compiler/core/atomic_writer.hpp"

namespace aegir {
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
  Result<AtomicWriter> writer = AtomicWriter::begin(path, options);
  if (!writer) return pass(writer);
  if (Result<void> written = writer->write(content); !written) return written;
  return writer->finish();
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
