// What aegird-worker may ask of aegird: this list and nothing else. A request is its number, the verb's, and the
// verb's order; the answer the request's number and the Result of what stands at the verb.
#pragma once

#include <cstdint>

namespace aegir::wire {

enum class Verb : std::uint8_t {
  kRun,        ///< monitor::RunOrder and descriptors 0, 1, 2 -> monitor::RunEnd
  kEndRun,     ///< the number of the request of a run -> nothing, when it was told; the run's own answer tells the rest
  kMakeSlots,  ///< machine::BlockSlots -> what was done
  kEndSlot,    ///< monitor::Slot -> nothing
  kRetireSlot,  ///< monitor::Slot -> what was done
  kCountSlot,   ///< monitor::Slot -> how many processes it has
};
inline constexpr std::uint64_t kVerbs = 6;

}  // namespace aegir::wire
