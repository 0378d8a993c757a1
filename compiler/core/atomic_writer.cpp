#include "compiler/core/atomic_writer.hpp"

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

Result<AtomicWriter> AtomicWriter::begin(const std::string& path, const WriteOptions& options) {
  std::string temporary = directory_of(path) + "/." + name_of(path) + "." + std::to_string(::getpid()) + ".tmp";
  (void)::unlink(temporary.c_str());  // left by a killed process that had our pid
  Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, options.mode));
  if (!fd) return fail_errno("the file can't be created", temporary, errno);
  AtomicWriter writer(path, std::move(temporary), options, std::move(fd));
  if (::fchown(writer.fd_.get(), static_cast<uid_t>(-1), options.group) != 0) {
    return fail_errno("the file's group can't be set", path, errno);
  }
  if (::fchmod(writer.fd_.get(), options.mode) != 0) return fail_errno("the file's mode can't be set", path, errno);
  return writer;
}

AtomicWriter::~AtomicWriter() {
  if (fd_) (void)::unlink(temporary_.c_str());
}

Result<void> AtomicWriter::write(std::string_view piece) {
  if (!write_all(fd_.get(), piece)) return fail_errno("the file can't be written", path_, errno);
  return {};
}

Result<void> AtomicWriter::finish() {
  if (options_.durable && ::fsync(fd_.get()) != 0) return fail_errno("the file can't be synced", path_, errno);
  const int fd = fd_.release();
  const auto give_up = [&](std::string_view what, int error_number) {
    (void)::unlink(temporary_.c_str());
    return fail_errno(what, path_, error_number);
  };
  if (::close(fd) != 0) return give_up("the file can't be closed", errno);
  if (options_.replace) {
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) return give_up("the file can't be put in its place", errno);
  } else {
    if (::link(temporary_.c_str(), path_.c_str()) != 0) return give_up("the file can't be put in its place", errno);
    (void)::unlink(temporary_.c_str());
  }
  if (options_.durable) return sync_directory(directory_of(path_));
  return {};
}

}  // namespace aegir
