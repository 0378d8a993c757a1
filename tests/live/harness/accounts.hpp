// Accounts that this process alone knows, and what it starts.
#pragma once

#include <string>

namespace aegir::live {

/// Adds lines to /etc/passwd and /etc/group, in a view of the file system that is this process's own from then on. Call
/// it before there are threads and servers. Throws std::runtime_error.
void know_accounts(const std::string& passwd, const std::string& group);

}  // namespace aegir::live
