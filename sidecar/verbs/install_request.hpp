// What `site install` is asked for, read and held against the registry.
#pragma once

#include <string>

#include "sidecar/verbs/services.hpp"

namespace aegir::verbs {

/// What is asked for: the members of a site in the registry's document, and what the installer wants to know.
struct InstallRequest {
  registry::Site site;
  std::string title;
  std::string mail;
};

/// `key` opens the secrets of the request. kInvalid names the member that is wrong.
[[nodiscard]] Result<InstallRequest> read_install(const registry::NewTask& task, const KeyRing& key);

/// The server whose database service a new site takes: its platform's, else the only one.
[[nodiscard]] Result<std::string> database_server_for(registry::Store& store, const registry::Platform& platform);

}  // namespace aegir::verbs
