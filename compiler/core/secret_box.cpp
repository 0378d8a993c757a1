#include "compiler/core/secret_box.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace aegir {
namespace {

constexpr const char* kLostHint =
    "put it back from its backup; only when there never was one, `aegirc keygen` makes it";

constexpr char kContext[crypto_kdf_CONTEXTBYTES + 1] = "aegirmap";
static_assert(kSealOverhead ==
              crypto_aead_xchacha20poly1305_ietf_NPUBBYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES);

void hash_number(crypto_generichash_state& state, std::uint64_t value) noexcept {
  unsigned char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<unsigned char>(value >> (8 * i));
  crypto_generichash_update(&state, bytes, sizeof bytes);
}

void hash_field(crypto_generichash_state& state, std::string_view field) noexcept {
  hash_number(state, field.size());
  crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(field.data()), field.size());
}

/// Associated data: key id (4 bytes, little-endian), then the canonical host.
struct AssociatedData {
  std::array<unsigned char, 4 + 256> bytes;
  std::size_t size = 0;
  AssociatedData(std::uint32_t key_id, std::string_view host) noexcept {
    for (unsigned i = 0; i < 4; ++i) bytes[i] = static_cast<unsigned char>(key_id >> (8 * i));
    const std::size_t length = host.size() < 256 ? host.size() : 256;
    std::memcpy(bytes.data() + 4, host.data(), length);
    size = 4 + length;
  }
};

bool parse_hex_key(std::string_view hex, MasterKey& key) {
  std::size_t length = 0;
  return hex.size() == 2 * key.size() &&
         sodium_hex2bin(key.data(), key.size(), hex.data(), hex.size(), nullptr, &length, nullptr) == 0 &&
         length == key.size();
}

std::string_view next_word(std::string_view& line) {
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  const std::size_t end = line.find_first_of(" \t\r");
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

bool crypto_ready() noexcept { return sodium_init() >= 0; }

Digest blake2b(std::string_view data) noexcept {
  Digest out;
  crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(data.data()), data.size(), nullptr,
                     0);
  return out;
}

std::string to_hex(std::span<const unsigned char> bytes) {
  std::string text(2 * bytes.size() + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
}

std::string content_hash(std::string_view data) {
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(data.data()), data.size(),
                     nullptr, 0);
  return to_hex(hash);
}

KeyRing::~KeyRing() { sodium_memzero(keys_.data(), sizeof keys_); }

std::string KeyRing::generate(std::uint32_t id) {
  MasterKey key;
  randombytes_buf(key.data(), key.size());
  std::string text = "aegir-key 1 " + std::to_string(id) + " " + to_hex(key) + "\n";
  sodium_memzero(key.data(), key.size());
  return text;
}

Result<KeyRing> KeyRing::parse(std::string_view text, std::string_view file) {
  if (!crypto_ready()) return fail(Code::kInternal, "libsodium could not start: no source of randomness");
  KeyRing ring;
  std::uint32_t line_number = 0;
  const auto refuse = [&](std::string message) {
    return std::unexpected<Error>(
        Error{Code::kInvalid,
              std::move(message),
              {std::string(file), line_number, 1},
              "a key file holds one or two lines 'aegir-key 1 <id> <64 hex digits>'; put it back from its backup"});
  };
  while (!text.empty()) {
    ++line_number;
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::string_view tag = next_word(line);
    if (tag.empty() || tag.front() == '#') continue;
    const std::string_view version = next_word(line);
    const std::string_view id_text = next_word(line);
    MasterKey master;
    Key key;
    const auto [stop, problem] = std::from_chars(id_text.data(), id_text.data() + id_text.size(), key.id);
    if (tag != "aegir-key") return refuse("expected the word 'aegir-key'");
    if (version != "1") return refuse("a key of a version that this program does not know");
    if (problem != std::errc{} || stop != id_text.data() + id_text.size() || key.id == 0) {
      return refuse("the key id must be a number from 1 to 4294967295");
    }
    if (!parse_hex_key(next_word(line), master)) return refuse("expected 64 hex digits after the key id");
    if (!next_word(line).empty()) return refuse("more words than a key line has");
    if (ring.count_ == ring.keys_.size()) return refuse("more than two keys");
    if (ring.find(key.id) != nullptr) return refuse("two keys with the same id");
    crypto_kdf_derive_from_key(key.encrypt.data(), key.encrypt.size(), 1, kContext, master.data());
    crypto_kdf_derive_from_key(key.nonce.data(), key.nonce.size(), 2, kContext, master.data());
    crypto_kdf_derive_from_key(key.compare.data(), key.compare.size(), 3, kContext, master.data());
    sodium_memzero(master.data(), master.size());
    ring.keys_[ring.count_++] = key;
    sodium_memzero(&key, sizeof key);
  }
  if (ring.empty()) return refuse("no key in it");
  return ring;
}

Result<KeyRing> KeyRing::read(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) {
    auto error = fail_errno("the key file can't be opened", path, errno);
    if (error.error().code == Code::kNotFound) error.error().hint = kLostHint;
    return error;
  }
  struct stat status{};
  char text[4096];
  const bool known = ::fstat(fd, &status) == 0;
  const ssize_t size = known && S_ISREG(status.st_mode) ? ::read(fd, text, sizeof text) : -1;
  ::close(fd);
  if (size < 0 || size == static_cast<ssize_t>(sizeof text)) {
    return fail_at(path, Code::kInvalid, "not a key file", kLostHint);
  }
  if ((status.st_mode & 077) != 0) {
    sodium_memzero(text, sizeof text);
    return fail_at(path, Code::kPermission, "the key file is open to group or others", "chmod 0400 it");
  }
  Result<KeyRing> ring = parse(std::string_view(text, static_cast<std::size_t>(size)), path);
  sodium_memzero(text, sizeof text);
  return ring;
}

const KeyRing::Key* KeyRing::find(std::uint32_t id) const noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    if (keys_[i].id == id) return &keys_[i];
  }
  return nullptr;
}

std::string KeyRing::names() const {
  if (empty()) return "no key";
  if (count_ == 1) return "key " + std::to_string(keys_[0].id);
  return "keys " + std::to_string(keys_[0].id) + " and " + std::to_string(keys_[1].id);
}

std::vector<unsigned char> KeyRing::seal(std::string_view host, std::string_view plaintext) const {
  const Key& key = keys_[0];
  std::vector<unsigned char> out(plaintext.size() + kSealOverhead);
  constexpr std::size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  crypto_generichash_state state;
  crypto_generichash_init(&state, key.nonce.data(), key.nonce.size(), kNonce);
  hash_number(state, key.id);
  hash_field(state, host);
  hash_field(state, plaintext);
  crypto_generichash_final(&state, out.data(), kNonce);
  const AssociatedData data(key.id, host);
  crypto_aead_xchacha20poly1305_ietf_encrypt(out.data() + kNonce, nullptr,
                                             reinterpret_cast<const unsigned char*>(plaintext.data()), plaintext.size(),
                                             data.bytes.data(), data.size, nullptr, out.data(), key.encrypt.data());
  return out;
}

std::ptrdiff_t KeyRing::open(std::uint32_t key_id, std::string_view host, std::span<const unsigned char> sealed,
                             std::span<char> out) const noexcept {
  const Key* key = find(key_id);
  if (key == nullptr || sealed.size() < kSealOverhead || out.size() < sealed.size() - kSealOverhead) return -1;
  constexpr std::size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  const AssociatedData data(key_id, host);
  unsigned long long length = 0;
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(reinterpret_cast<unsigned char*>(out.data()), &length, nullptr,
                                                 sealed.data() + kNonce, sealed.size() - kNonce, data.bytes.data(),
                                                 data.size, sealed.data(), key->encrypt.data()) != 0) {
    return -1;
  }
  return static_cast<std::ptrdiff_t>(length);
}

bool KeyRing::digest(std::uint32_t key_id, std::span<const std::string_view> parts, Digest& out) const noexcept {
  const Key* key = find(key_id);
  if (key == nullptr) return false;
  crypto_generichash_state state;
  crypto_generichash_init(&state, key->compare.data(), key->compare.size(), out.size());
  for (const std::string_view part : parts) hash_field(state, part);
  crypto_generichash_final(&state, out.data(), out.size());
  return true;
}

}  // namespace aegir
