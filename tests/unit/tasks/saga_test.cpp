// One task: its steps in order, and what takes them back when something fails, is cancelled or takes too long.
#include <gmock/gmock.h>

#include <future>

#include "tests/unit/tasks/tasks_fixture.hpp"

namespace aegir::tasks {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

using Words = std::vector<std::string>;

class SagaTest : public testing::Test {
 protected:
  /// A step that notes that it ran, and its undo likewise.
  Step noted(const std::string& name) {
    return step(
        name,
        [this, name](Work&) -> Result<void> {
          record_.add(name);
          return {};
        },
        [this, name](Work&) -> Result<void> {
          record_.add("undo " + name);
          return {};
        });
  }
  Step failing(const std::string& name) {
    Step one = noted(name);
    one.run = [this, name](Work&) -> Result<void> {
      record_.add(name);
      return fail(Code::kIo, "the disk is full", "free some space");
    };
    return one;
  }
  Commit noted_commit() {
    return {"commit", [this](Work&, registry::Store&, registry::Writer& writer) -> Result<void> {
              record_.add("commit");
              return writer.put(registry::Client{"acme", "Acme", "a@acme.example"});
            }};
  }
  Queue& queue(const std::function<Saga(const Task&)>& saga, std::chrono::seconds patience = std::chrono::hours(1)) {
    queue_ = std::make_unique<Queue>([saga, patience] {
      std::vector<std::unique_ptr<Verb>> verbs;
      auto verb = std::make_unique<TestVerb>("try", saga);
      verb->patience_ = patience;
      verbs.push_back(std::move(verb));
      return verbs;
    });
    return *queue_;
  }
  Task run(const std::function<Saga(const Task&)>& saga) {
    Queue& all = queue(saga);
    return all.end(all.ask(task_for("try", "a.example")));
  }
  bool has_client() {
    return !need(queue_->store->with([](registry::Store& store) { return store.clients(); })).empty();
  }
  std::vector<registry::StepRow> journal(std::uint64_t id) {
    return need(queue_->store->with([&](registry::Store& store) { return store.tasks().steps(id); }));
  }

  Record record_;
  std::unique_ptr<Queue> queue_;
};

TEST_F(SagaTest, StepsRunInOrderAroundTheCommit) {
  const Task task =
      run([this](const Task&) { return Saga{{noted("one"), noted("two")}, noted_commit(), {noted("three")}}; });
  EXPECT_EQ(task.state, TaskState::kSuccess) << task.message;
  EXPECT_GE(task.started, task.created);
  EXPECT_GE(task.ended, task.started);
  EXPECT_THAT(record_.all(), ElementsAre("one", "two", "commit", "three"));
  EXPECT_TRUE(has_client());
  const std::vector<registry::StepRow> rows = journal(task.id);
  ASSERT_EQ(rows.size(), 4);
  for (const registry::StepRow& row : rows) EXPECT_EQ(row.state, registry::StepState::kDone) << row.name;
  EXPECT_THAT(queue_->log(task.id), ElementsAre("begun", "done"));
}

TEST_F(SagaTest, AStepThatFailsIsTakenBackWithAllBeforeIt) {
  const Task task = run([this](const Task&) {
    return Saga{{noted("one"), failing("two"), noted("never")}, noted_commit(), {noted("never either")}};
  });
  EXPECT_EQ(task.state, TaskState::kError);
  EXPECT_EQ(task.message, "'two' failed: the disk is full\n  next: free some space");
  EXPECT_THAT(record_.all(), ElementsAre("one", "two", "undo two", "undo one"));
  EXPECT_FALSE(has_client());
  for (const registry::StepRow& row : journal(task.id)) EXPECT_EQ(row.state, registry::StepState::kUndone) << row.name;
}

TEST_F(SagaTest, ACommitThatIsRefusedTakesEverythingBack) {
  const Task task = run([this](const Task&) {
    Commit commit{"commit", [](Work&, registry::Store&, registry::Writer& writer) -> Result<void> {
                    need(writer.put(registry::Client{"acme", "Acme", "a@acme.example"}));
                    return writer.put(registry::Client{"not a name", "", ""});
                  }};
    return Saga{{noted("one")}, commit, {noted("never")}};
  });
  EXPECT_EQ(task.state, TaskState::kError);
  EXPECT_THAT(task.message, HasSubstr("'commit' failed: "));
  EXPECT_THAT(record_.all(), ElementsAre("one", "undo one"));
  EXPECT_FALSE(has_client());
  EXPECT_EQ(journal(task.id).size(), 1) << "the commit has left no row";
}

TEST_F(SagaTest, AnExceptionIsAFailureOfTheStepThatItCameFrom) {
  const Task task = run([this](const Task&) {
    Step one = noted("one");
    one.run = [](Work& work) -> Result<void> {
      work.memo()["number"] = work.request().at("missing").get<int>();
      return {};
    };
    return Saga{{one}, noted_commit(), {}};
  });
  EXPECT_EQ(task.state, TaskState::kError);
  EXPECT_THAT(task.message, HasSubstr("'one' failed: an exception: "));
  EXPECT_THAT(record_.all(), ElementsAre("undo one"));
}

TEST_F(SagaTest, WhatComesAfterTheCommitIsTriedUntilItSucceeds) {
  int tries = 0;
  const Task task = run([&](const Task&) {
    Step last = noted("last");
    last.run = [&](Work&) -> Result<void> {
      if (++tries < 3) return fail(Code::kIo, "the server is down");
      return {};
    };
    return Saga{{noted("one")}, noted_commit(), {last}};
  });
  EXPECT_EQ(task.state, TaskState::kSuccess);
  EXPECT_EQ(tries, 3);
  EXPECT_THAT(queue_->log(task.id),
              ElementsAre("begun", "'last' has failed: the server is down; it is tried again in 1 s",
                          "'last' has failed: the server is down; it is tried again in 2 s", "done"));
}

TEST_F(SagaTest, WhatIsTriedAgainWarnsOnce) {
  int tries = 0;
  const Task task = run([&](const Task&) {
    Step last = noted("last");
    last.run = [&](Work& work) -> Result<void> {
      if (++tries < 3) work.warn({Code::kNotFound, "there is no mail server", {}, {}});
      work.warn({Code::kInvalid, "the file can't be read", {}, {}});
      if (tries < 3) return fail(Code::kIo, "the disk is full");
      return {};
    };
    return Saga{{noted("one")}, noted_commit(), {last}};
  });
  EXPECT_EQ(task.state, TaskState::kWarning);
  EXPECT_EQ(task.message, "the file can't be read") << "and nothing that holds no more";
}

TEST_F(SagaTest, AnUndoIsTriedUntilItSucceeds) {
  int tries = 0;
  const Task task = run([&](const Task&) {
    Step one = noted("one");
    one.undo = [&](Work&) -> Result<void> {
      if (++tries < 2) return fail(Code::kIo, "the database is gone");
      return {};
    };
    return Saga{{one, failing("two")}, noted_commit(), {}};
  });
  EXPECT_EQ(task.state, TaskState::kError);
  EXPECT_EQ(tries, 2);
  EXPECT_THAT(task.message, HasSubstr("the disk is full"));
}

TEST_F(SagaTest, AWarningIsTheStepsAndTheTasks) {
  const Task task = run([this](const Task&) {
    Step one = noted("one");
    one.run = [](Work& work) -> Result<void> {
      work.warn({Code::kNotFound, "there is no mail server", {}, "install one"});
      return {};
    };
    return Saga{{one, noted("two")}, noted_commit(), {noted("three")}};
  });
  EXPECT_EQ(task.state, TaskState::kWarning);
  EXPECT_EQ(task.message, "there is no mail server\n  next: install one");
}

TEST_F(SagaTest, NotesOutliveTheirStep) {
  const Task task = run([this](const Task&) {
    Step one = noted("one");
    one.run = [](Work& work) -> Result<void> {
      work.memo()["database"] = "shop_example";
      return work.keep();
    };
    Step two = noted("two");
    two.run = [this](Work& work) -> Result<void> {
      record_.add(work.memo_of("one").at("database").get<std::string>());
      work.result()["database"] = work.memo_of("one").at("database");
      return {};
    };
    return Saga{{one, two}, empty_commit(), {}};
  });
  EXPECT_THAT(record_.all(), ElementsAre("shop_example"));
  EXPECT_EQ(task.result, R"({"database":"shop_example"})");
}

TEST_F(SagaTest, SecretsAreInNoLineMessageOrResult) {
  const Task task = run([this](const Task&) {
    Step one = noted("one");
    one.run = [](Work& work) -> Result<void> {
      work.hide("Xk29fjQ8s2");
      work.log(registry::LogLevel::kInfo, "mysql://shop:Xk29fjQ8s2@localhost\n\x1b[2J");
      work.result()["dsn"] = "Xk29fjQ8s2";
      return fail(Code::kPermission, "access denied with Xk29fjQ8s2");
    };
    return Saga{{one}, noted_commit(), {}};
  });
  EXPECT_EQ(task.message, "'one' failed: access denied with ***");
  EXPECT_THAT(queue_->log(task.id), Contains("mysql://shop:***@localhost"));
  EXPECT_THAT(queue_->log(task.id), Contains("\\x1b[2J"));
  for (const std::string& line : queue_->log(task.id)) EXPECT_THAT(line, testing::Not(HasSubstr("Xk29")));
  EXPECT_EQ(task.result, "");
}

TEST_F(SagaTest, ASecretForWhoAskedIsHandedOutOnceAndWrittenNowhere) {
  const Task task = run([this](const Task&) {
    Step one = noted("one");
    one.run = [](Work& work) -> Result<void> {
      work.hand_out("https://a.example/user/reset/1/Xk29fjQ8s2");
      work.log(registry::LogLevel::kInfo, "it is https://a.example/user/reset/1/Xk29fjQ8s2");
      return {};
    };
    return Saga{{one}, empty_commit(), {}};
  });
  EXPECT_EQ(queue_->engine->take_handout(task.id), "https://a.example/user/reset/1/Xk29fjQ8s2");
  EXPECT_EQ(queue_->engine->take_handout(task.id), std::nullopt);
  EXPECT_THAT(queue_->log(task.id), Contains("it is ***"));
}

TEST_F(SagaTest, ACancelledTaskIsUndone) {
  Queue& all = queue([this](const Task&) {
    Step waits = noted("waits");
    waits.run = [this](Work& work) -> Result<void> {
      Door door;
      const Work::OnCancel on_cancel(work, [&] { door.open(); });
      record_.add("waits");
      door.pass();
      return fail(Code::kIo, "the program was ended");
    };
    return Saga{{noted("one"), waits, noted("never")}, noted_commit(), {}};
  });
  const std::uint64_t id = all.ask(task_for("try", "a.example"));
  record_.wait_for("waits");
  need(all.engine->cancel(id));
  const Task task = all.end(id);
  EXPECT_EQ(task.state, TaskState::kCancelled);
  EXPECT_THAT(record_.all(), ElementsAre("one", "waits", "undo waits", "undo one"));
}

TEST_F(SagaTest, OthersAreServedWhileACancelEndsWhatRuns) {
  Queue& all = queue([this](const Task&) {
    Step waits = noted("waits");
    waits.run = [this](Work& work) -> Result<void> {
      Door door;
      const Work::OnCancel on_cancel(work, [&] {
        // aegird may be slow: that long, the queue goes on.
        auto other = std::async(std::launch::async, [this] { return queue_->engine->pause(false); });
        record_.add(other.wait_for(std::chrono::seconds(10)) == std::future_status::ready ? "served" : "held up");
        work.log(registry::LogLevel::kInfo, "is ended");
        door.open();
      });
      record_.add("waits");
      door.pass();
      return fail(Code::kIo, "the program was ended");
    };
    return Saga{{waits}, empty_commit(), {}};
  });
  const std::uint64_t id = all.ask(task_for("try", "a.example"));
  record_.wait_for("waits");
  need(all.engine->cancel(id));
  all.end(id);
  EXPECT_THAT(record_.all(), ElementsAre("waits", "served", "undo waits"));
}

TEST_F(SagaTest, ACancelEndsNothingOfAnUndo) {
  Queue& all = queue([this](const Task&) {
    Step one = noted("one");
    one.undo = [this](Work& work) -> Result<void> {
      const Work::OnCancel on_cancel(work, [this] { record_.add("ended"); });
      record_.add("undo one");
      return {};
    };
    Step waits = noted("waits");
    waits.run = [this](Work& work) -> Result<void> {
      Door door;
      const Work::OnCancel on_cancel(work, [&] { door.open(); });
      record_.add("waits");
      door.pass();
      return fail(Code::kIo, "the program was ended");
    };
    return Saga{{one, waits}, empty_commit(), {}};
  });
  const std::uint64_t id = all.ask(task_for("try", "a.example"));
  record_.wait_for("waits");
  need(all.engine->cancel(id));
  EXPECT_EQ(all.end(id).state, TaskState::kCancelled);
  EXPECT_THAT(record_.all(), ElementsAre("one", "waits", "undo waits", "undo one"));
}

TEST_F(SagaTest, ARepairThatStaysIsNotSaidToBeTakenBack) {
  const Task task = run([this](const Task&) {
    Step repair{"repair", noted("repair").run, {}, true};
    return Saga{{repair, failing("two")}, noted_commit(), {}};
  });
  EXPECT_EQ(queue_->log(task.id).back(), "ended; what it had put right stays so");
  const Task other = run([this](const Task&) { return Saga{{noted("one"), failing("two")}, noted_commit(), {}}; });
  EXPECT_EQ(queue_->log(other.id).back(), "ended; what it had done is taken back");
}

TEST_F(SagaTest, WhatIsCommittedCantBeCancelled) {
  Door door;
  Queue& all = queue([&](const Task&) {
    Step waits = noted("waits");
    waits.run = [&](Work&) -> Result<void> {
      record_.add("waits");
      door.pass();
      return {};
    };
    return Saga{{}, noted_commit(), {waits}};
  });
  const std::uint64_t id = all.ask(task_for("try", "a.example"));
  record_.wait_for("waits");
  EXPECT_THAT(registry::error_of(all.engine->cancel(id)), HasSubstr("has done its work already"));
  door.open();
  EXPECT_EQ(all.end(id).state, TaskState::kSuccess);
}

TEST_F(SagaTest, WhatCantSucceedIsLeftWhenAPersonSaysSo) {
  Queue& all = queue([this](const Task&) {
    Step gone = noted("gone");
    gone.run = [this](Work&) -> Result<void> {
      record_.add("try");
      return fail(Code::kBusy, "the server is gone");
    };
    return Saga{{}, noted_commit(), {gone, noted("last")}};
  });
  const std::uint64_t id = all.ask(task_for("try", "a.example"));
  record_.wait_for("try");
  need(all.engine->skip(id, "root"));
  const Task task = all.end(id);
  EXPECT_EQ(task.state, TaskState::kWarning);
  EXPECT_EQ(task.message,
            "left as it is: the server is gone\n  next: `aegir reconcile` tells what is left, and mends what it can");
  EXPECT_THAT(all.log(id), Contains("root leaves the step as it is, should it fail once more"));
  record_.wait_for("last");
  EXPECT_THAT(registry::error_of(all.engine->skip(77, "root")), HasSubstr("is at no step that has to succeed"));
}

TEST_F(SagaTest, WhatCantBeUndoneIsLeftWhenAPersonSaysSo) {
  Queue& all = queue([this](const Task&) {
    Step stays = noted("stays");
    stays.undo = [this](Work&) -> Result<void> {
      record_.add("try");
      return fail(Code::kBusy, "the server is gone");
    };
    return Saga{{noted("one"), stays, failing("two")}, noted_commit(), {}};
  });
  const std::uint64_t id = all.ask(task_for("try", "a.example"));
  record_.wait_for("try");
  need(all.engine->skip(id, "root"));
  const Task task = all.end(id);
  EXPECT_EQ(task.state, TaskState::kError);
  EXPECT_THAT(task.message, AllOf(HasSubstr("'two' failed"), HasSubstr("\nleft as it is: the server is gone")));
  record_.wait_for("undo one");
}

TEST_F(SagaTest, ATaskThatTakesTooLongIsUndone) {
  Queue& all = queue([this](const Task&) { return Saga{{noted("one"), noted("two")}, noted_commit(), {}}; },
                     std::chrono::seconds(0));
  const Task task = all.end(all.ask(task_for("try", "a.example")));
  EXPECT_EQ(task.state, TaskState::kError);
  EXPECT_THAT(task.message, HasSubstr("the task took too long"));
  EXPECT_FALSE(has_client());
}

}  // namespace
}  // namespace aegir::tasks
