#include "compiler/core/crc32c.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace aegir {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reflected

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[i] = crc;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> kTable = make_table();

std::uint32_t by_table(const unsigned char* p, std::size_t size, std::uint32_t crc) noexcept {
  crc = ~crc;
  for (std::size_t i = 0; i < size; ++i) crc = (crc >> 8) ^ kTable[(crc ^ p[i]) & 0xff];
  return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(const unsigned char* p, std::size_t size,
                                                               std::uint32_t crc) noexcept {
  const auto word = [](const unsigned char* at) noexcept {
    std::uint64_t value;
    std::memcpy(&value, at, sizeof value);
    return value;
  };
  std::uint64_t wide = ~crc;
  for (; size >= 32; p += 32, size -= 32) {
    wide = _mm_crc32_u64(wide, word(p));
    wide = _mm_crc32_u64(wide, word(p + 8));
    wide = _mm_crc32_u64(wide, word(p + 16));
    wide = _mm_crc32_u64(wide, word(p + 24));
  }
  for (; size >= 8; p += 8, size -= 8) wide = _mm_crc32_u64(wide, word(p));
  crc = static_cast<std::uint32_t>(wide);
  if (size >= 4) {
    std::uint32_t half;
    std::memcpy(&half, p, sizeof half);
    crc = _mm_crc32_u32(crc, half);
    p += 4;
    size -= 4;
  }
  for (; size > 0; ++p, --size) crc = _mm_crc32_u8(crc, *p);
  return ~crc;
}

const bool kHasInstruction = __builtin_cpu_supports("sse4.2") != 0;
#endif

}  // namespace

std::uint32_t crc32c(const void* data, std::size_t size, std::uint32_t crc) noexcept {
  const auto* p = static_cast<const unsigned char*>(data);
#if defined(__x86_64__)
  if (kHasInstruction) return by_instruction(p, size, crc);
#endif
  return by_table(p, size, crc);
}

}  // namespace aegir
