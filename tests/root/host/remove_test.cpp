// The end of a site's directory, whatever its tenant has made of it, and wherever somebody is killed on the way.
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "sidecar/monitor/processes.hpp"
#include "tests/live/harness/process.hpp"
#include "tests/root/host/served.hpp"
#include "tests/root/machine/machine_fixture.hpp"

namespace aegir::host {
namespace {

namespace fs = std::filesystem;

class RemoveTest : public machine::MachineTest {
 protected:
  void SetUp() override {
    MachineTest::SetUp();
    know_members();
    ASSERT_TRUE(machine::prepare_directories(config_, accounts_, done_));
    for (const char* folder : {"platforms", "platforms/d", "platforms/d/sites"}) {
      fs::create_directories(path(folder));
      ASSERT_EQ(::chown(path(folder).c_str(), kAegir, kAegir), 0);
    }
    ASSERT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
    served_.emplace(config_, path("aegird.log"));
    ASSERT_TRUE((*served_)->make_slots({"b1", kFirst, 2}));
    prepare(a_);
    prepare(b_);
  }
  void prepare(const wire::SiteOrder& site) {
    const Result<machine::Done> made = (*served_)->prepare_site(site);
    ASSERT_TRUE(made) << describe(made.error());
  }
  [[nodiscard]] std::string in(const wire::SiteOrder& site, const std::string& name) const {
    return site.docroot + "/sites/" + site.uri + '/' + name;
  }
  /// A shell command as a person, in a folder.
  static void sh(const machine::Person& person, const std::string& folder, const std::string& command) {
    EXPECT_TRUE(as(person, [&] {
      return ::chdir(folder.c_str()) == 0 && live::run({"/bin/sh", "-c", command}).status == 0;
    })) << command;
  }
  [[nodiscard]] std::vector<std::string> sites() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path("platforms/d/sites"))) {
      names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }
  void expect_removed() {
    const Result<machine::Done> removed = (*served_)->remove_site(a_);
    ASSERT_TRUE(removed) << describe(removed.error());
    EXPECT_EQ(sites(), std::vector<std::string>{"b.example"});
  }

  const wire::SiteOrder a_{{"b1", 0, kFirst}, path("platforms/d"), "a.example"};
  const wire::SiteOrder b_{{"b1", 1, kFirst + 1}, path("platforms/d"), "b.example"};
  std::optional<Served> served_;
};

TEST_F(RemoveTest, NothingIsLeftOfAHostileTree) {
  live::put(in(b_, "files/kept"), "b's");
  live::put(path("kept"), "root's");
  sh(site_a_, in(a_, "files"),
     "mkfifo fifo; mkdir closed && echo x >closed/x && chmod 0 closed; ln -s ../../b.example/files link; "
     "ln -s / root; mkdir -p a/b/c; touch \"$(printf 'a\\nb')\" -- -rf '*'; mkdir \"$(printf 'd\\n')\"; "
     "/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"socket\")'; chmod 01777 a; chmod 0 .");
  // 3,000 folders deep: a path to its end is longer than any call takes.
  sh(site_a_, in(a_, "private"),
     "/usr/bin/python3 -c 'import os\nfor n in range(3000):\n os.mkdir(\"x\"*100)\n "
     "os.chdir(\"x\"*100)\nopen(\"end\",\"w\")'");
  // What others have left in it: root a folder, aegir one, a member of its group one in the code.
  fs::create_directories(in(a_, "private/files/of-root/inner"));
  live::put(in(a_, "private/files/of-root/inner/file"), "x");
  ASSERT_EQ(::chmod(in(a_, "private/files/of-root").c_str(), 0700), 0);
  sh(member_, in(a_, "modules"), "umask 077; mkdir own; echo x >own/file");
  fs::create_hard_link(path("kept"), in(a_, "private/files/hard"));
  fs::create_hard_link(in(b_, "files/kept"), in(a_, "private/files/hard-of-b"));
  expect_removed();
  EXPECT_EQ(live::slurp(path("kept")), "root's");
  EXPECT_EQ(live::slurp(in(b_, "files/kept")), "b's");
  EXPECT_TRUE((*served_)->remove_site(a_)) << "may be done again";
  prepare(a_);
  expect_removed();
}

TEST_F(RemoveTest, AHundredThousandFiles) {
  sh(site_a_, in(a_, "files"),
     "/usr/bin/python3 -c 'import os\nfor d in range(100):\n os.mkdir(str(d))\n for n in range(1000): "
     "os.close(os.open(f\"{d}/{n}\", os.O_CREAT))'");
  expect_removed();
}

TEST_F(RemoveTest, IsOutOfSightAtOnceAndGoesOnAfterAKill) {
  sh(site_a_, in(a_, "files"),
     "/usr/bin/python3 -c 'import os\nfor n in range(30000): os.close(os.open(str(n), os.O_CREAT))'");
  for (int round = 0; round < 5; ++round) {
    std::thread asks([&] { (void)(*served_)->remove_site(a_); });
    // Somewhere in the middle.
    for (int n = 0; n < 500 && sites().front() == "a.example"; ++n)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(round * 7));
    served_->kill();
    asks.join();
    for (const std::string& name : sites()) {
      EXPECT_NE(name, "a.example");
      if (!name.starts_with(".aegir-gone-")) continue;
      EXPECT_FALSE(enters(site_a_, path("platforms/d/sites/" + name)));
      EXPECT_FALSE(enters(web_, path("platforms/d/sites/" + name)));
    }
    served_.emplace(config_, path("aegird.log"));
  }
  expect_removed();
}

TEST_F(RemoveTest, WhileItsTenantStillWrites) {
  const pid_t writer = ::fork();
  if (writer == 0) {
    if (::setresgid(kFirst, kFirst, kFirst) != 0 || ::setresuid(kFirst, kFirst, kFirst) != 0 ||
        ::chdir(in(a_, "files").c_str()) != 0) {
      ::_exit(1);
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int n = 0;; ++n) {
      ::mkdir(std::to_string(n).c_str(), 0700);
      ::usleep(200);
    }
  }
  while (fs::is_empty(in(a_, "files"))) std::this_thread::yield();
  const Result<machine::Done> removed = (*served_)->remove_site(a_);
  EXPECT_FALSE(fs::exists(path("platforms/d/sites/a.example"))) << "it is out of sight, whoever is in it";
  EXPECT_TRUE(removed || removed.error().place.file.contains("/.aegir-gone-"));
  ASSERT_TRUE((*served_)->end_slot(a_.slot));
  ::waitpid(writer, nullptr, 0);
  expect_removed();
}

TEST_F(RemoveTest, WhatIsNotTheSitesStays) {
  wire::SiteOrder others = a_;
  others.slot = b_.slot;
  EXPECT_EQ((*served_)->remove_site(others).error().code, Code::kConflict);
  fs::create_directory_symlink("b.example", path("platforms/d/sites/link.example"));
  others = a_;
  others.uri = "link.example";
  EXPECT_EQ((*served_)->remove_site(others).error().code, Code::kConflict);
  others.uri = "made-by-hand.example";
  fs::create_directories(in(others, "files"));
  const Result<machine::Done> refused = (*served_)->remove_site(others);
  EXPECT_EQ(refused.error().code, Code::kConflict);
  EXPECT_EQ(refused.error().place.file, path("platforms/d/sites/made-by-hand.example"));
  EXPECT_EQ(sites(), (std::vector<std::string>{"a.example", "b.example", "link.example", "made-by-hand.example"}));
  // What stands in the place that a removal would take.
  fs::remove_all(path("platforms/d/sites/made-by-hand.example"));
  fs::remove(path("platforms/d/sites/link.example"));
  ASSERT_TRUE((*served_)->retire_slot(a_.slot));
  expect_removed();
}

TEST_F(RemoveTest, OneThatWasLeftHalfMade) {
  wire::SiteOrder half = a_;
  half.uri = "half.example";
  fs::create_directory(path("platforms/d/sites/half.example"));
  EXPECT_TRUE((*served_)->remove_site(half));
  EXPECT_EQ(sites(), (std::vector<std::string>{"a.example", "b.example"}));
}

}  // namespace
}  // namespace aegir::host
