// aegir reconcile
#pragma once

#include "sidecar/cli/cli.hpp"

namespace aegir::client {

void add_reconcile(CLI::App& app, Cli& cli);

}  // namespace aegir::client
