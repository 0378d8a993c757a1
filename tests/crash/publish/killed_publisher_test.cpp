// A publisher that is killed at each of its system calls in turn: workers go on with the old state or the new one, a
// worker that starts finds one of the two, and the next publish heals and cleans up.
//
// The publisher is a child under ptrace; all its threads stop at each system call, and at the n-th it gets SIGKILL.
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <csignal>
#include <iostream>

#include "compiler/core/atomic_file.hpp"
#include "tests/unit/publish/publish_fixture.hpp"

namespace aegir::publish {
namespace {

constexpr int kSyscallStop = SIGTRAP | 0x80;

/// Runs `work` in a child and kills it when it enters its `kill_at`-th system call. True when it was killed, false when
/// it ended before that, with exit code 0.
bool killed_at(int kill_at, const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    (void)::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    (void)::raise(SIGSTOP);
    int code = 1;
    try {
      work();
      code = 0;
    } catch (const std::exception& error) {
      std::cerr << error.what() << '\n';
    }
    ::_exit(code);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) {
    throw std::runtime_error("the child did not stop");
  }
  const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
  if (::ptrace(PTRACE_SETOPTIONS, child, nullptr, options) != 0) throw std::runtime_error("ptrace refused its options");
  (void)::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
  std::set<pid_t> inside;  // threads that are within a system call
  for (int calls = 0;;) {
    const pid_t thread = ::waitpid(-1, &status, __WALL);
    if (thread < 0) throw std::runtime_error("waitpid failed");
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (thread != child) continue;
      if (WIFEXITED(status) && WEXITSTATUS(status) != 0) throw std::runtime_error("the publisher failed by itself");
      return WIFSIGNALED(status);
    }
    int signal = WSTOPSIG(status);
    if (signal == kSyscallStop) {
      signal = 0;
      if (inside.erase(thread) == 0) {
        inside.insert(thread);
        if (++calls == kill_at) {
          (void)::kill(child, SIGKILL);
          continue;
        }
      }
    } else if (signal == SIGTRAP || signal == SIGSTOP) {
      signal = 0;  // a new thread, or the event that says so
    }
    (void)::ptrace(PTRACE_SYSCALL, thread, nullptr, signal);
  }
}

/// Two states of a registry, "old" published and "new" only committed, and copies of everything to start from again.
class KilledPublisher : public PublishTest {
 protected:
  /// Publishes what is there (or not), then changes the registry.
  void begin(bool published) {
    put(a_site("kept.example"));
    put(a_site("moved.example", {"www.moved.example"}));
    put(a_site("gone.example"));
    if (published) {
      publish();
      need(persist(place.config));
    }
    change([](registry::Writer& writer) -> Result<void> {
      registry::Site site = a_site("moved.example", {"added.example", "www.moved.example"});
      site.redirect_to = "www.moved.example";
      if (Result<void> put = writer.put(site); !put) return put;
      site = a_site("gone.example");
      site.state = registry::SiteState::kDeleted;
      return writer.put(site);
    });
    publisher.reset();
    store.reset();
    keep({place.config.map_dir, place.config.map_durable}, place.root + "/kept");
  }
  void keep(const std::vector<std::string>& directories, const std::string& where) {
    for (const std::string& directory : directories) {
      if (std::filesystem::exists(directory)) {
        std::filesystem::create_directories(where);
        std::filesystem::copy(directory, where + "/" + std::filesystem::path(directory).filename().string());
      }
    }
  }
  void reset() {
    for (const std::string& directory : {place.config.map_dir, place.config.map_durable}) {
      std::filesystem::remove_all(directory);
      const std::string copy = place.root + "/kept/" + std::filesystem::path(directory).filename().string();
      if (std::filesystem::exists(copy)) std::filesystem::copy(copy, directory);
    }
  }
  static std::string looks(const map::Snapshot& state) {
    std::string answer;
    for (const char* host : {"kept.example", "moved.example", "www.moved.example", "added.example", "gone.example"}) {
      answer += found(state, host) + "; ";
    }
    return answer;
  }
  /// Kills `work` at each system call that it makes, and looks around each time.
  void run(const std::function<void(registry::Store&)>& work) {
    const Snapshot before =
        std::filesystem::exists(place.config.map_dir + "/CURRENT") ? open_map(place.config.map_dir) : nullptr;
    const std::string old_look = before ? looks(*before) : "";
    int calls = 0;
    int old_seen = 0;
    int new_seen = 0;
    for (bool killed = true; killed;) {
      ++calls;
      reset();
      map::LiveMap there_before(place.config.map_dir, &refused, &refusals);
      const bool had_state = there_before.snapshot(0) != nullptr;
      ASSERT_EQ(had_state, before != nullptr);
      refusals.clear();
      killed = killed_at(calls, [&] { work(*place.open_store()); });
      // A worker that was there, a second later, and one that starts now.
      map::LiveMap starts_now(place.config.map_dir, &refused, &refusals);
      for (map::LiveMap* worker_now : {&there_before, &starts_now}) {
        const Snapshot state = worker_now->snapshot(2);
        if (!state) {
          ASSERT_EQ(before, nullptr) << "killed at system call " << calls;
          continue;
        }
        const std::string look = looks(*state);
        ASSERT_TRUE(look == old_look || look == kNewLook) << look << "\nkilled at system call " << calls;
        ++(look == kNewLook ? new_seen : old_seen);
      }
      if (before) {
        ASSERT_EQ(refusals, std::vector<std::string>{}) << "killed at system call " << calls;
      }
      heal(calls);
    }
    std::cout << calls - 1 << " system calls; seen: " << old_seen << " times the old state, " << new_seen
              << " times the new one\n";
    EXPECT_GT(calls, 50);
    EXPECT_GT(new_seen, 2);
    if (before) {
      EXPECT_GT(old_seen, 2);
    }
  }
  void heal(int calls) {
    store = place.open_store();
    Publisher next(place.config, *store, keys);
    need(next.publish());
    ASSERT_FALSE(need(next.finish()).warning);
    const Snapshot healed = open_map(place.config.map_dir);
    ASSERT_EQ(looks(*healed), kNewLook) << "killed at system call " << calls;
    need(persist(place.config));
    for (const std::string& name : names_in(place.config.map_dir)) {
      ASSERT_FALSE(name.ends_with(".tmp")) << name << ", killed at system call " << calls;
    }
    const std::set<std::string> durable = names_in(place.config.map_durable);
    std::set<std::string> wanted = files_of(*healed);
    wanted.insert("CURRENT");
    ASSERT_EQ(durable, wanted) << "killed at system call " << calls;
    ASSERT_EQ(difference(content(*healed), compiled()), "") << "killed at system call " << calls;
    store.reset();
  }

  inline static const std::string kNewLook =
      "kept.example; moved.example -> www.moved.example; moved.example; moved.example -> www.moved.example; unknown; ";
};

TEST_F(KilledPublisher, ADelta) {
  begin(true);
  run([&](registry::Store& registry) {
    Publisher killed(place.config, registry, keys);
    need(killed.publish());
    need(persist(place.config));
  });
}

TEST_F(KilledPublisher, TheFirstBase) {
  begin(false);
  run([&](registry::Store& registry) {
    Publisher killed(place.config, registry, keys);
    need(killed.publish());
    need(persist(place.config));
  });
}

TEST_F(KilledPublisher, AMerge) {
  begin(true);
  run([&](registry::Store& registry) {
    Publisher killed(place.config, registry, keys, {.compact_above = 1});
    need(killed.publish());
    need(killed.finish());
    need(persist(place.config));
  });
}

}  // namespace
}  // namespace aegir::publish
