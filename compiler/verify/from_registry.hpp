// The plain values that Verify works with, from a registry that is at hand: in aegirc and in aegird-worker.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/emit/emit.hpp"
#include "compiler/registry/store.hpp"
#include "compiler/verify/lint.hpp"
#include "compiler/verify/server.hpp"
#include "compiler/verify/texts.hpp"

namespace aegir::verify {

/// What all fragments depend on: the registry alone, or with what people have put down for sites.
[[nodiscard]] Result<emit::Model> read_model(registry::Store& store, const PeoplesSites& peoples = {});
/// The same with what there is on this machine. Needs root, at hand or in reserve.
[[nodiscard]] Result<emit::Model> read_model(registry::Store& store, const Config& config);

/// The versions of PHP that the sites of a platform run with, whose uris are `uris`; without a site, those of its
/// server.
[[nodiscard]] Result<PhpVersions> php_of(registry::Store& store, const registry::Platform& platform,
                                         const std::vector<std::string>& uris);

/// A platform with what its own files depend on.
[[nodiscard]] Result<PlatformFacts> facts_of(registry::Store& store, const registry::Platform& platform);

/// What a site's drushrc.php says of packages: fills these members of its facts. `codebase` gives its platform's, and
/// is asked only when the site's packages are known.
[[nodiscard]] Result<void> add_packages(registry::Store& store, emit::SiteFacts& facts,
                                        const std::function<Result<const registry::Codebase*>()>& codebase);

}  // namespace aegir::verify
