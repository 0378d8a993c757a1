// Tasks in the registry: the queue, the journal and the log as rows.
#include "compiler/registry/tasks.hpp"

#include <gmock/gmock.h>

#include "tests/unit/registry/registry_fixture.hpp"

namespace aegir::registry {
namespace {

class TasksTest : public testing::Test {
 protected:
  static NewTask install(const std::string& uri) {
    NewTask task;
    task.verb = "install";
    task.object = uri;
    task.request = R"({"platform":"d10"})";
    task.actor = "root";
    return task;
  }
  std::uint64_t queue(const NewTask& task) { return need(tasks().enqueue(task)).id; }
  Tasks tasks() { return store_->tasks(); }

  std::unique_ptr<Store> store_ = need(Store::open(":memory:", Store::Mode::kCreate, test_key()));
};

TEST_F(TasksTest, ATaskIsReadAsItWasAskedFor) {
  NewTask asked = install("shop.example");
  asked.priority = -3;
  asked.key = "k1";
  asked.site = 17;
  const std::uint64_t first = queue(asked);
  NewTask then = install("two.example");
  then.after = first;
  const std::uint64_t second = queue(then);
  const Task task = *need(tasks().find(first));
  EXPECT_EQ(task.verb, "install");
  EXPECT_EQ(task.object, "shop.example");
  EXPECT_EQ(task.request, asked.request);
  EXPECT_EQ(task.actor, "root");
  EXPECT_EQ(task.priority, -3);
  EXPECT_EQ(task.site, 17);
  EXPECT_EQ(task.state, TaskState::kQueued);
  EXPECT_GT(task.created, 1'700'000'000'000);
  EXPECT_EQ(task.started, 0);
  EXPECT_EQ(need(tasks().find(second))->after, first);
  EXPECT_FALSE(need(tasks().find(99)));
}

TEST_F(TasksTest, IdenticalQueuedTasksAreOneTask) {
  const std::uint64_t first = queue(install("shop.example"));
  const Tasks::Queued again = need(tasks().enqueue(install("shop.example")));
  EXPECT_EQ(again.id, first);
  EXPECT_TRUE(again.second);
  EXPECT_NE(queue(install("other.example")), first);
  NewTask differs = install("shop.example");
  differs.request = "{}";
  EXPECT_NE(queue(differs), first);
  need(tasks().start(first, 1));
  EXPECT_NE(queue(install("shop.example")), first) << "one that is at work may have looked already";
}

TEST_F(TasksTest, AKeyIsOneTaskForEver) {
  NewTask asked = install("shop.example");
  asked.key = "once";
  const std::uint64_t first = queue(asked);
  need(tasks().start(first, 1));
  need(tasks().end(first, TaskState::kSuccess, "", ""));
  asked.object = "other.example";
  EXPECT_EQ(queue(asked), first);
}

TEST_F(TasksTest, AKeyThatBecameAnotherTaskIsThatOneForEver) {
  const std::uint64_t first = queue(install("shop.example"));
  NewTask asked = install("shop.example");
  for (const char* key : {"one", "two"}) {
    asked.key = key;
    EXPECT_EQ(queue(asked), first);
  }
  need(tasks().start(first, 1));
  need(tasks().end(first, TaskState::kSuccess, "", ""));
  EXPECT_EQ(queue(asked), first);
  asked.key = "one";
  EXPECT_EQ(queue(asked), first);
}

TEST_F(TasksTest, WhatTwoPeopleAskForIsTwoTasks) {
  const std::uint64_t first = queue(install("shop.example"));
  NewTask annas = install("shop.example");
  annas.actor = "anna";
  EXPECT_NE(queue(annas), first);
}

TEST_F(TasksTest, OpenTasksComeInTheOrderInWhichTheyMayBegin) {
  const std::uint64_t low = queue(install("a.example"));
  const std::uint64_t next = queue(install("b.example"));
  NewTask urgent = install("c.example");
  urgent.priority = 5;
  const std::uint64_t first = queue(urgent);
  const std::uint64_t ended = queue(install("d.example"));
  need(tasks().end(ended, TaskState::kCancelled, "cancelled", ""));
  std::vector<std::uint64_t> ids;
  for (const Task& task : need(tasks().open())) ids.push_back(task.id);
  EXPECT_EQ(ids, (std::vector{first, low, next}));
  EXPECT_EQ(need(tasks().count()), (std::vector<std::uint64_t>{3, 0, 0, 0, 0, 1}));
}

TEST_F(TasksTest, StatesGoForwardOnly) {
  const std::uint64_t id = queue(install("shop.example"));
  need(tasks().start(id, 4));
  EXPECT_THAT(error_of(tasks().start(id, 4)), testing::HasSubstr("is not queued"));
  EXPECT_EQ(need(tasks().find(id))->version, 4);
  need(tasks().ask_cancel(id));
  EXPECT_TRUE(need(tasks().find(id))->cancel_asked);
  need(tasks().begin_undo(id, TaskState::kCancelled, "the task was cancelled"));
  EXPECT_EQ(need(tasks().find(id))->verdict, TaskState::kCancelled);
  need(tasks().end(id, TaskState::kCancelled, "the task was cancelled", ""));
  EXPECT_THAT(error_of(tasks().end(id, TaskState::kSuccess, "", "")), testing::HasSubstr("has ended already"));
  EXPECT_THAT(error_of(tasks().ask_cancel(id)), testing::HasSubstr("nothing is left to cancel"));
  EXPECT_THAT(error_of(tasks().ask_cancel(99)), testing::HasSubstr("there is no task 99"));
  NewTask then = install("two.example");
  then.after = 99;
  EXPECT_THAT(error_of(tasks().enqueue(then)), testing::HasSubstr("there is no task 99"));
  then.after = 0;
  then.actor = "ro\not";
  EXPECT_THAT(error_of(tasks().enqueue(then)), testing::HasSubstr("can't hold 'ro\\x0aot'"));
}

TEST_F(TasksTest, AJournalIsPartOfTheTransactionThatItIsWrittenIn) {
  const std::uint64_t id = queue(install("shop.example"));
  need(tasks().put_step(id, {0, "database", StepState::kBegun, R"({"name":"shop"})", ""}));
  const Result<std::uint64_t> refused = store_->transact(kTester, [&](Writer&) -> Result<void> {
    need(tasks().put_step(id, {1, "commit", StepState::kDone, "", ""}));
    return fail(Code::kIo, "no");
  });
  EXPECT_FALSE(refused);
  EXPECT_EQ(need(tasks().steps(id)).size(), 1);
  need(store_->transact(kTester, [&](Writer& writer) -> Result<void> {
    need(tasks().put_step(id, {0, "database", StepState::kDone, R"({"name":"shop"})", "look"}));
    need(tasks().put_step(id, {1, "commit", StepState::kDone, "", ""}));
    return writer.put(Client{"acme", "Acme", "a@acme.example"});
  }));
  EXPECT_EQ(need(tasks().steps(id)),
            (std::vector<StepRow>{{0, "database", StepState::kDone, R"({"name":"shop"})", "look"},
                                  {1, "commit", StepState::kDone, "", ""}}));
  EXPECT_FALSE(tasks().together([&]() -> Result<void> {
    need(tasks().pause(true));
    return fail(Code::kIo, "no");
  }));
  EXPECT_FALSE(need(tasks().is_paused()));
  need(tasks().pause(true));
  EXPECT_TRUE(need(tasks().is_paused()));
}

TEST_F(TasksTest, LinesOfTheLogAreReadInPagesAndForgottenByAge) {
  const std::uint64_t id = queue(install("shop.example"));
  const std::uint64_t other = queue(install("two.example"));
  std::vector<LogLine> lines;
  for (int n = 1; n <= 5; ++n) lines.push_back({0, n * 1000, LogLevel::kInfo, "install", "line " + std::to_string(n)});
  need(tasks().add_log(id, lines));
  std::vector<LogLine> others{{0, 9000, LogLevel::kError, "", "other"}};
  need(tasks().add_log(other, others));
  const std::vector<LogLine> page = need(tasks().log(id, lines[1].id, 2));
  ASSERT_EQ(page.size(), 2);
  EXPECT_EQ(page[0].text, "line 3");
  EXPECT_EQ(page[0].step, "install");
  EXPECT_EQ(page[1].id, lines[3].id);
  EXPECT_EQ(need(tasks().forget_log(3000, 1)), 1);
  EXPECT_EQ(need(tasks().forget_log(3000, 100)), 1);
  EXPECT_EQ(need(tasks().forget_log(3000, 100)), 0);
  EXPECT_EQ(need(tasks().log(id, 0, 100)).front().text, "line 3");
  EXPECT_EQ(need(tasks().forget_log(99'000, 100)), 4);
  EXPECT_TRUE(need(tasks().log(other, 0, 100)).empty());
}

TEST_F(TasksTest, AListIsOfASiteAnObjectAKindOrAState) {
  NewTask asked = install("shop.example");
  const std::uint64_t one = queue(asked);
  need(tasks().set_site(one, 7));
  asked.object = "renamed.example";
  asked.verb = "verify";
  asked.site = 7;
  const std::uint64_t two = queue(asked);
  NewTask platform;
  platform.verb = "verify";
  platform.kind = ObjectKind::kPlatform;
  platform.object = "d10";
  const std::uint64_t three = queue(platform);
  need(tasks().end(three, TaskState::kError, "no", ""));
  using Ids = std::vector<std::uint64_t>;
  const auto ids = [&](const std::function<void(TaskFilter&)>& restrict_it) {
    TaskFilter filter;
    restrict_it(filter);
    Ids found;
    for (const Task& task : need(tasks().list(filter))) found.push_back(task.id);
    return found;
  };
  EXPECT_EQ(ids([](TaskFilter&) {}), (Ids{three, two, one}));
  EXPECT_EQ(ids([](TaskFilter& all) { all.site = 7; }), (Ids{two, one}));
  EXPECT_EQ(ids([](TaskFilter& all) {
              all.kind = ObjectKind::kSite;
              all.object = "shop.example";
            }),
            Ids{one});
  EXPECT_EQ(ids([](TaskFilter& all) { all.kind = ObjectKind::kPlatform; }), Ids{three});
  EXPECT_EQ(ids([](TaskFilter& all) { all.state = TaskState::kError; }), Ids{three});
  EXPECT_EQ(ids([](TaskFilter& all) { all.state = TaskState::kQueued; }), (Ids{two, one}));
  EXPECT_EQ(ids([](TaskFilter& all) {
              all.site = 7;
              all.state = TaskState::kError;
            }),
            Ids{});
  EXPECT_EQ(ids([&](TaskFilter& all) { all.below = two; }), Ids{one});
  EXPECT_EQ(ids([](TaskFilter& all) { all.limit = 1; }), Ids{three});
}

}  // namespace
}  // namespace aegir::registry
