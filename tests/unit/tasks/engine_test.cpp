// Many tasks: which begins when, beside which others, and what a new engine makes of what an old one has left.
#include <gmock/gmock.h>

#include <atomic>

#include "tests/unit/tasks/tasks_fixture.hpp"

namespace aegir::tasks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class EngineTest : public testing::Test {
 protected:
  /// A verb whose one step notes the task's object, and waits at the door of that object when there is one.
  std::vector<std::unique_ptr<Verb>> verbs() {
    const auto saga = [this](const Task& task) {
      return Saga{{step("work",
                        [this, object = task.object](Work&) -> Result<void> {
                          record_.add(object);
                          const auto door = doors_.find(object);
                          if (door != doors_.end()) door->second.pass();
                          record_.add("end of " + object);
                          if (object.starts_with("bad")) return fail(Code::kIo, "it is bad");
                          return {};
                        })},
                  empty_commit(),
                  {}};
    };
    std::vector<std::unique_ptr<Verb>> all;
    all.push_back(std::make_unique<TestVerb>("change", saga));
    all.push_back(std::make_unique<TestVerb>("look", saga, Hold::kShared));
    return all;
  }
  Queue& queue(const Engine::Options& options = {}) {
    queue_ = std::make_unique<Queue>([this] { return verbs(); }, options);
    return *queue_;
  }
  static NewTask change(const std::string& object, std::int32_t priority = 0, std::uint64_t after = 0) {
    NewTask task = task_for("change", object);
    task.priority = priority;
    task.after = after;
    return task;
  }

  Record record_;
  std::map<std::string, Door> doors_;
  std::unique_ptr<Queue> queue_;
};

TEST_F(EngineTest, TasksOfOneSiteComeOneAfterTheOtherOthersBesideThem) {
  doors_["a.example"];
  Queue& all = queue();
  const std::uint64_t first = all.ask(change("a.example"));
  record_.wait_for("a.example");
  NewTask again = change("a.example");
  again.request = R"({"again":true})";
  const std::uint64_t second = all.ask(again);
  EXPECT_EQ(all.end(all.ask(change("b.example"))).state, TaskState::kSuccess);
  EXPECT_EQ(all.find(second).state, TaskState::kQueued);
  doors_["a.example"].open();
  all.end(first);
  all.end(second);
  EXPECT_THAT(record_.all(), ElementsAre("a.example", "b.example", "end of b.example", "end of a.example", "a.example",
                                         "end of a.example"));
}

TEST_F(EngineTest, WhoWaitsIsNotOvertakenByThoseWhoCouldShare) {
  doors_["a.example"];
  Queue& all = queue();
  const std::uint64_t reader = all.ask(task_for("look", "a.example"));
  record_.wait_for("a.example");
  const std::uint64_t writer = all.ask(change("a.example"));
  NewTask more = task_for("look", "a.example");
  more.request = R"({"more":1})";
  const std::uint64_t late = all.ask(more);
  EXPECT_EQ(all.end(all.ask(change("b.example"))).state, TaskState::kSuccess);
  EXPECT_EQ(all.find(late).state, TaskState::kQueued) << "it would keep the writer waiting";
  doors_["a.example"].open();
  all.end(reader);
  EXPECT_LE(all.end(writer).ended, all.end(late).started);
}

TEST(Loan, IsOfWhatNoOtherTaskHoldsAndKeepsOthersFromIt) {
  Record record;
  Door held;
  Door lent;
  const auto holds = [&](const Task& task) {
    return Saga{{step("work",
                      [&, object = task.object](Work&) -> Result<void> {
                        record.add(object);
                        if (object == "a.example") held.pass();
                        return {};
                      })},
                empty_commit(),
                {}};
  };
  const auto borrows = [&](const Task&) {
    return Saga{{step("work",
                      [&](Work& work) -> Result<void> {
                        record.add(work.borrow({{"site a.example", Hold::kShared}}) ? "got a" : "no a");
                        const std::optional<Loan> loan = work.borrow({{"site c.example", Hold::kAlone}});
                        record.add(loan ? "got c" : "no c");
                        lent.pass();
                        record.add("gives c back");
                        return {};
                      })},
                empty_commit(),
                {}};
  };
  Queue queue([&] {
    std::vector<std::unique_ptr<Verb>> verbs;
    verbs.push_back(std::make_unique<TestVerb>("hold", holds));
    verbs.push_back(std::make_unique<TestVerb>("borrow", borrows));
    return verbs;
  });
  const std::uint64_t first = queue.ask(task_for("hold", "a.example"));
  record.wait_for("a.example");
  const std::uint64_t second = queue.ask(task_for("borrow", "b.example"));
  record.wait_for("got c");
  const std::uint64_t third = queue.ask(task_for("hold", "c.example"));
  EXPECT_EQ(queue.find(third).state, TaskState::kQueued);
  lent.open();
  EXPECT_EQ(queue.end(third).state, TaskState::kSuccess);
  EXPECT_EQ(queue.end(second).state, TaskState::kSuccess);
  held.open();
  EXPECT_EQ(queue.end(first).state, TaskState::kSuccess);
  EXPECT_THAT(record.all(), ElementsAre("a.example", "no a", "got c", "gives c back", "c.example"));
}

TEST_F(EngineTest, HigherPrioritiesBeginFirst) {
  doors_["door.example"];
  Queue& all = queue({.parallel = 1});
  all.ask(change("door.example"));
  record_.wait_for("door.example");
  const std::uint64_t low = all.ask(change("low.example", -1));
  all.ask(change("middle.example"));
  all.ask(change("high.example", 9));
  doors_["door.example"].open();
  all.end(low);
  std::vector<std::string> begun;
  for (const std::string& word : record_.all()) {
    if (!word.starts_with("end")) begun.push_back(word);
  }
  EXPECT_THAT(begun, ElementsAre("door.example", "high.example", "middle.example", "low.example"));
}

TEST_F(EngineTest, ATaskComesAfterTheOneThatItNamesAndNotAfterItsFailure) {
  doors_["a.example"];
  doors_["bad.example"];
  Queue& all = queue();
  const std::uint64_t good = all.ask(change("a.example"));
  const std::uint64_t bad = all.ask(change("bad.example"));
  const std::uint64_t follows = all.ask(change("b.example", 0, good));
  const std::uint64_t never = all.ask(change("c.example", 0, bad));
  record_.wait_for("a.example");
  record_.wait_for("bad.example");
  EXPECT_EQ(all.find(follows).state, TaskState::kQueued);
  doors_["a.example"].open();
  doors_["bad.example"].open();
  EXPECT_EQ(all.end(follows).state, TaskState::kSuccess);
  const Task task = all.end(never);
  EXPECT_EQ(task.state, TaskState::kError);
  EXPECT_THAT(task.message, HasSubstr("did not succeed"));
}

TEST_F(EngineTest, APausedQueueBeginsNothing) {
  Queue& all = queue();
  need(all.engine->pause(true));
  const std::uint64_t id = all.ask(change("a.example"));
  all.restart();
  EXPECT_EQ(all.find(id).state, TaskState::kQueued);
  need(all.engine->cancel(id));
  EXPECT_EQ(all.find(id).state, TaskState::kCancelled);
  const std::uint64_t second = all.ask(change("b.example"));
  need(all.engine->pause(false));
  EXPECT_EQ(all.end(second).state, TaskState::kSuccess);
  EXPECT_THAT(record_.all(), ElementsAre("b.example", "end of b.example"));
}

TEST_F(EngineTest, BadRequestsAreRefusedBeforeTheyAreQueued) {
  Queue& all = queue();
  EXPECT_THAT(registry::error_of(all.engine->enqueue(task_for("change", "refused.example"))),
              HasSubstr("it is refused\n  next: ask for another"));
  EXPECT_THAT(registry::error_of(all.engine->enqueue(task_for("fly", "a.example"))),
              HasSubstr("there is no verb 'fly' for a site\n  next: ask for one of: change, look"));
  EXPECT_THAT(registry::error_of(all.engine->cancel(77)), HasSubstr("there is no task 77"));
  EXPECT_THAT(registry::error_of(all.engine->retry(77, "root")), HasSubstr("there is no task 77"));
}

TEST_F(EngineTest, WhatWasAskedForWithAKeyIsAnsweredThoughItWouldBeRefusedNow) {
  std::atomic<bool> there = false;
  queue_ = std::make_unique<Queue>([&] {
    auto verb = std::make_unique<TestVerb>("install", [&](const Task&) {
      return Saga{{step("make",
                        [&](Work&) -> Result<void> {
                          there = true;
                          return {};
                        })},
                  empty_commit(),
                  {}};
    });
    verb->check_ = [&](const NewTask&) -> Result<void> {
      if (there) return fail(Code::kConflict, "it is there already");
      return {};
    };
    std::vector<std::unique_ptr<Verb>> verbs;
    verbs.push_back(std::move(verb));
    return verbs;
  });
  NewTask asked = task_for("install", "a.example");
  asked.key = "k1";
  const std::uint64_t first = queue_->ask(asked);
  queue_->end(first);
  const registry::Tasks::Queued again = need(queue_->engine->enqueue(asked));
  EXPECT_EQ(again.id, first);
  EXPECT_TRUE(again.second);
  asked.key = "k2";
  EXPECT_THAT(registry::error_of(queue_->engine->enqueue(asked)), HasSubstr("it is there already"));
  EXPECT_TRUE(need(queue_->store->with([](registry::Store& store) { return store.tasks().open(); })).empty());
  asked.key = "k1";
  EXPECT_EQ(need(queue_->engine->enqueue(asked)).id, first) << "what was refused has left no key";
}

/// Verbs of sites on a platform, and of the platform alone.
class StuckTest : public EngineTest {
 protected:
  void SetUp() override {
    queue_ = std::make_unique<Queue>([this] {
      std::vector<std::unique_ptr<Verb>> verbs;
      for (const std::string name : {"delete", "verify", "platform"}) {
        auto verb = std::make_unique<TestVerb>(name, [this, name](const Task&) { return saga(name); });
        verb->locks_ = [name](const NewTask& task) -> Result<Locks> {
          Locks locks{{"site " + task.object, Hold::kAlone}};
          locks.emplace("platform d10", name == "platform" ? Hold::kAlone : Hold::kShared);
          return locks;
        };
        verbs.push_back(std::move(verb));
      }
      return verbs;
    });
  }
  Saga saga(const std::string& name) {
    Saga saga;
    saga.commit = empty_commit();
    saga.after = {step("work", [this, name](Work& work) -> Result<void> {
      record_.add(name + " " + work.task().object);
      if (name == "delete" && !is_back_) return fail(Code::kIo, "the database server is gone");
      return {};
    })};
    return saga;
  }
  std::uint64_t stuck(const std::string& site) {
    const std::uint64_t id = queue_->ask(task_for("delete", site));
    record_.wait_for("delete " + site);
    return id;
  }

  std::atomic<bool> is_back_ = false;
};

TEST_F(StuckTest, OneSiteThatCantBeFinishedKeepsNoOtherWaiting) {
  const std::uint64_t first = stuck("a.example");
  const std::uint64_t behind = queue_->ask(task_for("verify", "a.example"));
  EXPECT_EQ(queue_->end(queue_->ask(task_for("platform", "d10"))).state, TaskState::kSuccess);
  EXPECT_EQ(queue_->end(queue_->ask(task_for("verify", "b.example"))).state, TaskState::kSuccess);
  EXPECT_EQ(queue_->find(behind).state, TaskState::kQueued) << "it is of the same site";
  EXPECT_EQ(queue_->find(first).state, TaskState::kProcessing);
  queue_->restart();
  EXPECT_EQ(queue_->end(queue_->ask(task_for("platform", "d10"))).state, TaskState::kSuccess);
  EXPECT_EQ(queue_->find(first).state, TaskState::kProcessing);
  is_back_ = true;
  EXPECT_EQ(queue_->end(first).state, TaskState::kSuccess);
  EXPECT_EQ(queue_->end(behind).state, TaskState::kSuccess);
}

TEST_F(StuckTest, ManyThatCantBeFinishedLeaveThreadsToOthers) {
  std::vector<std::uint64_t> all;
  for (int n = 0; n < 12; ++n) all.push_back(stuck("stuck" + std::to_string(n) + ".example"));
  for (int n = 0; n < 6; ++n) {
    queue_->end(queue_->ask(task_for("verify", "b.example")));
    queue_->end(queue_->ask(task_for("platform", "d10")));
  }
  is_back_ = true;
  for (const std::uint64_t id : all) EXPECT_EQ(queue_->end(id).state, TaskState::kSuccess);
}

TEST_F(EngineTest, WhatCantBeReadForAMomentIsReadAgain) {
  std::atomic<int> locks = 0;
  std::atomic<int> checks = 0;
  queue_ = std::make_unique<Queue>([&] {
    auto verb = std::make_unique<TestVerb>("change", [](const Task&) { return Saga{{}, empty_commit(), {}}; });
    verb->locks_ = [&](const NewTask& task) -> Result<Locks> {
      if (task.object == "never.example") return fail(Code::kConflict, "it has no platform");
      if (++locks == 1) return fail(Code::kBusy, "the registry is locked");
      return Locks{{"site " + task.object, Hold::kAlone}};
    };
    verb->check_ = [&](const NewTask&) -> Result<void> {
      if (++checks == 2) return fail(Code::kIo, "the disk does not answer");
      return {};
    };
    std::vector<std::unique_ptr<Verb>> verbs;
    verbs.push_back(std::move(verb));
    return verbs;
  });
  const Task task = queue_->end(queue_->ask(change("a.example")));
  EXPECT_EQ(task.state, TaskState::kSuccess) << task.message;
  EXPECT_EQ(locks, 2);
  EXPECT_EQ(checks, 3);
  EXPECT_THAT(queue_->end(queue_->ask(change("never.example"))).message, HasSubstr("it has no platform"));
}

TEST_F(EngineTest, WhatFailedCanBeAskedForAgain) {
  Queue& all = queue();
  const std::uint64_t bad = all.ask(change("bad.example"));
  EXPECT_EQ(all.end(bad).state, TaskState::kError);
  const std::uint64_t again = need(all.engine->retry(bad, "someone")).id;
  const Task task = all.end(again);
  EXPECT_EQ(task.retry_of, bad);
  EXPECT_EQ(task.actor, "someone");
  const std::uint64_t good = all.ask(change("a.example"));
  all.end(good);
  EXPECT_THAT(registry::error_of(all.engine->retry(good, "root")), HasSubstr("succeeded"));
}

TEST_F(EngineTest, ATaskOfAnotherVersionIsLeftAloneAndKeepsItsSite) {
  Queue& all = queue();
  need(all.engine->pause(true));
  const std::uint64_t id = all.ask(change("a.example"));
  need(all.store->with([&](registry::Store& store) { return store.tasks().start(id, 99); }));
  all.restart();
  need(all.engine->pause(false));
  const std::uint64_t behind = all.ask(change("a.example"));
  EXPECT_EQ(all.end(all.ask(change("b.example"))).state, TaskState::kSuccess);
  EXPECT_EQ(all.find(id).state, TaskState::kProcessing);
  EXPECT_EQ(all.find(behind).state, TaskState::kQueued);
  EXPECT_THAT(all.log(id), ElementsAre(HasSubstr("another version")));
}

TEST_F(EngineTest, AThousandTasksOnAHundredSitesEndInOrder) {
  Queue& all = queue();
  need(all.engine->pause(true));
  std::map<std::string, std::vector<std::uint64_t>> asked;
  for (int n = 0; n < 1000; ++n) {
    NewTask task = change("site" + std::to_string(n % 100) + ".example");
    task.request = "{\"n\":" + std::to_string(n) + "}";
    asked[task.object].push_back(all.ask(task));
  }
  need(all.engine->pause(false));
  std::vector<Task> ended;
  for (const auto& [site, ids] : asked) {
    std::int64_t before = 0;
    for (const std::uint64_t id : ids) {
      const Task task = all.end(id);
      EXPECT_EQ(task.state, TaskState::kSuccess);
      EXPECT_LE(before, task.started) << site;
      before = task.ended;
    }
  }
}

}  // namespace
}  // namespace aegir::tasks
