// Whether a site answers: one real request through the real web server, at the address that the registry names and
// nowhere else (design §6 "Probe"). With a token the answer comes from a candidate, or passes the gate; without one it
// is what every visitor gets.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>

#include "compiler/machine/http.hpp"
#include "compiler/registry/model.hpp"

namespace aegir::probe {

/// A token of 256 random bits, in letters and digits. It stands in no file: the map holds what map::probe_key() makes
/// of it.
[[nodiscard]] std::string new_token();

/// What a site is asked, and what its answer has to show.
struct Question {
  registry::WebService service;
  std::string host;   ///< a name of the site
  std::string token;  ///< empty: asked as a visitor
  std::string path = "/";
  std::string uri;               ///< of the site: what the module has to name, and the name of its directory
  std::string database;          ///< what its settings.php has to name; empty: it has none of ours
  std::uint64_t generation = 0;  ///< of the map, at least
  std::set<int> statuses = {200, 301, 302, 303, 307, 308, 403};
  std::chrono::milliseconds patience{30000};
};

/// "nginx at 127.0.0.1 port 80"
[[nodiscard]] std::string place_of(const registry::WebService& service);

/// Asks once; the status. kBusy, kNotFound when the server does not answer, kConflict when something else than this
/// site does, or it shows a wrong status or an installer.
[[nodiscard]] Result<int> ask(const Question& question);

/// What an answer to the question says; for ask().
[[nodiscard]] Result<int> judge(const Question& question, const machine::Answer& answer);

}  // namespace aegir::probe
