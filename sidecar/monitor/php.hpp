// PHP-FPM masters of blocks: started, ended and told to read their configuration again. Where systemd has a unit
// aegir-fpm@.service, it does so for aegir-fpm@<block>; else aegird starts the master itself, which then goes on
// without it, and finds it again by its pid file.
#pragma once

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "sidecar/wire/order.hpp"

namespace aegir::monitor {

/// Starts a block's master, whose configuration must lie where verify_servers() has put it, and waits until its first
/// pool answers. Nothing when it runs already.
[[nodiscard]] Result<void> start_php(const Config& config, const Accounts& accounts, const wire::PhpOrder& order);

/// Ends it with all requests that it works on, and waits until it is gone. Nothing when it does not run.
[[nodiscard]] Result<void> stop_php(const Config& config, const Accounts& accounts, const wire::PhpOrder& order);

/// Has it read its configuration again. Every site of the block waits meanwhile.
[[nodiscard]] Result<void> reload_php(const Config& config, const Accounts& accounts, const wire::PhpOrder& order);

/// Whether its first pool answers. kNotFound when verify_servers() has not set up such a block.
[[nodiscard]] Result<bool> php_answers(const Config& config, const wire::PhpOrder& order);

}  // namespace aegir::monitor
