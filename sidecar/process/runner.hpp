// How a step runs a program as a site: drush, tar, mariadb, rm below files/. What runs is the customer's, so what it
// says is hostile: it is bounded in time and size, and nothing here reads a meaning into it.
//
// In the worker a Runner asks aegird for a run in a slot's own namespaces; tests have runners of their own.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/error.hpp"

namespace aegir::process {

/// A program to run as a site's uid.
struct Program {
  std::vector<std::string> argv;         ///< argv[0] absolute; every user of the machine can read it, so no secrets
  std::vector<std::string> environment;  ///< NAME=value, nothing else is there; secrets stand here
  std::string directory;                 ///< absolute, where it starts
  std::string input;                     ///< what it reads from its standard input, which then ends
  std::chrono::milliseconds patience{};  ///< after which it and all that it started are killed
  /// Bytes kept of its output and of its errors each. What is above is read and thrown away, and the answer says so.
  std::size_t longest = 16U << 20U;
  /// Hears each line of standard error while it runs, without its end of line, from a thread of the runner's, one call
  /// at a time and none after run() has returned. Hostile text. May be empty.
  std::function<void(std::string_view line)> on_line = {};
};

/// What it said and how it ended.
struct Output {
  int status = 0;       ///< exit status, or 128 + the signal that ended it
  bool in_time = true;  ///< false: it was killed when its patience was over
  bool asked = false;   ///< it was killed because somebody ended it
  bool cut = false;     ///< output or errors were longer than `longest`; the rest is missing
  /// Bytes: it has failed, and one of its processes had nearly all the memory that it may have. 0: not so.
  std::uint64_t starved = 0;
  std::string out;  ///< standard output, as it came
  std::string err;  ///< standard error, as it came
};

/// Runs programs as one site's uid. Usable from several threads when the implementation says so.
class Runner {
 public:
  Runner() = default;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  virtual ~Runner() = default;

  /// Runs it and waits until it and everything that it started are gone. An error says that it could not be run or its
  /// end not be seen; how a program that ran has ended is in the Output, success or not.
  virtual Result<Output> run(const Program& program) = 0;
};

}  // namespace aegir::process
