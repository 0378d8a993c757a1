#include "compiler/core/secret_box.hpp"

#include <gtest/gtest.h>

#include <string>

#include "compiler/core/crc32c.hpp"

namespace aegir {
namespace {

KeyRing ring_of(const std::string& text) {
  Result<KeyRing> ring = KeyRing::parse(text, "test.key");
  EXPECT_TRUE(ring.has_value()) << describe(ring.error());
  return *ring;
}

const std::string kKey1 = "aegir-key 1 7 " + std::string(64, 'a') + "\n";
const std::string kKey2 = "aegir-key 1 8 " + std::string(64, 'b') + "\n";

std::string opened(const KeyRing& ring, std::uint32_t id, std::string_view host,
                   const std::vector<unsigned char>& sealed) {
  std::string out(sealed.size(), '\0');
  const std::ptrdiff_t size = ring.open(id, host, sealed, out);
  return size < 0 ? "refused" : out.substr(0, static_cast<std::size_t>(size));
}

TEST(SecretBox, OpensWhatItSealedForTheSameHostOnly) {
  const KeyRing ring = ring_of(kKey1);
  const auto sealed = ring.seal("a.example", "secret");
  EXPECT_EQ(opened(ring, 7, "a.example", sealed), "secret");
  EXPECT_EQ(opened(ring, 7, "b.example", sealed), "refused");
  EXPECT_EQ(opened(ring, 8, "a.example", sealed), "refused");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto broken = sealed;
    broken[i] ^= 1;
    EXPECT_EQ(opened(ring, 7, "a.example", broken), "refused") << i;
  }
}

TEST(SecretBox, SameInputSameBytesOtherInputOtherNonce) {
  const KeyRing ring = ring_of(kKey1);
  const auto first = ring.seal("a.example", "secret");
  EXPECT_EQ(first, ring.seal("a.example", "secret"));
  const auto nonce = [](const std::vector<unsigned char>& s) { return std::vector(s.begin(), s.begin() + 24); };
  EXPECT_NE(nonce(first), nonce(ring.seal("a.example", "secreT")));
  EXPECT_NE(nonce(first), nonce(ring.seal("b.example", "secret")));
  EXPECT_NE(nonce(ring.seal("ab", "c")), nonce(ring.seal("a", "bc")));
}

TEST(SecretBox, ARingOfTwoOpensBothAndSealsWithTheFirst) {
  const KeyRing old_ring = ring_of(kKey1);
  const KeyRing ring = ring_of(kKey2 + kKey1);
  EXPECT_EQ(ring.current_id(), 8U);
  EXPECT_EQ(opened(ring, 7, "a.example", old_ring.seal("a.example", "x")), "x");
  EXPECT_EQ(opened(ring, 8, "a.example", ring.seal("a.example", "x")), "x");
}

TEST(SecretBox, ABadKeyFileIsRefusedWithItsLine) {
  for (const char* text : {"", "# nothing\n", "aegir-key 2 7 aa\n", "aegir-key 1 0 aa\n", "aegir-key 1 x aa\n",
                           "aegir-key 1 7 abc\n", "key 1 7 aa\n"}) {
    const auto ring = KeyRing::parse(text, "test.key");
    ASSERT_FALSE(ring.has_value()) << text;
    EXPECT_EQ(ring.error().place.file, "test.key");
  }
  EXPECT_FALSE(KeyRing::parse(kKey1 + kKey1, "x").has_value());
  EXPECT_FALSE(KeyRing::parse(kKey1 + kKey2 + "aegir-key 1 9 " + std::string(64, 'c'), "x").has_value());
  EXPECT_TRUE(KeyRing::parse(KeyRing::generate(5), "x").has_value());
}

TEST(SecretBox, DigestDependsOnKeyAndOnWhereThePartsEnd) {
  const KeyRing ring = ring_of(kKey1);
  const auto digest = [&](std::vector<std::string_view> parts) {
    Digest out{};
    EXPECT_TRUE(ring.digest(7, parts, out));
    return out;
  };
  EXPECT_EQ(digest({"ab", "c"}), digest({"ab", "c"}));
  EXPECT_NE(digest({"ab", "c"}), digest({"a", "bc"}));
  Digest out;
  EXPECT_FALSE(ring.digest(9, {}, out));
}

TEST(Crc32c, IsTheOneOfRfc3720) {
  EXPECT_EQ(crc32c("123456789", 9), 0xe3069283U);
  const std::string zeros(32, '\0');
  EXPECT_EQ(crc32c(zeros.data(), 32), 0x8a9136aaU);
  EXPECT_EQ(crc32c("6789", 4, crc32c("12345", 5)), 0xe3069283U);
}

}  // namespace
}  // namespace aegir
