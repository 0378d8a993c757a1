#include "sidecar/wire/channel.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace aegir::wire {
namespace {

// The first byte says where the rest is.
constexpr char kHere = 'h';
constexpr char kInMemory = 'm';  ///< in the last descriptor

constexpr std::size_t kMostInPacket = 64U << 10U;
constexpr const char* kName = "the socket between aegird and aegird-worker";

Result<Fd> in_memory(std::string_view bytes) {
  Fd memory(::memfd_create("aegir", MFD_CLOEXEC));
  if (!memory || !write_all(memory.get(), bytes)) return fail_errno("can't make room for a message", kName, errno);
  return memory;
}

/// Reads at its own offset, from 0 on: both sides share the descriptor's.
Result<std::string> from_memory(int fd) {
  // Any other file could make its reader wait.
  if (::fcntl(fd, F_GET_SEALS) < 0) return fail(Code::kInvalid, "a message's memory is no memory");
  std::string bytes;
  std::array<char, 65536> chunk{};
  // A size that is told can be false, and more can be written meanwhile: only what is read counts.
  for (;;) {
    const ssize_t size = ::pread(fd, chunk.data(), chunk.size(), static_cast<off_t>(bytes.size()));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail(Code::kInvalid, "a message's memory can't be read");
    if (size == 0) return bytes;
    bytes.append(chunk.data(), static_cast<std::size_t>(size));
    if (bytes.size() > kMostBytes) return fail(Code::kInvalid, "a message is longer than 16 MiB");
  }
}

}  // namespace

Result<std::pair<Fd, Fd>> make_channel() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return fail_errno("can't be made", kName, errno);
  }
  return std::pair{Fd(ends[0]), Fd(ends[1])};
}

Result<void> send(int socket, std::string_view bytes, const std::vector<int>& fds) {
  if (bytes.size() > kMostBytes) return fail(Code::kInvalid, "a message is longer than 16 MiB");
  if (fds.size() > kMostFds) return fail(Code::kInvalid, "a message has more than 8 descriptors");
  std::vector<int> all = fds;
  std::string packet(1, kHere);
  Fd memory;
  if (bytes.size() > kMostInPacket) {
    Result<Fd> made = in_memory(bytes);
    if (!made) return pass(made);
    memory = *std::move(made);
    all.push_back(memory.get());
    packet[0] = kInMemory;
  } else {
    packet += bytes;
  }
  iovec part{.iov_base = packet.data(), .iov_len = packet.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * (kMostFds + 1))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!all.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(sizeof(int) * all.size());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * all.size());
    std::memcpy(CMSG_DATA(header), all.data(), sizeof(int) * all.size());
  }
  while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return fail_errno("can't be written to", kName, errno);
  }
  return {};
}

Result<std::optional<Packet>> receive(int socket) {
  std::string buffer(kMostInPacket + 1, '\0');
  iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
  // Room for more than is allowed, so that too many are seen and closed.
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * 64)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t size = 0;
  while ((size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0) {
    if (errno != EINTR) return fail_errno("can't be read", kName, errno);
  }
  Packet packet;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t n = 0; n < count; ++n) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + n * sizeof(int), sizeof fd);
      packet.fds.emplace_back(fd);
    }
  }
  if (size == 0) return std::nullopt;
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return fail(Code::kInvalid, "a message is too long");
  buffer.resize(static_cast<std::size_t>(size));
  if (buffer[0] == kInMemory && !packet.fds.empty()) {
    Result<std::string> bytes = from_memory(packet.fds.back().get());
    if (!bytes) return pass(bytes);
    packet.bytes = *std::move(bytes);
    packet.fds.pop_back();
  } else if (buffer[0] == kHere) {
    packet.bytes = buffer.substr(1);
  } else {
    return fail(Code::kInvalid, "a message does not begin as one");
  }
  if (packet.fds.size() > kMostFds) return fail(Code::kInvalid, "a message has more than 8 descriptors");
  return packet;
}

}  // namespace aegir::wire
