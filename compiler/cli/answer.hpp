// What a module answers a request with, asked of the map by the same rules (map/route.hpp): lookup prints it, explain
// adds why.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "compiler/cli/cli.hpp"
#include "compiler/map/route.hpp"

namespace aegir::cli {

/// A request that somebody asks about.
struct Question {
  std::string host;          ///< as typed: with a port, in capitals, with umlauts
  std::string target = "/";  ///< path and query
  std::string service;       ///< "apache", "nginx"; empty: any that serves the site
  std::string map;           ///< directory; empty: the live map
  bool https = false;
  std::uint16_t https_port = 443;  ///< of the web server that is asked
};

/// The answer of a published map. Views point into it.
struct Answer {
  std::shared_ptr<const map::Snapshot> state;
  std::string target;     ///< path and query, as the request has them
  std::string authority;  ///< the Host that a browser sends for what was typed
  std::string path;       ///< decoded and resolved; empty when a server refuses the target
  map::Request request;
  map::HostDecision decision;
  std::optional<map::PathDecision> path_decision;  ///< when the site's docroot is asked
  std::string text;                                ///< in words: "301 to https://shop.example/"
  std::string refused;                             ///< why it is 400, in words; empty when it is not
};

[[nodiscard]] Result<std::unique_ptr<Answer>> ask(const Config& config, const Question& question);

/// Host, answer and what the record says; credentials opened with the map's key if that can be read, the password
/// masked.
[[nodiscard]] Json facts_of(const Config& config, const Question& question, const Answer& answer);

/// The pieces of a decision, joined.
[[nodiscard]] std::string joined(std::span<const std::string_view> pieces);

}  // namespace aegir::cli
