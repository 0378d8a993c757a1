// The target of a request as it was sent, read the way nginx reads it. httpd lets some targets through to the hooks
// that nginx answers with 400 before any module sees them; a fleet that is served by both must get one answer.
#pragma once

#include <string_view>

namespace aegir::apache {

/// The parts of a target; all of them views of what was sent.
struct Target {
  std::string_view scheme;     ///< of an absolute URI ("http" and "https" in lower case, others as sent), or empty
  std::string_view authority;  ///< of an absolute URI, with everything that stands in it
  std::string_view raw;        ///< path and query, byte for byte; does not begin with a slash when there is no path
  bool valid = false;          ///< "/…" or "scheme://…"; nothing else is a target of a server that is no proxy
};

[[nodiscard]] Target split_target(std::string_view unparsed) noexcept;

/// Whether nginx takes it for a method: capital letters, '_' and '-'.
[[nodiscard]] bool is_method(std::string_view method) noexcept;

}  // namespace aegir::apache
