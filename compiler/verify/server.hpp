// What Verify does with the servers of a registry: folders, owners, slots, fragments, and the web servers'
// configuration in force. Plain values: used by aegirc, which has the registry, and by aegird, which is told.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/emit/emit.hpp"
#include "compiler/machine/machine.hpp"

namespace aegir::verify {

/// For which sites people have put something down on this machine, by name: what of a model is not in the registry.
struct PeoplesSites {
  std::set<std::string> with_local;  ///< a vhost.d/<uri>.local.conf, by which a site is one of its own
  std::set<std::string> certified;   ///< a folder in config/ssl.d
};

/// Looks them up, `servers` being the names of all servers. Needs root, at hand or in reserve.
[[nodiscard]] Result<PeoplesSites> peoples_sites(const Config& config, const std::vector<std::string>& servers);

/// Whether the web servers' files say of a site's request bodies what the registry says: they come with a compile or
/// verify_servers(), not with a publish. Needs root, at hand or in reserve.
[[nodiscard]] Result<bool> body_limit_is_in_force(const Config& config, const registry::Platform& platform,
                                                  const registry::Site& site);

/// What a Verify found, beside what it did.
struct Told {
  std::vector<Error> errors;       ///< what was refused or could not be put right; all else is
  std::vector<std::string> notes;  ///< what a person should know
};

/// Folders of servers and slots, the fragments of PHP-FPM, and Apache's and nginx's configuration in force. `read`
/// names the platforms whose .htaccess is read now. Fails, with nothing written, when a value of the model can't be
/// said in a file; what a server refuses is told and keeps nothing else from being in force. Each directive of an
/// .htaccess that was accepted now, and that nginx does not obey, is a note with its line.
[[nodiscard]] Result<Told> verify_servers(const Config& config, const Accounts& accounts, const emit::Model& model,
                                          const std::set<std::string>& read, machine::Done& done);

}  // namespace aegir::verify
