// A process that works on a task is killed before and after each write of its journal, and the process that follows it
// too: in the end there is exactly the old state or the new one, and no task is open.
//
// The state is a folder of files and a client in the registry. Three verbs: one that succeeds, one of which the last
// step before the commit fails, and one of which a step after the commit fails the first time.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <csignal>
#include <iostream>

#include "tests/unit/tasks/tasks_fixture.hpp"

namespace aegir::tasks {
namespace {

namespace fs = std::filesystem;

/// The exit status of a child that came to its end.
constexpr int kEnded = 0;

class World {
 public:
  [[nodiscard]] std::string path(const std::string& name) const { return directory_.file(name); }
  [[nodiscard]] std::set<std::string> files() const {
    std::set<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory_.file("."))) {
      const std::string name = entry.path().filename();
      if (!name.starts_with("r.sqlite")) names.insert(name);
    }
    return names;
  }

  /// Makes a file, refusing one that is there already and is not this task's.
  [[nodiscard]] Step makes(const std::string& name) const {
    return step(
        "make " + name,
        [this, name](Work& work) -> Result<void> {
          work.memo()["name"] = name + "-" + std::to_string(work.id());
          if (Result<void> kept = work.keep(); !kept) return kept;
          std::ofstream(path(work.memo()["name"].get<std::string>())) << "made";
          return {};
        },
        [this](Work& work) -> Result<void> {
          // What was not noted was not begun.
          if (work.memo().contains("name")) fs::remove(path(work.memo()["name"].get<std::string>()));
          return {};
        });
  }
  /// Moves away what was made for the time before the commit.
  [[nodiscard]] Step settles(bool fails_once) const {
    return step("settle", [this, fails_once](Work& work) -> Result<void> {
      const std::string temporary = path(work.memo_of("make temporary").at("name").get<std::string>());
      if (fails_once && fs::exists(temporary)) {
        fs::remove(temporary);
        return fail(Code::kIo, "not yet");
      }
      fs::remove(temporary);
      return {};
    });
  }

  [[nodiscard]] std::vector<std::unique_ptr<Verb>> verbs() const {
    const auto saga = [this](bool fails, bool fails_once) {
      return [this, fails, fails_once](const Task&) {
        Saga all;
        all.before = {makes("site"), makes("temporary")};
        if (fails) {
          all.before.push_back(
              step("probe", [](Work&) -> Result<void> { return fail(Code::kIo, "it does not answer"); }));
        }
        all.commit = {"commit", [](Work&, registry::Store&, registry::Writer& writer) -> Result<void> {
                        return writer.put(registry::Client{"acme", "Acme", "a@acme.example"});
                      }};
        all.after = {settles(fails_once), step("tell", [](Work&) -> Result<void> { return {}; })};
        return all;
      };
    };
    std::vector<std::unique_ptr<Verb>> all;
    all.push_back(std::make_unique<TestVerb>("succeeds", saga(false, false)));
    all.push_back(std::make_unique<TestVerb>("fails", saga(true, false)));
    all.push_back(std::make_unique<TestVerb>("late", saga(false, true)));
    return all;
  }

  [[nodiscard]] std::unique_ptr<registry::Store> open() const {
    return need(registry::Store::open(path("r.sqlite"), registry::Store::Mode::kCreate, registry::test_key()));
  }

  /// A process that works until no task is open, and is killed at the `kill_at`-th point. True: it came to its end.
  bool work(int kill_at) const {
    const pid_t child = ::fork();
    if (child == 0) {
      ::_exit(works(kill_at));
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child) throw std::runtime_error("no child");
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return false;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != kEnded) throw std::runtime_error("the child failed by itself");
    return true;
  }

 private:
  [[nodiscard]] int works(int kill_at) const {
    try {
      std::atomic<int> points = 0;
      SharedStore store(open());
      Record record;  // the engine's threads tell it until the engine is gone
      Engine engine(store, verbs(), {.parallel = 1, .on_journal = [&](const std::string&) {
                                       if (++points == kill_at) (void)::raise(SIGKILL);
                                     }});
      (void)engine.subscribe([&](std::uint64_t) { record.add("changed"); });
      need(engine.start());
      for (;;) {
        if (need(store.with([](registry::Store& all) { return all.tasks().open(); })).empty()) return kEnded;
        record.wait_for_next();
      }
    } catch (const std::exception& problem) {
      std::cerr << problem.what() << '\n';
      return 1;
    }
  }

  registry::TempDirectory directory_;
};

/// What `verb` leaves when its processes are killed at these points, the first at the first, and so on.
void expect_whole(const std::string& verb, const std::vector<int>& kills, bool& all_killed) {
  const World world;
  const NewTask asked = task_for(verb, "shop.example");
  std::uint64_t id = 0;
  {
    const std::unique_ptr<registry::Store> store = world.open();
    id = need(store->tasks().enqueue(asked)).id;
  }
  all_killed = true;
  for (const int kill : kills) {
    if (world.work(kill)) all_killed = false;
  }
  ASSERT_TRUE(world.work(0));
  const std::unique_ptr<registry::Store> store = world.open();
  const Task task = *need(store->tasks().find(id));
  const bool is_new = !need(store->clients()).empty();
  EXPECT_EQ(is_new, task.state == TaskState::kSuccess) << task.message;
  EXPECT_NE(task.state, TaskState::kWarning);
  if (verb == "fails") {
    EXPECT_FALSE(is_new);
  }
  const std::set<std::string> expected =
      is_new ? std::set<std::string>{"site-" + std::to_string(id)} : std::set<std::string>{};
  EXPECT_EQ(world.files(), expected);
}

TEST(KilledEngineTest, EveryPointOfEveryVerbLeavesTheOldStateOrTheNew) {
  std::string table = "verb      points  survived\n";
  for (const std::string verb : {"succeeds", "fails", "late"}) {
    int points = 0;
    int survived = 0;
    for (bool killed = true;; ++points) {
      SCOPED_TRACE(verb + ", killed at point " + std::to_string(points + 1));
      expect_whole(verb, {points + 1}, killed);
      if (!killed) break;
      if (!testing::Test::HasFailure()) ++survived;
    }
    EXPECT_GE(points, 10) << verb;
    table +=
        verb + std::string(10 - verb.size(), ' ') + std::to_string(points) + "      " + std::to_string(survived) + '\n';
  }
  std::cout << table;
}

TEST(KilledEngineTest, WhoFollowsIsKilledToo) {
  for (const std::string verb : {"succeeds", "fails"}) {
    for (int first = 3; first < 12; first += 2) {
      for (int second = 1; second < 8; second += 2) {
        SCOPED_TRACE(verb + ", killed at points " + std::to_string(first) + " and " + std::to_string(second));
        bool killed = true;
        expect_whole(verb, {first, second}, killed);
      }
    }
  }
}

}  // namespace
}  // namespace aegir::tasks
