// The service behind a real socket, and somebody who talks to it byte by byte.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "compiler/core/atomic_file.hpp"
#include "sidecar/api/server.hpp"
#include "tests/live/harness/process.hpp"
#include "tests/live/harness/temp_dir.hpp"
#include "tests/unit/api/api_fixture.hpp"

namespace aegir::api {

/// This thread, and no other, asks as somebody else while it lives.
class AsThread {
 public:
  AsThread(uid_t uid, gid_t gid) {
    // Past glibc, which would change all threads.
    if (::syscall(SYS_setresgid, -1, gid, -1) != 0 || ::syscall(SYS_setresuid, -1, uid, -1) != 0) {
      throw std::runtime_error("this test needs root");
    }
  }
  ~AsThread() {
    (void)::syscall(SYS_setresuid, -1, 0, -1);
    (void)::syscall(SYS_setresgid, -1, 0, -1);
  }
  AsThread(const AsThread&) = delete;
  AsThread& operator=(const AsThread&) = delete;
};

inline sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

/// One connection.
class Talk {
 public:
  explicit Talk(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_un address = address_of(path);
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("nobody listens at " + path);
    }
  }
  /// False: the other end does not take it any more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void get(const std::string& target, const std::string& headers = "") {
    send("GET " + target + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
  }
  /// Reads until `wanted` has come; everything that has come so far. Throws when it does not come in 20 s.
  const std::string& read_until(const std::string& wanted) {
    while (!heard_.contains(wanted)) {
      if (!read()) throw std::runtime_error("the connection ended before '" + wanted + "' came:\n" + heard_);
    }
    return heard_;
  }
  const std::string& read_to_end() {
    while (read()) {
    }
    return heard_;
  }
  [[nodiscard]] const std::string& heard() const { return heard_; }

 private:
  bool read() {
    pollfd fd{fd_.get(), POLLIN, 0};
    if (::poll(&fd, 1, 20000) != 1) throw std::runtime_error("nothing more came in 20 s:\n" + heard_.substr(0, 2000));
    std::array<char, 65536> piece;
    const ssize_t size = ::recv(fd_.get(), piece.data(), piece.size(), 0);
    if (size <= 0) return false;
    heard_.append(piece.data(), static_cast<std::size_t>(size));
    return true;
  }

  Fd fd_;
  std::string heard_;
};

class ServerTest : public testing::Test {
 protected:
  static constexpr uid_t kAegir = 34;   // Debian's backup: an account that is not in the group below
  static constexpr uid_t kMember = 33;  // www-data, whose own group plays aegir-admin
  static constexpr uid_t kSite = 300001;

  ServerTest() { options_.path = directory_.path("api.sock"); }

  void SetUp() override {
    ASSERT_EQ(::geteuid(), 0U) << "this test needs root: it asks as several users";
    options_.administrators = {kAegir, "www-data", 300000, 499999};
  }
  void serve() {
    server_.reset();
    server_ = need(Server::start(world_.service(), options_));
  }
  /// Status that somebody gets; 0: none.
  [[nodiscard]] int status(uid_t uid, gid_t gid, const std::string& method, const std::string& target) const {
    const live::Finished done = live::run({"setpriv",
                                           "--reuid=" + std::to_string(uid),
                                           "--regid=" + std::to_string(gid),
                                           "--clear-groups",
                                           "curl",
                                           "-s",
                                           "-o",
                                           "/dev/null",
                                           "-w",
                                           "%{http_code}",
                                           "-m",
                                           "20",
                                           "-X",
                                           method,
                                           "-H",
                                           "Content-Type: application/json",
                                           "-d",
                                           method == "POST" ? "{}" : "",
                                           "--unix-socket",
                                           options_.path,
                                           "http://localhost" + target});
    return std::stoi(done.output.substr(done.output.size() < 3 ? 0 : done.output.size() - 3));
  }

  live::TempDir directory_;
  World world_;
  ServerOptions options_;
  std::unique_ptr<Server> server_;
};

}  // namespace aegir::api
