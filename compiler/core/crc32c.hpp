// CRC-32C (Castagnoli, RFC 3720 §B.4): the checksum of the site map's sections and records. It finds torn writes and
// flipped bits; it is no defence against a person, for which the map has its owner and its sealed credentials.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aegir {

/// CRC-32C of `size` bytes; `crc` continues an earlier call (0 to begin).
[[nodiscard]] std::uint32_t crc32c(const void* data, std::size_t size, std::uint32_t crc = 0) noexcept;

}  // namespace aegir
