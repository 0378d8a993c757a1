// Randomness of the registry: ids, and the passwords and keys that a document leaves out.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace aegir::registry {

/// Fills `out` from the system's source of randomness. libsodium must have been started (crypto_ready()).
void random_bytes(std::span<unsigned char> out) noexcept;

/// `length` random letters and digits (5.95 bits each): a password that needs no quoting anywhere.
[[nodiscard]] std::string random_word(std::size_t length);

}  // namespace aegir::registry
