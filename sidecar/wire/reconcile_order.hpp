// What aegird is asked for and what it answers when a registry is held against the machine, as values: only looks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "sidecar/wire/server_order.hpp"
#include "sidecar/wire/site_order.hpp"

namespace aegir::wire {

/// Things to be held against what is there. What is empty is not looked at.
struct CompareOrder {
  std::optional<emit::Model> model;  ///< folders, slots, and what web servers and PHP-FPM read
  std::vector<PlatformFilesOrder> platforms;
  std::vector<SiteFilesOrder> sites;
};
constexpr auto fields(Of<CompareOrder> auto& value) { return std::tie(value.model, value.platforms, value.sites); }

/// How one thing is not as it is to be.
struct Compared {
  bool missing = false;            ///< of a site: it has no directory; nothing else was looked at
  std::vector<std::string> lines;  ///< "PATH: what is wrong with it", which the verbs that write put right
  std::vector<Error> errors;       ///< what they would not: it is in their way, or can't be read
};
constexpr auto fields(Of<Compared> auto& value) { return std::tie(value.missing, value.lines, value.errors); }

/// As ordered.
struct Comparison {
  Compared servers;
  std::vector<Compared> platforms;
  std::vector<Compared> sites;
};
constexpr auto fields(Of<Comparison> auto& value) { return std::tie(value.servers, value.platforms, value.sites); }

/// Where to look for what the registry may not know of.
struct SurveyOrder {
  std::vector<std::string> docroots;  ///< of all platforms
  std::vector<std::string> servers;   ///< names of all servers
  std::vector<PhpOrder> blocks;       ///< all of them
};
constexpr auto fields(Of<SurveyOrder> auto& value) { return std::tie(value.docroots, value.servers, value.blocks); }

/// A directory in a platform's sites/, but for all and default.
struct FoundFolder {
  std::string docroot;
  std::string name;
  std::uint32_t group = 0;  ///< a slot's, when it is a site's
};
constexpr auto fields(Of<FoundFolder> auto& value) { return std::tie(value.docroot, value.name, value.group); }

/// A slot that was made.
struct FoundSlot {
  Slot slot;
  bool retired = false;
  bool used = false;            ///< it has files
  std::uint64_t processes = 0;  ///< without those of its PHP-FPM pool
};
constexpr auto fields(Of<FoundSlot> auto& value) {
  return std::tie(value.slot, value.retired, value.used, value.processes);
}

/// A host name that a person's file gives to a server of his own.
struct ClaimedHost {
  std::string path;
  std::string host;
};
constexpr auto fields(Of<ClaimedHost> auto& value) { return std::tie(value.path, value.host); }

/// What was found, whoever's it is.
struct Survey {
  std::vector<FoundFolder> folders;
  std::vector<FoundSlot> slots;
  std::vector<std::string> written;  ///< uris for which something of ours stands outside of their directories
  std::vector<ClaimedHost> claimed;
  std::vector<PhpOrder> without_php;  ///< blocks that are set up here, and whose master does not answer
};
constexpr auto fields(Of<Survey> auto& value) {
  return std::tie(value.folders, value.slots, value.written, value.claimed, value.without_php);
}

}  // namespace aegir::wire
