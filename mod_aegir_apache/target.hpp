// The target of a request as it was sent, read the way nginx reads it. httpd lets some targets through to the hooks
// that nginx answers with 400 before any module sees them; a fleet that is served by both must get one answer.
#pragma once

#include <optional>
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

/// The path of `raw` (up to the query) when it is what nginx calls $uri as it stands: nothing to decode, no dots or
/// double slashes to resolve. Else resolve_path() knows.
[[nodiscard]] std::optional<std::string_view> plain_path(std::string_view raw) noexcept;

/// The path of `raw` decoded, with dots and double slashes resolved, in `out`, which has room for raw.size() bytes.
/// Nothing when nginx refuses it: %00, a % without two hex digits after it, a way above the root.
[[nodiscard]] std::optional<std::string_view> resolve_path(std::string_view raw, char* out) noexcept;

/// Whether nginx takes it for a method: capital letters, '_' and '-'.
[[nodiscard]] bool is_method(std::string_view method) noexcept;

}  // namespace aegir::apache
