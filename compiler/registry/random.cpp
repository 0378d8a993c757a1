#include "compiler/registry/random.hpp"

#include <sodium.h>

#include <string_view>

namespace aegir::registry {

void random_bytes(std::span<unsigned char> out) noexcept { randombytes_buf(out.data(), out.size()); }

std::string random_word(std::size_t length) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::string word(length, '\0');
  for (char& c : word) c = kLetters[randombytes_uniform(static_cast<std::uint32_t>(kLetters.size()))];
  return word;
}

}  // namespace aegir::registry
