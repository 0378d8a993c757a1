// A small fleet that the storm tests change and load: a registry, its map, one static and one PHP site that never
// change, sites that do, and both servers on the configuration that the compiler emits.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/core/secret_box.hpp"
#include "compiler/publish/publisher.hpp"
#include "compiler/registry/store.hpp"
#include "tests/live/harness/http.hpp"
#include "tests/live/harness/servers.hpp"

namespace aegir::live {

/// The sites that change are site-0.test … site-<n-1>.test, each with an alias go-<i>.test whose redirect target is
/// set by move().
class Fleet {
 public:
  explicit Fleet(unsigned sites);

  NginxServer nginx;
  ApacheServer apache;
  FpmServer fpm;
  Port nginx_port, apache_port;

  /// Points the alias of site `number` to `target` and publishes. Throws std::runtime_error when that fails.
  publish::Report move(unsigned number, const std::string& target);
  /// Puts a new key in front of the key file's present one, as a rotation does; the publisher goes on with it.
  void rotate_key(std::uint32_t id);
  /// Publishes a change of the PHP site's password.
  void change_password(const std::string& password);
  void stop();

 private:
  void commit(const registry::Site& site);
  void open_publisher();
  [[nodiscard]] std::string apache_config() const;
  [[nodiscard]] std::string nginx_config() const;

  TempDir directory_;
  Config config_;
  registry::Server server_;
  std::vector<registry::Platform> platforms_;
  registry::Block block_;
  std::unique_ptr<registry::Store> store_;
  std::unique_ptr<publish::Publisher> publisher_;
  std::string key_text_;
};

/// A keep-alive connection to one known worker.
struct Pinned {
  Connection connection;
  pid_t worker;
};

/// One connection to each of the `workers` workers, found by asking the status endpoint for the pid that answers.
/// Throws std::runtime_error when they can't all be reached.
[[nodiscard]] std::vector<Pinned> pin_all(const Endpoint& endpoint, std::size_t workers);
/// The pid that answers on this connection.
[[nodiscard]] pid_t worker_of(Connection& connection);

/// Requests that go on in the background until stop(): each thread asks for the sites that never change, over
/// keep-alive connections, and looks at status and body.
class Load {
 public:
  Load(const Endpoint& endpoint, unsigned threads, bool php);
  ~Load();

  struct Result {
    std::uint64_t requests = 0;
    std::uint64_t wrong = 0;     ///< an answer, but not the right one
    std::uint64_t failed = 0;    ///< no answer although the request was sent again
    std::uint64_t repeated = 0;  ///< sent again because the connection ended before a byte of an answer
    std::string first_problem;
  };
  [[nodiscard]] Result stop();
  /// Waits until every thread has had some more answers. Throws std::runtime_error when they don't come.
  void go_on() const;

 private:
  /// What one thread has seen; `answered` is read by others while it runs.
  struct Worker {
    Result result;
    std::atomic<std::uint64_t> answered{0};
  };
  void run(Worker& worker, bool php) const;

  Endpoint endpoint_;
  std::atomic<bool> stopping_{false};
  std::vector<Worker> workers_;
  std::vector<std::thread> threads_;
};

}  // namespace aegir::live
