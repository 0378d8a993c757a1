// What aegird is asked for and what it answers about servers and platforms, as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "sidecar/wire/model.hpp"
#include "sidecar/wire/order.hpp"

namespace aegir::wire {

/// For which sites people have put something down on this machine, by name: what of a model is not in the registry.
struct PeoplesSites {
  std::vector<std::string> with_local;  ///< a vhost.d/<uri>.local.conf
  std::vector<std::string> certified;   ///< a folder in config/ssl.d
};
constexpr auto fields(Of<PeoplesSites> auto& value) { return std::tie(value.with_local, value.certified); }

/// Servers to be brought to a registry.
struct ServersOrder {
  emit::Model model;              ///< its surroundings are looked up by aegird
  std::vector<std::string> read;  ///< platforms whose .htaccess is read now
};
constexpr auto fields(Of<ServersOrder> auto& value) { return std::tie(value.model, value.read); }

/// A platform's own files: sites.php, drushrc.php, the list of its sites, Drush's alias.
struct PlatformFilesOrder {
  registry::Platform platform;
  std::vector<std::string> uris;      ///< of its sites
  registry::Codebase codebase;        ///< what its code brings
  std::vector<std::string> versions;  ///< of the PHP that its sites run with
};
constexpr auto fields(Of<PlatformFilesOrder> auto& value) {
  return std::tie(value.platform, value.uris, value.codebase, value.versions);
}

/// A platform whose code, files and rules are put right; servers are brought to the model with it.
struct PlatformOrder {
  emit::Model model;
  PlatformFilesOrder files;
};
constexpr auto fields(Of<PlatformOrder> auto& value) { return std::tie(value.model, value.files); }

/// What a Verify did and found.
struct Verified {
  std::vector<std::string> done;
  std::vector<Error> errors;       ///< what was refused or could not be put right; all else is
  std::vector<std::string> notes;  ///< what a person should know
};
constexpr auto fields(Of<Verified> auto& value) { return std::tie(value.done, value.errors, value.notes); }

/// A folder of config/ssl.d.
struct CertificateFacts {
  std::string folder;
  std::string path;                ///< of the certificate
  std::vector<std::string> hosts;  ///< that it is for; none when there is an error
  std::int64_t until = 0;          ///< Unix time of its last second
  std::optional<Error> error;      ///< why no server is given it: it can't be read, the key does not fit, …
};
constexpr auto fields(Of<CertificateFacts> auto& value) {
  return std::tie(value.folder, value.path, value.hosts, value.until, value.error);
}

}  // namespace aegir::wire
