// Sealing of database credentials: XChaCha20-Poly1305 (libsodium) with a nonce made from the content, so that one
// registry always compiles to the same bytes. Used by the compiler to seal, by the modules to open.
//
// k1 and k2 are derived from a 32-byte master key (crypto_kdf, context "aegirmap"): k1 encrypts, k2 makes nonces,
// k3 makes keyed digests (HTTP authentication). nonce = BLAKE2b(k2, key id | host | plaintext), each field with its
// length before it; associated data = canonical host and key id: a sealed value can't be moved to another host.
// Two different plaintexts never share a nonce, the same plaintext for the same host always seals to the same bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/error.hpp"

namespace aegir {

/// What a sealed value adds to its plaintext: 24 bytes nonce before, 16 bytes tag after.
inline constexpr std::size_t kSealOverhead = 40;

using MasterKey = std::array<unsigned char, 32>;
using Digest = std::array<unsigned char, 32>;

/// Up to two master keys by id: `current` seals, both open. Wiped when destroyed. Thread-safe once built.
class KeyRing {
 public:
  KeyRing() = default;
  KeyRing(const KeyRing&) = default;
  KeyRing& operator=(const KeyRing&) = default;
  ~KeyRing();

  /// Parses the text of a key file: lines "aegir-key 1 <id> <64 hex digits>", '#' comments; the first is current.
  /// `file` is for messages only.
  [[nodiscard]] static Result<KeyRing> parse(std::string_view text, std::string_view file);
  /// Reads a key file (O_NOFOLLOW). Refuses one that group or others may read.
  [[nodiscard]] static Result<KeyRing> read(const std::string& path);
  /// A fresh random key as the text of a key file. `id` must not be 0.
  [[nodiscard]] static std::string generate(std::uint32_t id);

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::uint32_t current_id() const noexcept { return count_ == 0 ? 0 : keys_[0].id; }
  [[nodiscard]] bool holds(std::uint32_t id) const noexcept { return find(id) != nullptr; }
  /// "key 7", "keys 7 and 8": for messages.
  [[nodiscard]] std::string names() const;

  /// Seals `plaintext` for `host` with the current key: nonce, ciphertext, tag.
  [[nodiscard]] std::vector<unsigned char> seal(std::string_view host, std::string_view plaintext) const;

  /// Opens what seal() made into `out` (at least sealed.size() - kSealOverhead bytes). Returns the number of bytes,
  /// or -1 when key id, host or bytes do not match. Allocates nothing.
  [[nodiscard]] std::ptrdiff_t open(std::uint32_t key_id, std::string_view host, std::span<const unsigned char> sealed,
                                    std::span<char> out) const noexcept;

  /// Keyed BLAKE2b-256 (k3) of `parts`, each with its length before it; for values that are compared, never opened.
  /// False when the ring does not hold `key_id`.
  [[nodiscard]] bool digest(std::uint32_t key_id, std::span<const std::string_view> parts, Digest& out) const noexcept;

 private:
  struct Key {
    std::uint32_t id = 0;
    std::array<unsigned char, 32> encrypt{};
    std::array<unsigned char, 32> nonce{};
    std::array<unsigned char, 32> compare{};
  };
  [[nodiscard]] const Key* find(std::uint32_t id) const noexcept;

  std::array<Key, 2> keys_{};
  std::size_t count_ = 0;
};

/// Starts libsodium; safe to call often and from any thread. False when the machine has no randomness.
[[nodiscard]] bool crypto_ready() noexcept;

/// BLAKE2b-256 of `data`, without a key.
[[nodiscard]] Digest blake2b(std::string_view data) noexcept;

/// 32 characters that tell contents from each other: BLAKE2b-128 without a key, in hexadecimal.
[[nodiscard]] std::string content_hash(std::string_view data);

/// Lower-case hexadecimal.
[[nodiscard]] std::string to_hex(std::span<const unsigned char> bytes);

}  // namespace aegir
