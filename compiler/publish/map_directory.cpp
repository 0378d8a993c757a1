#include "compiler/publish/map_directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/secret_box.hpp"
#include "compiler/map/reader.hpp"
#include "compiler/map/record.hpp"

namespace aegir::publish {
namespace {

constexpr mode_t kCounterMode = 0640;  // workers are in the directory's group, and may only read it
constexpr int kOpenCounter = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

bool is_temporary(std::string_view name) { return name.starts_with('.') && name.ends_with(".tmp"); }

bool is_map_file(std::string_view name) {
  return (name.starts_with("base-") || name.starts_with("delta-")) && name.ends_with(".map");
}

map::Current current_of(const map::Snapshot& state) {
  map::Current current;
  current.registry_id = state.base().header().registry_id;
  current.generation = state.generation();
  current.base = map::file_name(state.base().header());
  if (state.delta() != nullptr) current.delta = map::file_name(state.delta()->header());
  return current;
}

/// Whether a file of that name and size is there. A name stands for a content, and files are renamed when complete.
bool is_there(const std::string& path, std::uint64_t size) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         static_cast<std::uint64_t>(status.st_size) == size;
}

/// Whether an open file is as Counter makes it in this directory.
bool is_counter(int fd, const struct stat& folder) {
  struct stat status{};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  if (status.st_size != static_cast<off_t>(map::kCounterSize) || (status.st_mode & 07777U) != kCounterMode)
    return false;
  if (status.st_uid != ::geteuid() && status.st_uid != folder.st_uid) return false;
  return (folder.st_mode & S_ISGID) == 0 || status.st_gid == folder.st_gid;
}

Result<void> verify_digest(const map::MapFile& file, const std::string& directory) {
  const std::span<const unsigned char> body = file.bytes().subspan(sizeof(map::Header));
  const Digest digest = blake2b({reinterpret_cast<const char*>(body.data()), body.size()});
  if (digest == file.header().body_digest) return {};
  return fail_at(directory + "/" + map::file_name(file.header()), Code::kCorrupt,
                 "the digest of the file is wrong; it was damaged after it was written", map::kRebuildHint);
}

}  // namespace

std::set<std::string> files_of(const map::Snapshot& state) {
  std::set<std::string> names = {map::file_name(state.base().header())};
  if (state.delta() != nullptr) names.insert(map::file_name(state.delta()->header()));
  return names;
}

Result<Counter> Counter::open(const std::string& directory) {
  const std::string path = directory + "/counter";
  struct stat folder{};
  if (::stat(directory.c_str(), &folder) != 0) {
    return fail_errno("the map's directory can't be examined", directory, errno);
  }
  Fd fd(::open(path.c_str(), kOpenCounter));
  if (!fd || !is_counter(fd.get(), folder)) {
    // Renamed over what is there: whoever has that mapped keeps it, and maps this one at its next look.
    Result<void> made = write_file(path, std::string(map::kCounterSize, '\0'), {kCounterMode, false, true});
    if (!made) return pass(made);
    fd = Fd(::open(path.c_str(), kOpenCounter));
  }
  if (!fd) return fail_errno("the map's counter can't be opened", path, errno);
  struct stat file{};
  if (::fstat(fd.get(), &file) != 0) return fail_errno("the map's counter can't be examined", path, errno);
  void* page = ::mmap(nullptr, map::kCounterSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (page == MAP_FAILED) return fail_errno("the map's counter can't be mapped", path, errno);
  return Counter(path, static_cast<std::uint64_t*>(page), file);
}

Counter::Counter(Counter&& other) noexcept
    : path_(std::move(other.path_)),
      page_(std::exchange(other.page_, nullptr)),
      device_(other.device_),
      inode_(other.inode_) {}

Counter::~Counter() {
  if (page_ != nullptr) ::munmap(page_, map::kCounterSize);
}

bool Counter::untold() const noexcept { return std::atomic_ref(*page_).load(std::memory_order_acquire) == 0; }

bool Counter::in_place() const noexcept {
  struct stat status{};
  return ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
}

void Counter::increase() noexcept { std::atomic_ref(*page_).fetch_add(1, std::memory_order_release); }

Result<void> switch_current(const map::Target& target, const map::Snapshot& state) {
  return write_file(target.directory + "/CURRENT", map::format_current(current_of(state)),
                    {target.mode, target.durable, true});
}

Result<void> sweep(const std::string& directory, const std::set<std::string>& keep) {
  DIR* const listing = ::opendir(directory.c_str());
  if (listing == nullptr) return fail_errno("the map's directory can't be read", directory, errno);
  Result<void> swept;
  while (const dirent* entry = ::readdir(listing)) {
    const std::string name = entry->d_name;
    if (!is_temporary(name) && (!is_map_file(name) || keep.contains(name))) continue;
    if (::unlinkat(::dirfd(listing), name.c_str(), 0) != 0 && errno != ENOENT) {
      swept = fail_errno("an old file can't be removed", directory + "/" + name, errno);
    }
  }
  ::closedir(listing);
  return swept;
}

Result<void> verify_digests(const map::Snapshot& state, const std::string& directory) {
  if (Result<void> verified = verify_digest(state.base(), directory); !verified) return verified;
  return state.delta() == nullptr ? Result<void>() : verify_digest(*state.delta(), directory);
}

Result<Copied> copy_state(const std::string& from, const map::Target& to, Copy copy) {
  Result<Snapshot> state = map::open_published(from, nullptr);
  if (!state) return pass(state);
  Copied copied;
  copied.generation = (*state)->generation();
  for (const map::MapFile* file : {&(*state)->base(), (*state)->delta()}) {
    if (file == nullptr) continue;
    const std::string path = to.directory + "/" + map::file_name(file->header());
    if (copy == Copy::kMissing && is_there(path, file->bytes().size())) continue;
    if (Result<void> verified = verify_digest(*file, from); !verified) return pass(verified);
    const std::string_view bytes(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
    if (Result<void> written = write_file(path, bytes, {to.mode, to.durable, true}); !written) return pass(written);
    copied.bytes += bytes.size();
  }
  const Result<map::Current> present = map::read_current(to.directory);
  if (!present || map::format_current(*present) != map::format_current(current_of(**state))) {
    if (Result<void> switched = switch_current(to, **state); !switched) return pass(switched);
    copied.switched = true;
  }
  if (Result<void> swept = sweep(to.directory, files_of(**state)); !swept) return pass(swept);
  return copied;
}

}  // namespace aegir::publish
