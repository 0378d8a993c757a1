#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <optional>

#include "compiler/map/reader.hpp"

namespace aegir::map {
namespace {

/// Tells one file from the one that replaced it under the same name.
struct Identity {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified = 0, changed = 0;  ///< nanoseconds
  bool operator==(const Identity&) const = default;

  static Identity of(const std::string& path) noexcept {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) return {};
    const auto nanoseconds = [](const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; };
    return {status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
  }
};

std::uint64_t read_counter(std::uint64_t* page) noexcept {
  return page == nullptr ? 0 : std::atomic_ref<std::uint64_t>(*page).load(std::memory_order_acquire);
}

std::string one_line(const Error& error) {
  std::string text = error.place.file.empty() ? "" : error.place.file + ": ";
  if (error.place.line != 0) text.insert(text.size() - 1, std::to_string(error.place.line) + ":");
  text += error.message;
  if (!error.hint.empty()) text += " (next: " + error.hint + ")";
  return text;
}

}  // namespace

struct LiveMap::State {
  Identity current;  ///< of the CURRENT that was read last
  std::string current_path, counter_path;
  bool refused = false;                  ///< it could not be used
  std::string refusal;                   ///< the last one that was logged, with the CURRENT it was about
  std::optional<Error> counter_trouble;  ///< why the counter can't be used
  bool counter_told = false;             ///< that was logged
  dev_t counter_device = 0;
  ino_t counter_inode = 0;

  /// Maps the shared counter, or the one that took its place (over the same address, so that readers never
  /// see a page go). Without one, CURRENT is looked at once a second.
  Result<std::uint64_t*> map_counter(std::uint64_t* page) {
    struct stat status{};
    if (page != nullptr && ::lstat(counter_path.c_str(), &status) == 0 && status.st_dev == counter_device &&
        status.st_ino == counter_inode) {
      return page;
    }
    const int fd = ::open(counter_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return fail_errno("the map's counter can't be opened", counter_path, errno);
    const bool usable =
        ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == static_cast<off_t>(kCounterSize);
    void* mapped = MAP_FAILED;
    if (usable) mapped = ::mmap(page, kCounterSize, PROT_READ, MAP_SHARED | (page == nullptr ? 0 : MAP_FIXED), fd, 0);
    const int error_number = errno;
    ::close(fd);
    if (!usable) return fail_at(counter_path, Code::kCorrupt, "the map's counter is not a file of 4096 bytes");
    if (mapped == MAP_FAILED) return fail_errno("the map's counter can't be mapped", counter_path, error_number);
    counter_device = status.st_dev;
    counter_inode = status.st_ino;
    return static_cast<std::uint64_t*>(mapped);
  }

  /// The same, noting what is wrong.
  std::uint64_t* follow_counter(std::uint64_t* page) {
    const Result<std::uint64_t*> mapped = map_counter(page);
    if (mapped) {
      counter_trouble.reset();
      counter_told = false;
      return *mapped;
    }
    counter_trouble = mapped.error();
    return page;
  }
};

LiveMap::LiveMap(std::string directory, Log log, void* context)
    : directory_(std::move(directory)), log_(log), context_(context), state_(std::make_unique<State>()) {
  state_->current_path = directory_ + "/CURRENT";
  state_->counter_path = directory_ + "/counter";
}

LiveMap::~LiveMap() {
  std::uint64_t* page = counter_.load();
  if (page != nullptr) ::munmap(page, kCounterSize);
}

std::shared_ptr<const Snapshot> LiveMap::snapshot(std::uint64_t now) noexcept {
  const std::uint64_t counter = read_counter(counter_.load(std::memory_order_acquire));
  if (counter != seen_counter_.load(std::memory_order_acquire) || now != checked_at_.load(std::memory_order_relaxed)) {
    refresh(counter, now);
  }
  return snapshot_.load();
}

void LiveMap::refresh(std::uint64_t counter, std::uint64_t now) noexcept {
  std::shared_ptr<const Snapshot> before;  // unmapped after the lock is gone, when this was the last user
  // After a publish everybody has to wait for the new state; the look once a second is one thread's work.
  std::unique_lock lock(mutex_, std::defer_lock);
  if (counter != seen_counter_.load(std::memory_order_acquire)) {
    lock.lock();
  } else if (!lock.try_lock()) {
    return;
  }
  const bool second = now != checked_at_.load(std::memory_order_relaxed);
  try {
    std::uint64_t* page = counter_.load(std::memory_order_relaxed);
    if (second) page = state_->follow_counter(page);
    counter_.store(page, std::memory_order_release);
    counter = read_counter(page);  // before CURRENT: a publish in between is seen by the next request
    const bool published = counter != seen_counter_.load(std::memory_order_relaxed);
    if (!published && !second) return;
    const Identity current = Identity::of(state_->current_path);
    if (published || state_->refused || current != state_->current) {
      before = snapshot_.load();
      Result<std::shared_ptr<const Snapshot>> state = open_published(directory_, before);
      state_->refused = !state;
      state_->current = current;
      if (!state) {
        refuse(state.error());
      } else {
        state_->refusal.clear();
        if (*state != before) snapshot_.store(*std::move(state));
      }
    }
    tell_of_counter();
  } catch (const std::exception&) {
    state_->refused = true;  // no memory now; tried again within a second
  }
  checked_at_.store(now, std::memory_order_relaxed);
  seen_counter_.store(counter, std::memory_order_release);
}

void LiveMap::tell_of_counter() {
  // Before the first publish there is nothing to be late with.
  if (!state_->counter_trouble || state_->counter_told || snapshot_.load() == nullptr) return;
  state_->counter_told = true;
  Error error = *state_->counter_trouble;
  error.hint = "`aegirc publish` makes it anew";
  const std::string message =
      "site map: " + one_line(error) + "; until then this worker sees a change within a second, not at once";
  if (log_ != nullptr) log_(context_, message.c_str());
}

void LiveMap::refuse(const Error& error) {
  std::string message = one_line(error);
  if (message == state_->refusal) return;
  refusals_.fetch_add(1, std::memory_order_relaxed);
  state_->refusal = message;
  const std::shared_ptr<const Snapshot> kept = snapshot_.load();
  message = "site map refused: " + message +
            (kept ? "; generation " + std::to_string(kept->generation()) + " stays in use" : "; there is no map yet");
  if (log_ != nullptr) log_(context_, message.c_str());
}

}  // namespace aegir::map
