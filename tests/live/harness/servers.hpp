// The servers of the live tests: Debian's nginx, Apache (event), PHP-FPM and MariaDB, each in a directory of its
// own.
//
// A configuration is a frame, which every test needs (user, logs, private paths, modules), and what the test
// puts in it:   nginx.start(nginx.frame("server { listen 127.0.0.1:" + port.text() + "; … }"),
// {port.endpoint()});
#pragma once

#include <string>
#include <vector>

#include "tests/live/harness/server.hpp"

namespace aegir::live {

class NginxServer : public Server {
 public:
  NginxServer();

  struct Frame {
    std::string http;       ///< inside http {}
    std::string main = {};  ///< outside of it
    unsigned workers = kWorkers;
    bool module = true;  ///< load ngx_http_aegir_module.so
    std::string log_level = "notice";
  };
  /// A whole nginx.conf.
  [[nodiscard]] std::string frame(const Frame& frame) const;

  /// Throws std::runtime_error as launch() does.
  void start(const std::string& config, const std::vector<Endpoint>& ready, unsigned workers = kWorkers);
  /// Puts another configuration in place; reload() takes it.
  void configure(const std::string& config) const;
  /// `nginx -t` with this configuration.
  [[nodiscard]] Finished test(const std::string& config) const;

  [[nodiscard]] std::vector<pid_t> workers() const override;
};

class ApacheServer : public Server {
 public:
  ApacheServer();

  struct Frame {
    std::string main;                       ///< after the modules
    unsigned workers = kWorkers;            ///< child processes, of 16 threads each; up to 15 may be busy
    bool module = true;                     ///< load mod_aegir.so
    std::vector<std::string> modules = {};  ///< more than the usual ones: "auth_basic", …
    std::string log_level = "notice";
  };
  /// A whole httpd.conf. TraceEnable is off.
  [[nodiscard]] std::string frame(const Frame& frame) const;

  void start(const std::string& config, const std::vector<Endpoint>& ready, unsigned workers = kWorkers);
  void configure(const std::string& config) const;
  /// `apache2 -t` with this configuration.
  [[nodiscard]] Finished test(const std::string& config) const;
};

/// A pool of `children` processes that are always there. uid and gid need no passwd entry.
struct FpmPool {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string socket;  ///< made for kWebUser alone (0600)
  unsigned children = 1;
  std::string more = {};  ///< more lines of the pool
};

/// PHP's configuration as Debian's packages make it, for FpmServer, which reads nothing of /etc by itself.
[[nodiscard]] std::string packaged_ini();

class FpmServer : public Server {
 public:
  /// `program` is PHP-FPM, or what becomes it.
  explicit FpmServer(std::string program = "php-fpm8.2");

  /// Starts one master with these pools. `ini`: the whole php.ini; nothing of /etc/php is read.
  void start(const std::vector<FpmPool>& pools, const std::string& ini = {});
  /// The same with a configuration of its own.
  void start(const std::string& config, const std::vector<Endpoint>& ready, unsigned workers,
             const std::string& ini = {});
  /// A whole php-fpm.conf.
  [[nodiscard]] std::string frame(const std::vector<FpmPool>& pools) const;

 private:
  std::string program_;
};

/// MariaDB with a uid of its own, which needs no passwd entry. Root comes in by the socket, without a password.
class MariaDbServer : public Server {
 public:
  MariaDbServer();

  /// Makes an empty database in the server's directory and starts it on this port of 127.0.0.1. Throws
  /// std::runtime_error.
  void start(uid_t uid, const Port& port);
  /// Starts it again with the same data, after it has ended or was killed.
  void start_again();
  /// Runs statements as the database's root; their output, columns with tabs between them, without headings. Throws
  /// std::runtime_error when one fails.
  std::string sql(const std::string& statements) const;

 private:
  std::vector<std::string> argv_;
  std::vector<Endpoint> ready_;
};

}  // namespace aegir::live
