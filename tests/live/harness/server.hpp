// What all servers of the live tests have in common: a private directory, start and stop, workers, and a log
// in which nothing bad may stand that a test has not declared.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/live/harness/process.hpp"
#include "tests/live/harness/temp_dir.hpp"

namespace aegir::live {

/// The user that web servers run their workers as, as in Debian.
inline constexpr const char* kWebUser = "www-data";

/// Workers of a web server, unless a test asks for another number.
inline constexpr unsigned kWorkers = 3;

/// A server that a test runs. Derived classes say how. The destructor stops it (see stop()).
class Server {
 public:
  virtual ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Configuration, logs and temporary files of this server.
  [[nodiscard]] const std::string& directory() const noexcept { return directory_.path(); }
  [[nodiscard]] std::string path(std::string_view name) const { return directory_.path(name); }

  [[nodiscard]] pid_t pid() const;
  [[nodiscard]] bool running() const;
  /// Processes that take requests now; not those that only finish old ones.
  [[nodiscard]] virtual std::vector<pid_t> workers() const;

  /// Signal to the master only.
  void signal(int number) const;
  /// Graceful reload; returns when none of the present workers takes requests any more and as many others do.
  /// Throws std::runtime_error when that does not happen (a configuration that was refused).
  void reload();
  /// Ends it gracefully and checks what it wrote: adds a test failure for a server that did not end, or did
  /// not end well, for each bad line that was not declared and for each declaration that no line met.
  void stop();

  /// Declares that a bad line of that form (ECMAScript regex, found anywhere in the line) will be written.
  void expect_log(const std::string& regex);
  /// The same, of lines that may or may not be written.
  void tolerate_log(const std::string& regex);
  /// Error log and everything written to stdout and stderr.
  [[nodiscard]] std::string log() const;
  /// What a server with one of our modules must have in its environment (sanitizers).
  [[nodiscard]] static std::vector<std::string> environment();

 protected:
  /// Where a derived class differs.
  struct Habits {
    std::string name;
    int stop_signal = 0;
    int reload_signal = 0;
    bool loads_modules = true;  ///< ours, which need environment()
    std::string noise = {};     ///< bad lines that the server itself writes now and then (a regex); empty: none
  };
  explicit Server(Habits habits);

  /// Starts the program and returns when all of `ready` accept connections and it has `workers` workers.
  /// Throws std::runtime_error, with what the server wrote, when it ends before that.
  void launch(const std::vector<std::string>& argv, const std::vector<Endpoint>& ready, std::size_t workers);

 private:
  void await(const std::function<bool()>& ready, const std::string& complaint);
  void check_log() const;

  Habits habits_;
  TempDir directory_;
  std::unique_ptr<Process> process_;
  std::vector<std::string> expected_;
  std::vector<std::string> tolerated_;
};

}  // namespace aegir::live
