// A socket between aegird and the database server that breaks a connection at a chosen statement.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "compiler/core/atomic_file.hpp"
#include "tests/live/harness/temp_dir.hpp"

namespace aegir::database {

/// Where in a statement the connection breaks.
enum class Cut : std::uint8_t {
  kBefore,  ///< the server never hears of it
  kDuring,  ///< the server has it, and the connection is gone while it works on it
  kAfter,   ///< the server has done it, and its answer is lost
  kHang,    ///< the server never hears of it, and the connection stays
};

/// Listens on a unix socket of its own, and carries one connection after another to the server's. Throws
/// std::runtime_error when it can't.
class Cutter {
 public:
  explicit Cutter(std::string server_socket);
  ~Cutter();
  Cutter(const Cutter&) = delete;
  Cutter& operator=(const Cutter&) = delete;

  [[nodiscard]] std::string socket() const { return folder_.path("socket"); }
  /// The `statement`th from now on (1, 2, …) is cut; then nothing more is. `then` runs at that moment, on the cutter's
  /// thread.
  void arm(unsigned statement, Cut cut, std::function<void()> then = {});
  void disarm() { at_ = 0; }
  /// Statements since it was armed.
  [[nodiscard]] unsigned seen() const { return seen_; }

 private:
  void work();
  void carry(int client, int server);
  /// Hands on what whole packets there are. False when the connection is to be cut now.
  bool hand_on(std::string& pending, int server);

  live::TempDir folder_;
  std::string server_socket_;
  Fd listener_;
  std::atomic<unsigned> at_ = 0;
  std::atomic<unsigned> seen_ = 0;
  std::atomic<Cut> cut_ = Cut::kBefore;
  std::function<void()> then_;
  bool mute_ = false;  ///< the answer that comes next is the one to lose
  bool hang_ = false;
  std::atomic<bool> ends_ = false;
  std::jthread thread_;
};

}  // namespace aegir::database
