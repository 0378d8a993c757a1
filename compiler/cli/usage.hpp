// What every command-line program of ours does before it does anything.
#pragma once

#include "compiler/core/error.hpp"

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace aegir::cli {

/// What is wrong with a command line, as one of our errors; names the command or option that is near to a misspelt one.
[[nodiscard]] Error usage_error(const CLI::App& app, const CLI::ParseError& error);

/// A file that is opened must not become standard output by taking its closed descriptor. Each closed one is filled
/// with what can't be used as it would be, so that using it fails as before.
void fill_closed_descriptors();

}  // namespace aegir::cli
