// The registry as the threads of aegird-worker share it: one Store, one at a time. Whoever has it does nothing slow.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "compiler/registry/store.hpp"

namespace aegir::tasks {

class SharedStore {
 public:
  explicit SharedStore(std::unique_ptr<registry::Store> store) : store_(std::move(store)) {}

  /// Runs `body` with the store, which no other thread has meanwhile; waits for it. `body` must not ask for it again.
  template <class Body>
  decltype(auto) with(Body&& body) {
    const std::lock_guard lock(mutex_);
    const Mark mark(holder_);
    return std::forward<Body>(body)(*store_);
  }

  /// Whether the calling thread is inside of with().
  [[nodiscard]] bool is_mine() const { return holder_ == std::this_thread::get_id(); }

 private:
  struct Mark {
    explicit Mark(std::atomic<std::thread::id>& of) : holder(of) { holder = std::this_thread::get_id(); }
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;
    ~Mark() { holder = std::thread::id(); }
    std::atomic<std::thread::id>& holder;
  };

  std::mutex mutex_;
  std::atomic<std::thread::id> holder_;
  std::unique_ptr<registry::Store> store_;
};

}  // namespace aegir::tasks
