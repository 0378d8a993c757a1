#include "tests/root/activate/activation_fixture.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <new>

namespace aegir::publish {

struct Visitor::Counts {
  std::atomic<bool> stop = false;
  std::atomic<unsigned> good = 0;
  std::atomic<unsigned> bad = 0;
  std::atomic<int> last_bad = 0;
};

Visitor::Visitor(const std::vector<live::Endpoint>& servers) {
  void* const memory = ::mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no shared memory");
  counts_ = new (memory) Counts;
  pid_ = ::fork();
  if (pid_ != 0) {
    EXPECT_TRUE(live::eventually([&] { return counts_->good > 0; }));
    return;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  while (!counts_->stop) {
    for (const live::Endpoint& server : servers) {
      for (const char* site : {"a.test", "b.test"}) {
        int status = 0;
        try {
          status = live::ask(server, live::get(site, "/style.css")).status;
        } catch (const std::exception&) {
          status = -1;
        }
        if (status == 200) {
          ++counts_->good;
        } else {
          ++counts_->bad;
          counts_->last_bad = status;
        }
      }
    }
  }
  ::_exit(0);
}

Visitor::~Visitor() {
  stop();
  ::munmap(counts_, sizeof(Counts));
}

void Visitor::stop() {
  if (pid_ <= 0) return;
  counts_->stop = true;
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
  EXPECT_EQ(counts_->bad, 0U) << "the last one: status " << counts_->last_bad;
}

ActivationTest::ActivationTest() : model_(installation_.model()) {
  installation_.start_apache();
  installation_.start_nginx();
  config_ = installation_.with_servers();
  registry::Platform second = model_.platforms[0];
  second.id = 2;
  second.name = "p2";
  second.docroot = installation_.root() + "/platform2";
  live::put(second.docroot + "/index.php", "<?php\n");
  model_.platforms.push_back(second);
  expect_fine();
  visitor_ = std::make_unique<Visitor>(std::vector{installation_.apache_endpoint(), installation_.nginx_endpoint()});
}

ActivationTest::~ActivationTest() = default;

Activation ActivationTest::activate(const std::set<std::string>& read) {
  return publish::activate(config_, installation_.accounts(), model_, read);
}

std::string ActivationTest::describe_all(const Activation& activation) {
  std::string text;
  for (const Error& error : activation.errors) text += describe(error) + '\n';
  return text;
}

void ActivationTest::expect_fine(const std::set<std::string>& read) { EXPECT_EQ(describe_all(activate(read)), ""); }

void ActivationTest::put_htaccess(const std::string& content, const std::string& platform) {
  const auto found = std::ranges::find(model_.platforms, platform, &registry::Platform::name);
  live::put(found->docroot + "/.htaccess", content);
}

std::string ActivationTest::accepted(const std::string& platform) const {
  return live::slurp(in("apache", "platform.d/" + platform + ".htaccess"));
}

std::string ActivationTest::in(const std::string& service, const std::string& name) const {
  return server_config_dir(config_, "local") + '/' + service + '/' + name;
}

int ActivationTest::apache_answers(const std::string& target) const {
  return live::ask(installation_.apache_endpoint(), live::get("a.test", target)).status;
}

int ActivationTest::nginx_answers(const std::string& target) const {
  return live::ask(installation_.nginx_endpoint(), live::get("a.test", target)).status;
}

}  // namespace aegir::publish
