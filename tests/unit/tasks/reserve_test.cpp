// A disk that is full: what has begun is taken back by means of the reserve, and nothing begins until there is room.
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "compiler/core/atomic_file.hpp"
#include "sidecar/tasks/reserve.hpp"
#include "tests/unit/tasks/tasks_fixture.hpp"

namespace aegir::tasks {
namespace {

using testing::HasSubstr;

/// Takes all the room that there is.
void fill(const std::string& path) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const std::string page(4096, 'x');
  while (::write(file.get(), page.data(), page.size()) == static_cast<ssize_t>(page.size())) {
  }
}

/// A task that fills the disk and has to be taken back, which needs room; then two more. Says what came of them.
std::string on_a_full_disk(bool with_reserve) {
  constexpr std::uint64_t kReserve = 4U << 20U;
  registry::TempDirectory directory;
  const std::string disk = directory.file("disk");
  std::filesystem::create_directory(disk);
  if (::unshare(::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) return "no mount namespace";
  (void)::mount(nullptr, "/", nullptr, MS_PRIVATE | MS_REC, nullptr);  // not in a chroot that is no mount point
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=24m") != 0) return "no tmpfs";
  std::string said;
  {
    SharedStore store(
        need(registry::Store::open(disk + "/r.sqlite", registry::Store::Mode::kCreate, registry::test_key())));
    Reserve reserve(disk + "/reserve", kReserve);
    const std::string full = disk + "/full";
    std::vector<std::unique_ptr<Verb>> verbs;
    verbs.push_back(std::make_unique<TestVerb>("fill", [&](const Task&) {
      return Saga{{step(
                      "fill",
                      [&](Work& work) -> Result<void> {
                        fill(full);
                        work.memo()["much"] = std::string(1U << 20U, 'x');
                        return {};
                      },
                      [](Work&) -> Result<void> { return {}; })},
                  empty_commit(),
                  {}};
    }));
    verbs.push_back(std::make_unique<TestVerb>("change", [](const Task&) { return Saga{{}, empty_commit(), {}}; }));
    Record record;  // the engine's threads tell it until the engine is gone
    Engine engine(store, std::move(verbs), {.reserve = with_reserve ? &reserve : nullptr});
    (void)engine.subscribe([&](std::uint64_t) { record.add("changed"); });
    need(engine.start());
    const auto end = [&](const NewTask& asked) {
      const std::uint64_t id = need(engine.enqueue(asked)).id;
      Task task;
      const auto over = std::chrono::steady_clock::now() + std::chrono::seconds(5);
      do {
        task = *need(store.with([&](registry::Store& all) { return all.tasks().find(id); }));
        if (registry::is_open(task.state)) record.wait_for_next();
      } while (registry::is_open(task.state) && std::chrono::steady_clock::now() < over);
      said += registry::is_open(task.state) ? "open\n" : task.message + "\n";
    };
    end(task_for("fill", "a.example"));
    if (with_reserve) {
      end(task_for("change", "b.example"));
      std::filesystem::remove(full);
      end(task_for("change", "b.example"));
      if (std::filesystem::exists(disk + "/reserve")) said += "reserved again";
    } else {
      std::filesystem::remove(full);
    }
  }
  (void)::umount(disk.c_str());
  return said;
}

/// In a process with its own mounts.
std::string said_on_a_full_disk(bool with_reserve) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return "no pipe";
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    std::string said;
    try {
      said = on_a_full_disk(with_reserve);
    } catch (const std::exception& problem) {
      said = problem.what();
    }
    ::_exit(write_all(writer.get(), said) ? 0 : 1);
  }
  writer = Fd();
  const Result<std::string> said = read_all(reader.get(), "can't be read", "a pipe", 64U << 10U);
  (void)::waitpid(child, nullptr, 0);
  return said ? *said : describe(said.error());
}

TEST(ReserveTest, ATaskOnAFullDiskIsTakenBackAndNoneBeginsUntilThereIsRoom) {
  const std::string said = said_on_a_full_disk(true);
  EXPECT_THAT(said, HasSubstr("'commit' failed: no space is left for the registry"));
  EXPECT_THAT(said, HasSubstr("the disk is full: "));
  EXPECT_THAT(said, HasSubstr("free some space on its file system, and ask again\n\nreserved again"));
}

TEST(ReserveTest, WithoutItTheTaskStandsStill) { EXPECT_EQ(said_on_a_full_disk(false), "open\n"); }

}  // namespace
}  // namespace aegir::tasks
