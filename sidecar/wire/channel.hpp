// One end of the socket between aegird and aegird-worker: packets with descriptors. A packet arrives whole or not at
// all (SOCK_SEQPACKET), so that one that makes no sense is refused by itself and the next is read as if nothing had
// been. What is too long for a packet travels in a descriptor of memory.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/error.hpp"

namespace aegir::wire {

/// A packet: what it says, and descriptors that come with it.
struct Packet {
  std::string bytes;
  std::vector<Fd> fds;
};

/// Longer bytes are refused: 16 MiB, a fleet's 100,000 sites with a server of their own.
inline constexpr std::size_t kMostBytes = 16U << 20U;
/// More descriptors in a packet are refused.
inline constexpr std::size_t kMostFds = 8;

/// Two connected ends, closed on exec.
[[nodiscard]] Result<std::pair<Fd, Fd>> make_channel();

/// Sends a packet; waits while the socket is full. kIo when the other end is gone. Any thread may send: a packet is
/// never mixed with another.
[[nodiscard]] Result<void> send(int socket, std::string_view bytes, const std::vector<int>& fds = {});

/// Takes the next packet; waits for it. Nothing at the end: the other side has closed. kInvalid for a packet that
/// breaks a rule above; the next one can be read after it.
[[nodiscard]] Result<std::optional<Packet>> receive(int socket);

}  // namespace aegir::wire
