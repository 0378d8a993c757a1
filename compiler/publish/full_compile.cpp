// A whole base, in two threads: the caller's reads the registry (a Store belongs to one thread), another one compiles,
// seals and writes. They share a short queue of batches, so that memory stays flat at any number of sites.
#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "compiler/publish/compile.hpp"

namespace aegir::publish {
namespace {

constexpr std::size_t kBatch = 512;  // sites
constexpr std::size_t kQueue = 8;    // batches

using Batch = std::vector<registry::Site>;

/// Batches on their way from the reading to the writing thread.
class Queue {
 public:
  /// False when the writing side has given up.
  bool push(Batch batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return batches_.size() < kQueue || closed_; });
    if (closed_) return false;
    batches_.push_back(std::move(batch));
    changed_.notify_all();
    return true;
  }
  /// Empty when the reading side is done.
  Batch pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !batches_.empty() || closed_; });
    if (batches_.empty()) return {};
    Batch batch = std::move(batches_.front());
    batches_.pop_front();
    changed_.notify_all();
    return batch;
  }
  /// Nothing more is pushed; what is queued can still be popped.
  void close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> batches_;
  bool closed_ = false;
};

/// Compiles and writes until the queue is closed and empty, or something fails (it then closes the queue itself).
Result<void> write_sites(Queue& queue, const Compiler& compiler, map::Writer& writer) {
  for (Batch batch = queue.pop(); !batch.empty(); batch = queue.pop()) {
    for (const registry::Site& site : batch) {
      Result<std::optional<map::SiteRecord>> record = compiler.site(site);
      Result<void> added;
      if (!record) {
        added = pass(record);
      } else if (*record) {
        added = writer.add(**record);
      }
      if (!added) {
        queue.close();
        return added;
      }
    }
  }
  return {};
}

/// Candidates stand before all sites, since '!' sorts before every character of a host name.
Result<void> write_candidates(registry::Store& store, const Compiler& compiler, map::Writer& writer) {
  Result<std::vector<registry::Candidate>> candidates = store.candidates();
  if (!candidates) return pass(candidates);
  std::ranges::sort(*candidates, {}, &registry::Candidate::token_key);
  for (const registry::Candidate& candidate : *candidates) {
    Result<ProbeRecord> record = compiler.candidate(candidate);
    if (!record) return pass(record);
    Result<void> added = std::visit([&](const auto& value) { return writer.add(value); }, *record);
    if (!added) return added;
  }
  return {};
}

Result<map::Written> compile_snapshot(registry::Store& store, const Config& config, const KeyRing& keys,
                                      const map::Target& target) {
  Result<Compiler> compiler = Compiler::load(store, config, keys);
  if (!compiler) return pass(compiler);
  Result<std::uint64_t> sequence = store.sequence();
  if (!sequence) return pass(sequence);
  const Result<std::optional<std::uint64_t>> tag = store.tag_of(*sequence);
  if (!tag) return std::unexpected(tag.error());
  map::FileInfo info;
  info.registry_id = store.registry_id();
  info.generation = *sequence;
  info.history_tag = tag->value_or(0);
  info.key_id = compiler->key_id();
  info.console = compiler->console();
  Result<map::Writer> writer = map::Writer::create(target, info, compiler->platforms());
  if (!writer) return pass(writer);
  if (Result<void> written = write_candidates(store, *compiler, *writer); !written) return pass(written);

  Queue queue;
  Result<void> written;
  Result<void> read;
  {
    const std::jthread thread([&] { written = write_sites(queue, *compiler, *writer); });
    Batch batch;
    bool wanted = true;
    read = store.each_site([&](const registry::Site& site) -> Result<void> {
      batch.push_back(site);
      if (batch.size() < kBatch) return {};
      wanted = queue.push(std::exchange(batch, {}));
      if (!wanted) return fail(Code::kInternal, "the writing thread has given up");
      batch.reserve(kBatch);
      return {};
    });
    if (read && !batch.empty()) (void)queue.push(std::move(batch));
    queue.close();
  }
  if (!written) return pass(written);  // the cause, when both failed
  if (!read) return pass(read);
  return writer->finish();
}

}  // namespace

Result<map::Written> full_compile(registry::Store& store, const Config& config, const KeyRing& keys,
                                  const map::Target& target) {
  Result<map::Written> written = fail(Code::kInternal, "nothing was compiled");
  Result<void> done = store.snapshot([&]() -> Result<void> {
    written = compile_snapshot(store, config, keys, target);
    if (!written) return std::unexpected(written.error());
    return {};
  });
  if (!done) return pass(done);
  return written;
}

}  // namespace aegir::publish
