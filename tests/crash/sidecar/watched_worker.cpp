// aegird-worker as it is, but that it says before and after each write of its journals where it is, and goes on when it
// is told to (points.hpp). aegird gives its worker no environment, so that the socket lies beside the configuration.
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "compiler/core/atomic_file.hpp"
#include "sidecar/worker.hpp"

namespace {

using namespace aegir;

/// Where nobody listens, nobody wants to know.
void tell_and_wait(const std::string& path, const std::string& point) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path.data(), path.size());
  const Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);  // NOLINT: what connect() takes
  if (!fd || ::connect(fd.get(), generic, sizeof address) != 0) return;
  if (::send(fd.get(), point.data(), point.size(), MSG_NOSIGNAL) < 0) return;
  char end = 0;
  (void)::recv(fd.get(), &end, 1, 0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  const std::filesystem::path file = argv[2];
  const ConfigResult config = read_config(file);
  if (!config) return 65;
  WorkerOptions options;
  options.on_journal = [socket = file.parent_path() / "points"](const std::string& point) {
    tell_and_wait(socket, point);
  };
  // A file beside the configuration has the milliseconds.
  options.longest_run = [path = file.parent_path() / "longest-run"] {
    int longest = 0;
    return std::ifstream(path) >> longest ? std::chrono::milliseconds(longest) : std::chrono::milliseconds::max();
  };
  return run_worker(*config, std::move(options));
}
