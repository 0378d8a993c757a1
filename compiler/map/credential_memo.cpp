#include "compiler/map/credential_memo.hpp"

#include <sodium.h>
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace aegir::map {

/// `bytes`: sealed bytes, host, plaintext, one after the other. All zero: empty.
struct CredentialMemo::Slot {
  bool busy;  ///< atomic: by one thread, a few hundred instructions long; others do without
  std::uint16_t sealed_size, host_size;
  std::uint32_t key_id;
  std::array<char, 500> bytes;

  [[nodiscard]] std::size_t plain_size() const noexcept { return sealed_size - kSealOverhead; }
  [[nodiscard]] bool is_of(const SiteView& site) const noexcept {
    return sealed_size == site.sealed.size() && host_size == site.host.size() && key_id == site.key_id &&
           std::memcmp(bytes.data(), site.sealed.data(), sealed_size) == 0 &&
           std::memcmp(bytes.data() + sealed_size, site.host.data(), host_size) == 0;
  }
  [[nodiscard]] std::string_view plain() const noexcept {
    return {bytes.data() + sealed_size + host_size, plain_size()};
  }
  void remember(const SiteView& site, std::string_view opened) noexcept {
    sodium_memzero(bytes.data(), bytes.size());
    sealed_size = static_cast<std::uint16_t>(site.sealed.size());
    host_size = static_cast<std::uint16_t>(site.host.size());
    key_id = site.key_id;
    char* end = bytes.data();
    for (const std::string_view part : {site.sealed, site.host, opened}) end += part.copy(end, part.size());
  }
};

namespace {
constexpr std::size_t kSlotSize = 512;
constexpr std::size_t kMemory = CredentialMemo::kSlots * kSlotSize;
}  // namespace

CredentialMemo::CredentialMemo(const KeyRing& keys) noexcept : keys_(keys) {
  static_assert(sizeof(Slot) == kSlotSize && std::atomic_ref<bool>::is_always_lock_free);
  void* const memory = ::mmap(nullptr, kMemory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  if (::madvise(memory, kMemory, MADV_DONTDUMP) != 0 || ::madvise(memory, kMemory, MADV_WIPEONFORK) != 0) {
    ::munmap(memory, kMemory);
    return;
  }
  slots_ = static_cast<Slot*>(memory);  // all zero: slots without anything in them
}

CredentialMemo::~CredentialMemo() {
  if (slots_ == nullptr) return;
  sodium_memzero(slots_, kMemory);
  ::munmap(slots_, kMemory);
}

std::span<const unsigned char> CredentialMemo::memory() const noexcept {
  return {reinterpret_cast<const unsigned char*>(slots_), slots_ == nullptr ? 0 : kMemory};
}

bool CredentialMemo::open(const SiteView& site, std::span<char> plain, CredentialFields& fields) noexcept {
  if (slots_ == nullptr || site.sealed.size() < kSealOverhead) return open_credentials(keys_, site, plain, fields);
  // The nonce is a digest of host and plaintext: its bits are as good as a hash.
  Slot& slot = slots_[load<std::uint32_t>(site.sealed.data()) % kSlots];
  const std::size_t plain_size = site.sealed.size() - kSealOverhead;
  const bool fits = site.sealed.size() + site.host.size() + plain_size <= slot.bytes.size();
  if (!fits || plain.size() < site.sealed.size() ||
      std::atomic_ref(slot.busy).exchange(true, std::memory_order_acquire)) {
    return open_credentials(keys_, site, plain, fields);
  }
  bool opened = false;
  if (slot.is_of(site)) {
    (void)slot.plain().copy(plain.data(), plain_size);
    opened = split_credentials(plain, plain_size, fields);
  } else {
    const std::ptrdiff_t size = unseal_credentials(keys_, site, plain);
    if (size >= 0) {
      slot.remember(site, {plain.data(), static_cast<std::size_t>(size)});
      opened = split_credentials(plain, static_cast<std::size_t>(size), fields);
    }
  }
  std::atomic_ref(slot.busy).store(false, std::memory_order_release);
  return opened;
}

}  // namespace aegir::map
