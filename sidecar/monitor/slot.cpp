#include "sidecar/monitor/slot.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <thread>

#include "compiler/core/path.hpp"
#include "compiler/machine/code.hpp"
#include "compiler/machine/file.hpp"
#include "compiler/machine/privilege.hpp"
#include "compiler/machine/remove.hpp"
#include "sidecar/monitor/processes.hpp"

namespace aegir::monitor {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRetired = "retired";
constexpr std::chrono::seconds kPatience{10};

/// Longer than the registry gives: what a path of ours has room for.
bool is_block_name(std::string_view name) { return is_plain_name(name) && name.size() <= 64; }

std::string name_of(const Slot& slot) { return "slot " + slot.block + '/' + std::to_string(slot.number); }

Result<void> check(const Config& config, const Slot& slot) {
  if (!is_block_name(slot.block)) return fail(Code::kInvalid, "'" + slot.block + "' is no name of a block");
  return machine::check_slot(config, slot.uid);
}

/// The slot's own directory, which is root's, when it has this uid.
Result<machine::Directory> open_slot(const Config& config, const Slot& slot) {
  if (Result<void> ok = check(config, slot); !ok) return pass(ok);
  Result<machine::Directory> own = machine::open_directory(slot_home(config, slot.block, slot.number));
  if (!own) {
    own.error().message = name_of(slot) + ": " + own.error().message;
    return own;
  }
  struct stat status{};
  if (::fstat(own->fd.get(), &status) != 0) return fail_errno("can't be looked at", own->path, errno);
  if (status.st_uid != 0 || status.st_gid != slot.uid) {
    return fail(Code::kConflict,
                name_of(slot) + " has uid " + std::to_string(status.st_gid) + ", not " + std::to_string(slot.uid));
  }
  return own;
}

/// As the slot: there may be anything in its directories.
Result<void> empty_as(const Slot& slot, const machine::Directory& own) {
  for (const char* name : {"home", "tmp", "sessions", "log"}) {
    const machine::Directory folder{Fd(::openat(own.fd.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)),
                                    own.path + '/' + name};
    if (!folder.fd && errno == ENOENT) continue;
    if (!folder.fd) return fail_errno("can't be opened", folder.path, errno);
    if (Result<void> emptied = machine::empty_as({.uid = slot.uid, .gid = slot.uid}, folder); !emptied) return emptied;
  }
  return {};
}

}  // namespace

bool is_marked_retired(const Fd& own) {
  struct stat status{};
  return ::fstatat(own.get(), kRetired, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

Result<void> look_at_slot(const Config& config, const Slot& slot) {
  const Result<machine::AsRoot> root = machine::AsRoot::begin();
  if (!root) return std::unexpected(root.error());
  Result<machine::Directory> own = open_slot(config, slot);
  if (!own) return pass(own);
  if (is_marked_retired(own->fd)) return fail(Code::kConflict, name_of(slot) + " is retired");
  return {};
}

Result<void> look_at_used_slot(const Config& config, const Slot& slot) {
  const Result<machine::AsRoot> root = machine::AsRoot::begin();
  if (!root) return std::unexpected(root.error());
  const Result<machine::Directory> own = open_slot(config, slot);
  return own ? Result<void>() : std::unexpected(own.error());
}

Result<void> make_slots(const Config& config, const Accounts& accounts, const machine::BlockSlots& block,
                        machine::Done& done) {
  if (!is_block_name(block.block)) return fail(Code::kInvalid, "'" + block.block + "' is no name of a block");
  // Two at a time could both find the same uids free.
  const Fd slots(::open(config.slot_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!slots || ::flock(slots.get(), LOCK_EX) != 0) return fail_errno("can't be locked", config.slot_dir, errno);
  const std::uint64_t end = std::uint64_t{block.first_uid} + block.slots;
  std::error_code error;
  for (auto entry = fs::directory_iterator(config.slot_dir, error); !error && entry != decltype(entry)();
       entry.increment(error)) {
    const bool own = entry->path().filename() == block.block;
    for (const auto& slot : fs::directory_iterator(entry->path(), error)) {
      struct stat status{};
      const std::string name = slot.path().filename().string();
      std::uint32_t number = 0;
      const bool is_number = std::from_chars(name.data(), name.data() + name.size(), number).ec == std::errc{};
      if (!is_number || ::lstat(slot.path().c_str(), &status) != 0) continue;
      if (own && status.st_gid == 0) continue;  // somebody was killed while he made it
      const bool inside = status.st_gid >= block.first_uid && status.st_gid < end;
      if (own ? status.st_gid != block.first_uid + number : inside) {
        return fail_at(slot.path().string(), Code::kConflict,
                       "uid " + std::to_string(status.st_gid) + " is this slot's already",
                       "give block " + block.block + " other uids");
      }
    }
  }
  return machine::prepare_block(config, accounts, block, done);
}

Result<void> end_slot(const Config& config, const Slot& slot) {
  if (Result<machine::Directory> own = open_slot(config, slot); !own) return pass(own);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    if (Result<void> killed = kill_all_of(slot.uid); !killed) return killed;
    Result<std::vector<Process>> left = processes_of(slot.uid, slot.uid);
    if (!left) return pass(left);
    if (left->empty()) return {};
    if (std::chrono::steady_clock::now() > end) {
      return fail(Code::kBusy, name_of(slot) + ": process " + std::to_string(left->front().pid) +
                                   " can't be ended; it waits for a disk or a network file system");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

Result<void> retire_slot(const Config& config, const Slot& slot, machine::Done& done) {
  Result<machine::Directory> own = open_slot(config, slot);
  if (!own) return pass(own);
  // First, so that nothing begins in it any more, and a kill between here and the end can be repeated.
  if (!is_marked_retired(own->fd)) {
    Result<void> marked = machine::install_file(*own, kRetired, "", {.owner = 0, .group = 0, .mode = 0444}, done);
    if (!marked) return marked;
  }
  if (Result<void> ended = end_slot(config, slot); !ended) return ended;
  return empty_as(slot, *own);
}

Result<std::uint64_t> count_processes(const Config& config, const Slot& slot) {
  if (Result<machine::Directory> own = open_slot(config, slot); !own) return pass(own);
  Result<std::vector<Process>> found = processes_of(slot.uid, slot.uid);
  if (!found) return pass(found);
  return found->size();
}

}  // namespace aegir::monitor
