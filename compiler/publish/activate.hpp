// The web servers' configuration, from the registry into force: what has changed is tried in a sandbox, then put in
// place, the server is told, and asked whether it has the new one. What one part does wrong is left out and named; a
// server that can't be told keeps what it has.
//
// Nothing is remembered in memory between two runs: each compares what is wanted with what lies on disk and with what
// the running servers say of themselves, so that a run that was killed at any moment is finished by the next one.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "compiler/emit/emit.hpp"
#include "compiler/machine/machine.hpp"

namespace aegir::publish {

struct Activation {
  machine::Done done;              ///< files written and servers reloaded, a line each. Empty: all was in force
  std::vector<Error> errors;       ///< what was refused, each with the server's own message and our place
  std::vector<std::string> notes;  ///< what a person should know: a server that does not run
  std::set<std::string> accepted;  ///< platforms whose .htaccess is another one now
  bool kept = false;               ///< a server keeps what it had, and may need the files of that
};

/// Brings Apache and nginx of all servers of the model to it. `read` names the platforms whose .htaccess is read now;
/// of the others the accepted one stays in force. The model's surroundings are looked up by this function. The process
/// works as aegir, with root in reserve, and has no other threads.
[[nodiscard]] Activation activate(const Config& config, const Accounts& accounts, emit::Model model,
                                  const std::set<std::string>& read);

/// What is on the machine now, as `emit` wants to know it, with the names that the sets on disk have.
/// Needs root in reserve. What there is to say of certificates comes into `errors` and `notes`.
[[nodiscard]] Result<emit::Surroundings> read_surroundings(const Config& config, const emit::Model& model,
                                                           std::vector<Error>* errors = nullptr,
                                                           std::vector<std::string>* notes = nullptr);

}  // namespace aegir::publish
