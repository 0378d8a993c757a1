// Secrets in a document: sealed with the registry's key and bound to the site that they belong to, in base64.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "compiler/core/secret_box.hpp"

namespace aegir::registry {

/// Which secret of a site it is; a sealed one opens only as the same again.
enum class Secret : char { kDatabase = 'd', kCronKey = 'c', kHttpAuth = 'h', kHashSalt = 's' };

[[nodiscard]] std::string seal_text(const KeyRing& key, Secret secret, std::string_view uri, std::string_view plain);

/// The plain text, or nothing when key, site or bytes are not the right ones.
[[nodiscard]] std::optional<std::string> open_text(const KeyRing& key, std::uint32_t key_id, Secret secret,
                                                   std::string_view uri, std::string_view sealed);

}  // namespace aegir::registry
