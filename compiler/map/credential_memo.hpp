// What a worker remembers of the credentials that it opened: a busy site's are decrypted once, not at each request.
//
// A worker holds the key, so this gives nobody a new view of them. It is bounded (kSlots), lies in pages of its own
// that no core dump takes, and is wiped before it is used again and at the end.
#pragma once

#include <cstddef>
#include <span>

#include "compiler/core/secret_box.hpp"
#include "compiler/map/answer.hpp"
#include "compiler/map/reader.hpp"

namespace aegir::map {

/// One a worker process. Thread-safe.
class CredentialMemo {
 public:
  static constexpr std::size_t kSlots = 512;

  /// `keys` must outlive it. Without memory for it nothing is remembered.
  explicit CredentialMemo(const KeyRing& keys) noexcept;
  ~CredentialMemo();
  CredentialMemo(const CredentialMemo&) = delete;
  CredentialMemo& operator=(const CredentialMemo&) = delete;

  /// The same as open_credentials(): what is remembered counts only for the same host, key and sealed bytes, from
  /// which the same plaintext would come.
  [[nodiscard]] bool open(const SiteView& site, std::span<char> plain, CredentialFields& fields) noexcept;

  /// What is remembered, for tests: all slots with their bytes.
  [[nodiscard]] std::span<const unsigned char> memory() const noexcept;

 private:
  struct Slot;
  const KeyRing& keys_;
  Slot* slots_ = nullptr;
};

}  // namespace aegir::map
