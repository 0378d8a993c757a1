// What aegird is asked for and what it answers, as values: slots, runs and PHP masters. What of it is believed is the
// monitor's business.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "compiler/core/codec.hpp"
#include "compiler/machine/machine.hpp"

namespace aegir::machine {
constexpr auto fields(wire::Of<BlockSlots> auto& value) { return std::tie(value.block, value.first_uid, value.slots); }
}  // namespace aegir::machine

namespace aegir::wire {

/// The order of a verb that takes none.
struct Nothing {};
constexpr auto fields(Of<Nothing> auto&) { return std::tie(); }

struct Slot {
  std::string block;
  std::uint32_t number = 0;
  std::uint32_t uid = 0;  ///< also its group
  bool operator==(const Slot&) const = default;
};
constexpr auto fields(Of<Slot> auto& value) { return std::tie(value.block, value.number, value.uid); }

/// A program to run as a slot.
struct RunOrder {
  Slot slot;
  std::vector<std::string> argv;         ///< argv[0] is an absolute path
  std::vector<std::string> environment;  ///< NAME=value; nothing else of the environment is there
  std::string directory;                 ///< absolute, where it starts
  std::string docroot;                   ///< of the platform whose other sites it does not see; empty: of none
  std::vector<std::string> shown;        ///< names of folders in <docroot>/sites/ that it sees
  std::uint64_t patience = 0;            ///< milliseconds, after which it is killed
};
constexpr auto fields(Of<RunOrder> auto& value) {
  return std::tie(value.slot, value.argv, value.environment, value.directory, value.docroot, value.shown,
                  value.patience);
}

/// Bytes of memory that each process of a run may have for itself, and how many processes and threads its uid may have,
/// PHP-FPM's among them.
inline constexpr std::uint64_t kMostMemory = std::uint64_t{2} << 30U;
inline constexpr std::uint64_t kMostProcesses = 256;

/// How a run ended.
struct RunEnd {
  int status = 0;            ///< exit status, or 128 + the signal that ended it
  bool in_time = true;       ///< false: it was killed when its patience was over
  bool asked = false;        ///< it was killed because somebody ended it
  std::uint64_t cpu = 0;     ///< milliseconds of user and system time, all its processes together
  std::uint64_t memory = 0;  ///< bytes, the most that one of its processes had
};
constexpr auto fields(Of<RunEnd> auto& value) {
  return std::tie(value.status, value.in_time, value.asked, value.cpu, value.memory);
}

/// The PHP master of a block.
struct PhpOrder {
  std::string server;  ///< of which the block is one
  std::string block;
};
constexpr auto fields(Of<PhpOrder> auto& value) { return std::tie(value.server, value.block); }

}  // namespace aegir::wire
