// The path of a request's target as nginx reads it: decoded, with dots and double slashes resolved. httpd lets some
// targets through to the hooks that nginx answers with 400 before any module sees them; a fleet that is served by both
// must get one answer, so mod_aegir asks here, and so does `aegirc lookup`. Nothing here allocates or throws.
#pragma once

#include <optional>
#include <string_view>

namespace aegir::map {

/// The path of `raw` (up to the query) when it is what nginx calls $uri as it stands: nothing to decode, no dots or
/// double slashes to resolve. Else resolve_path() knows.
[[nodiscard]] std::optional<std::string_view> plain_path(std::string_view raw) noexcept;

/// The path of `raw` decoded, with dots and double slashes resolved, in `out`, which has room for raw.size() bytes.
/// Nothing when nginx refuses it: %00, a % without two hex digits after it, a way above the root.
[[nodiscard]] std::optional<std::string_view> resolve_path(std::string_view raw, char* out) noexcept;

}  // namespace aegir::map
