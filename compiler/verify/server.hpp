// What Verify does with the servers of a registry: folders, owners, slots, fragments, and the web servers'
// configuration in force. Composes registry, emitters, machine and activation; used by aegirc, and later by aegird.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/emit/emit.hpp"
#include "compiler/machine/machine.hpp"
#include "compiler/registry/store.hpp"

namespace aegir::verify {

/// What all fragments depend on: the registry alone.
[[nodiscard]] Result<emit::Model> read_model(registry::Store& store);
/// The same on this machine, where a site is also its own by the vhost.d/<uri>.local.conf that a person has written for
/// it. Needs root, at hand or in reserve.
[[nodiscard]] Result<emit::Model> read_model(registry::Store& store, const Config& config);

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
