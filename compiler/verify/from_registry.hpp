// The plain values that Verify works with, from a registry that is at hand: in aegirc and in aegird-worker.
#pragma once

#include <string>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/emit/emit.hpp"
#include "compiler/registry/store.hpp"
#include "compiler/verify/lint.hpp"
#include "compiler/verify/server.hpp"

namespace aegir::verify {

/// What all fragments depend on: the registry alone, or with what people have put down for sites.
[[nodiscard]] Result<emit::Model> read_model(registry::Store& store, const PeoplesSites& peoples = {});
/// The same with what there is on this machine. Needs root, at hand or in reserve.
[[nodiscard]] Result<emit::Model> read_model(registry::Store& store, const Config& config);

/// The versions of PHP that the sites of a platform run with, whose uris are `uris`; without a site, those of its
/// server.
[[nodiscard]] Result<PhpVersions> php_of(registry::Store& store, const registry::Platform& platform,
                                         const std::vector<std::string>& uris);

}  // namespace aegir::verify
