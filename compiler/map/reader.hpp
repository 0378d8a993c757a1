// Reads a published site map: what the modules link. libc and libsodium only; look-ups never allocate and
// never throw. The bytes and the rules of reading are those of FORMAT.md.
//
// MapFile is one mapped, verified file. Snapshot is a base with its delta: a state that was published.
// LiveMap follows a map directory: it notices a publish at the next request (shared counter) or within a
// second (CURRENT), and keeps the last good state when the new one is refused.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/error.hpp"
#include "compiler/map/format.hpp"

namespace aegir::map {

struct RecordView;

/// The next step when a file of the map is broken. A plain publish reads few records of a large map.
inline constexpr const char* kRebuildHint = "`aegirc publish --rebuild` writes it anew from the registry";

/// A site as a request sees it. The views point into the snapshot, or into the caller's memory after
/// copy_to().
struct SiteView {
  std::string_view host, directory, socket, auth, former, sealed;
  std::string_view platform_name, docroot, console;
  std::string_view target;  ///< effective redirect target of the name that was asked for; empty: serve in place
  SiteState state = SiteState::kEnabled;
  Https https = Https::kAllowed;
  Cms cms = Cms::kOther;
  std::uint8_t services = 0;  ///< the site's and its platform's
  std::uint16_t former_count = 0;
  std::uint32_t platform_id = 0, key_id = 0;
  std::uint32_t memory_limit = 0, upload_max_filesize = 0, post_max_size = 0, max_execution_time = 0;
  std::uint64_t expiry = 0;      ///< candidates
  std::uint64_t generation = 0;  ///< of the snapshot

  /// Whether `name` is among the former uris.
  [[nodiscard]] bool has_former(std::string_view name) const noexcept;
  /// Bytes that copy_to() needs.
  [[nodiscard]] std::size_t footprint() const noexcept;
  /// Copies what the views show into `memory` (footprint() bytes), so that the snapshot can go. A view that
  /// the caller has set to something else is left alone.
  void copy_to(char* memory) noexcept;

  /// What copy_to() copies: the fields of the site's record, its platform's strings, its alias's target, the
  /// console.
  std::array<std::string_view, 4> blocks{};
};

/// Map key of a probe token: "!" and 64 hex digits of its BLAKE2b-256.
[[nodiscard]] std::array<char, kProbeKey> hash_token(std::string_view token) noexcept;

/// What a look-up came to. What it hands out is good only when it was found.
enum class Lookup : std::uint8_t {
  kFound,
  kUnknown,  ///< no such name
  kFault,    ///< bucket or record are broken: answer 500, never another site
};

/// A platform's row. The views point into the file.
struct PlatformView {
  std::uint32_t id = 0;
  std::uint8_t services = 0;  ///< 0: a delta says that it is gone
  Cms cms = Cms::kOther;
  std::string_view name, docroot;
};

/// Name that a file with this header has in a map directory: "base-<generation>-<digest>.map".
[[nodiscard]] std::string file_name(const Header& header);

/// One mapped and verified file of the map. Immutable; may be read from any thread.
class MapFile {
 public:
  /// Opens a file and verifies header, platforms and settings (FORMAT.md "Reading" 1): microseconds at any
  /// size.
  [[nodiscard]] static Result<std::shared_ptr<const MapFile>> open(const std::string& path);
  ~MapFile();
  MapFile(const MapFile&) = delete;
  MapFile& operator=(const MapFile&) = delete;

  [[nodiscard]] const Header& header() const noexcept { return header_; }
  [[nodiscard]] std::span<const unsigned char> bytes() const noexcept { return {data_, size_}; }
  /// Whether `path` is another file than this one by now: a damaged one is written anew under its name.
  [[nodiscard]] bool replaced_at(const std::string& path) const noexcept;

  /// SipHash-2-4 of a key with this file's hash key; a base and its deltas agree on it.
  [[nodiscard]] std::uint64_t hash(std::string_view key) const noexcept;
  /// Asks for the bucket of `hash` ahead of find().
  [[gnu::always_inline]] inline void prefetch(std::uint64_t hash) const noexcept {
    __builtin_prefetch(data_ + header_.buckets_offset +
                       std::uint64_t{home_bucket(hash, header_.bucket_count)} * sizeof(Bucket));
  }
  /// Looks up exactly `key`, whose hash() is `hash`. When found, the record is verified and has this key.
  [[nodiscard]] Lookup find(std::uint64_t hash, std::string_view key, RecordView& record) const noexcept;
  /// The platforms of this file, sorted by id.
  [[nodiscard]] const std::vector<PlatformView>& platforms() const noexcept { return platforms_; }
  /// The console's origin; empty: none.
  [[nodiscard]] std::string_view console() const noexcept { return console_; }

 private:
  MapFile() = default;
  const unsigned char* data_ = nullptr;
  std::size_t size_ = 0;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  Header header_{};
  std::vector<PlatformView> platforms_;
  std::string_view console_;
};

/// A published state. Immutable; may be read from any thread.
class Snapshot {
 public:
  /// `delta` may be null. Refuses a delta of another base or registry.
  [[nodiscard]] static Result<std::shared_ptr<const Snapshot>> make(std::shared_ptr<const MapFile> base,
                                                                    std::shared_ptr<const MapFile> delta);

  [[nodiscard]] std::uint64_t generation() const noexcept { return newest().header().generation; }
  /// Looks up a canonical host name: exact, then wildcards, longest first.
  [[nodiscard]] Lookup find_host(std::string_view host, SiteView& site) const noexcept;
  /// Looks up a probe token for `host`. Found only when it has not expired at `now` and is for this host (or
  /// one of the names of a pass's site); the view is the candidate's, or the live record's after the commit.
  [[nodiscard]] Lookup find_probe(std::string_view token, std::string_view host, std::uint64_t now,
                                  SiteView& site) const noexcept;
  /// Looks up exactly one key of any type (no wildcards). What a tombstone hides is unknown. `file` is where
  /// the record was found.
  [[nodiscard]] Lookup find_key(std::string_view key, RecordView& record, const MapFile*& file) const noexcept;
  /// Asks for what the look-ups of these keys will read of the base, so that many look-ups wait for memory side by side
  /// instead of one after the other. Takes the first kBatch keys.
  void prefetch(std::span<const std::string_view> keys) const noexcept;
  static constexpr std::size_t kBatch = 16;
  /// Looks up a platform; null when there is none. Those of a delta replace or remove the base's.
  [[nodiscard]] const PlatformView* find_platform(std::uint32_t id) const noexcept;
  /// All platforms, sorted by id.
  [[nodiscard]] std::span<const PlatformView> platforms() const noexcept { return platforms_; }
  [[nodiscard]] std::string_view console() const noexcept { return delta_ ? delta_->console() : base_->console(); }

  /// The delta, or the base when there is none.
  [[nodiscard]] const MapFile& newest() const noexcept { return delta_ ? *delta_ : *base_; }
  [[nodiscard]] const MapFile& base() const noexcept { return *base_; }
  [[nodiscard]] const MapFile* delta() const noexcept { return delta_.get(); }
  [[nodiscard]] const std::shared_ptr<const MapFile>& shared_base() const noexcept { return base_; }
  [[nodiscard]] const std::shared_ptr<const MapFile>& shared_delta() const noexcept { return delta_; }

 private:
  Snapshot() = default;
  Lookup find(std::uint64_t hash, std::string_view key, RecordView& record, const MapFile*& file) const noexcept;
  Lookup find_wildcard(std::string_view host, RecordView& record, const MapFile*& file) const noexcept;
  Lookup view(const MapFile& file, const RecordView& record, SiteView& site) const noexcept;

  std::shared_ptr<const MapFile> base_, delta_;
  std::span<const PlatformView> platforms_;     ///< the base's, or merged_
  std::vector<PlatformView> merged_platforms_;  ///< when the delta changes one
  std::uint64_t wildcard_depths_ = 0;
};

/// What CURRENT says.
struct Current {
  std::array<unsigned char, 16> registry_id{};
  std::uint64_t generation = 0;
  std::string base;
  std::string delta;  ///< empty: none
};

/// Text of CURRENT, and back.
[[nodiscard]] std::string format_current(const Current& current);
[[nodiscard]] Result<Current> parse_current(std::string_view text, std::string_view file);
[[nodiscard]] Result<Current> read_current(const std::string& directory);

/// Opens the published state of a map directory. Files that `previous` (may be null) has open already are
/// used again unless they were replaced, so that a publish costs a reader only the delta; when nothing has changed, the
/// answer is `previous` itself.
[[nodiscard]] Result<std::shared_ptr<const Snapshot>> open_published(const std::string& directory,
                                                                     const std::shared_ptr<const Snapshot>& previous);

/// Follows a map directory. Thread-safe: snapshot() may be called from any thread.
class LiveMap {
 public:
  using Log = void (*)(void* context, const char* message) noexcept;

  /// `log` gets one line for each new refusal (not one per request), and one when the counter can't be used any more.
  /// Reads nothing yet: the first snapshot() does.
  LiveMap(std::string directory, Log log, void* context);
  ~LiveMap();
  LiveMap(const LiveMap&) = delete;
  LiveMap& operator=(const LiveMap&) = delete;

  /// The newest good state, or null when none was ever good. `now`: seconds, from the server's cached clock.
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot(std::uint64_t now) noexcept;
  /// How many published states were refused since start (a gauge of the status endpoint).
  [[nodiscard]] std::uint64_t refusals() const noexcept { return refusals_.load(std::memory_order_relaxed); }

 private:
  struct State;
  void refresh(std::uint64_t counter, std::uint64_t now) noexcept;
  void refuse(const Error& error);
  void tell_of_counter();

  std::string directory_;
  Log log_;
  void* context_;
  std::mutex mutex_;  ///< guards state_; held by whoever looks at the directory
  std::atomic<std::shared_ptr<const Snapshot>> snapshot_;
  std::atomic<std::uint64_t*> counter_{nullptr};  ///< the shared page; read only
  std::atomic<std::uint64_t> seen_counter_{~0ULL};
  std::atomic<std::uint64_t> checked_at_{~0ULL};
  std::atomic<std::uint64_t> refusals_{0};
  std::unique_ptr<State> state_;
};

}  // namespace aegir::map
