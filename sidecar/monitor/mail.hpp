// Mail to clients, through the mail program that aegir.conf names. It is aegird that starts it, since such programs
// have set-uid or set-gid bits, which the worker has given up for all that it starts.
#pragma once

#include <chrono>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "sidecar/wire/mail_order.hpp"

namespace aegir::monitor {

/// Becomes aegir for good and hands the mail to the program, on its standard input: a mail may hold what is a secret of
/// its recipient, and arguments are everybody's to read. kNotFound: there is no such program; kBusy: it did not end
/// within `patience`.
[[nodiscard]] Result<void> send_mail(const Config& config, const Accounts& accounts, const wire::MailOrder& order,
                                     std::chrono::milliseconds patience = std::chrono::minutes(1));

}  // namespace aegir::monitor
