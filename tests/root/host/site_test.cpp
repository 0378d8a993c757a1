// What aegird does with a site, beside what aegirc does with the same one; and what it refuses.
#include <linux/fs.h>
#include <sys/syscall.h>

#include <algorithm>

#include "compiler/verify/from_registry.hpp"
#include "tests/root/host/served.hpp"
#include "tests/root/verify/verified_site.hpp"

namespace aegir::host {
namespace {

namespace fs = std::filesystem;

class SiteVerbs : public cli::VerifiedSite {
 protected:
  void SetUp() override {
    VerifiedSite::SetUp();
    if (HasFatalFailure()) return;
    store_ = registry::Store::open(config_.registry, registry::Store::Mode::kRead,
                                   KeyRing::read(config_.registry_key).value(), {})
                 .value();
    order_.facts.site = store_->find_site("first.example").value().value();
    order_.facts.platform = store_->platforms().value().front();
    order_.facts.database = store_->servers().value().front().database;
    order_.slot = {"b1", 0, kSlot};
    order_.php_version = store_->blocks().value().front().php_version;
    place_ = {order_.slot, docroot(), "first.example"};
    served_.emplace(config_, file("aegird.log"));
  }

  /// Everything that a site has: path, owner, mode and content.
  [[nodiscard]] std::map<std::string, std::string> everything() const {
    std::map<std::string, std::string> found;
    for (const std::string& top : {docroot(), config_.config_dir + "/cli", config_.aegir_root + "/.drush",
                                   config_.aegir_root + "/clients", slot_home(config_, "b1", 0)}) {
      for (const auto& entry : fs::recursive_directory_iterator(top)) {
        std::string& text = found[entry.path()];
        text = owner_and_mode(entry.path());
        if (entry.is_symlink()) {
          text += " -> " + fs::read_symlink(entry.path()).string();
        } else if (entry.is_regular_file()) {
          text += '\n' + live::slurp(entry.path());
        }
      }
    }
    return found;
  }
  void expect_refused(const Result<machine::Done>& answer) {
    ASSERT_FALSE(answer);
    EXPECT_TRUE(answer.error().code == Code::kInvalid || answer.error().code == Code::kConflict ||
                answer.error().code == Code::kPermission || answer.error().code == Code::kNotFound)
        << describe(answer.error());
  }

  std::unique_ptr<registry::Store> store_;
  wire::SiteFilesOrder order_;
  wire::SiteOrder place_;
  std::optional<Served> served_;
};

TEST_F(SiteVerbs, MakeWhatAegircMakes) {
  const std::map<std::string, std::string> by_aegirc = everything();
  ASSERT_TRUE(by_aegirc.contains(site("settings.php")));
  fs::remove_all(docroot() + "/sites/first.example");
  fs::remove(docroot() + "/sites/sites.php");
  for (const std::string& folder : {config_.aegir_root + "/.drush", slot_home(config_, "b1", 0) + "/home/.drush"}) {
    fs::remove(folder + "/first.example.alias.drushrc.php");
    fs::remove(folder + "/sites/first_example.site.yml");
  }
  fs::remove(cli_file());
  fs::remove(config_.aegir_root + "/clients/acme/first.example");
  EXPECT_NE(everything(), by_aegirc);

  Host& host = **served_;
  EXPECT_TRUE(host.look_at_site(place_));
  const Result<machine::Done> prepared = host.prepare_site(place_);
  ASSERT_TRUE(prepared) << describe(prepared.error());
  EXPECT_FALSE(prepared->empty());
  const Result<wire::WrittenSite> written = host.write_site(order_);
  ASSERT_TRUE(written) << describe(written.error());
  EXPECT_TRUE(written->errors.empty() && written->of_platform.empty());
  EXPECT_FALSE(written->cloaking);
  EXPECT_FALSE(written->waits);
  EXPECT_EQ(everything(), by_aegirc);
  EXPECT_EQ(host.written_sites().value(), std::vector<std::string>{"first.example"});

  EXPECT_TRUE(host.prepare_site(place_)->empty()) << "all is so already";
  EXPECT_TRUE(host.write_site(order_)->done.empty());
  ASSERT_TRUE(host.forget_site("first.example"));
  EXPECT_FALSE(fs::exists(cli_file()));
  EXPECT_FALSE(fs::exists(drush("first.example.alias.drushrc.php")));
  EXPECT_TRUE(fs::exists(site("settings.php")));
  EXPECT_TRUE(host.written_sites()->empty());
}

TEST_F(SiteVerbs, TheWholeTreeIsPutRight) {
  live::put(site("modules/m.php"), "<?php\n");
  live::put(site("files/of-root"), "x");
  ASSERT_EQ(::chmod(site("modules/m.php").c_str(), 0600), 0);
  ASSERT_EQ(::chown(site("modules/m.php").c_str(), cli::kAegir, cli::kAegir), 0);
  const Result<wire::PreparedTree> tree = (*served_)->prepare_site_tree(place_);
  ASSERT_TRUE(tree) << describe(tree.error());
  EXPECT_FALSE(tree->error) << describe(*tree->error);
  EXPECT_TRUE(tree->own);
  EXPECT_EQ(owner_and_mode(site("modules/m.php")),
            "0664 " + std::to_string(cli::kAegir) + ':' + std::to_string(cli::kAegir));
  EXPECT_TRUE(
      owner_and_mode(site("files/of-root")).ends_with(' ' + std::to_string(kSlot) + ':' + std::to_string(kSlot)));
}

TEST_F(SiteVerbs, CloakingThatPeopleHaveChangedWaitsForRegistryAndMap) {
  Host& host = **served_;
  const std::string cloaked = text("settings.php");
  edit("drushrc.php", "<?php\n$options['provision_db_cloaking'] = FALSE;\n");
  Result<wire::WrittenSite> written = host.write_site(order_);
  ASSERT_TRUE(written) << describe(written.error());
  EXPECT_EQ(written->cloaking, false);
  EXPECT_EQ(text("settings.php"), cloaked) << "the registry first";
  order_.facts.site.cloaking = false;
  written = host.write_site(order_);
  ASSERT_TRUE(written && !written->cloaking && !written->waits);
  const std::string plain = text("settings.php");
  EXPECT_NE(plain, cloaked);

  edit("drushrc.php", "<?php\n$options['provision_db_cloaking'] = TRUE;\n");
  EXPECT_EQ(host.write_site(order_)->cloaking, true);
  order_.facts.site.cloaking = true;
  EXPECT_TRUE(host.write_site(order_)->waits);
  EXPECT_EQ(text("settings.php"), plain) << "it works until the map has the credentials";
  ASSERT_TRUE(host.finish_site(order_));
  EXPECT_EQ(text("settings.php"), cloaked);
}

TEST_F(SiteVerbs, WhatPeopleHaveWrittenIsLooked) {
  EXPECT_TRUE((*served_)->lint_site(order_)->empty());
  edit("local.settings.php", "<?php\n$x = ;\n");
  const Result<std::vector<Error>> broken = (*served_)->lint_site(order_);
  ASSERT_TRUE(broken) << describe(broken.error());
  ASSERT_EQ(broken->size(), 1U);
  EXPECT_EQ(broken->front().place.line, 2U);
}

TEST_F(SiteVerbs, OrdersOfATakenOverWorkerChangeNothing) {
  Host& host = **served_;
  ASSERT_TRUE(host.make_slots({"b1", kSlot, 8}));
  ASSERT_TRUE(host.retire_slot({"b1", 5, kSlot + 5}));
  fs::create_directories(file("outside/sites"));
  const std::map<std::string, std::string> before = everything();
  const auto with = [&](auto change) {
    wire::SiteOrder place = place_;
    change(place);
    expect_refused(host.prepare_site(place));
    expect_refused(host.remove_site(place));
    EXPECT_FALSE(host.look_at_site(place));
    EXPECT_FALSE(host.prepare_site_tree(place));
    wire::SiteFilesOrder files = order_;
    files.slot = place.slot;
    files.facts.platform.docroot = place.docroot;
    files.facts.site.uri = place.uri;
    EXPECT_FALSE(host.write_site(files));
    expect_refused(host.finish_site(files));
    EXPECT_FALSE(host.lint_site(files));
  };
  with([](wire::SiteOrder& place) { place.slot.uid = 0; });
  with([](wire::SiteOrder& place) { place.slot.uid = cli::kAegir; });
  with([](wire::SiteOrder& place) { place.slot.uid = kOther; });
  with([](wire::SiteOrder& place) { place.slot = {"b9", 0, kSlot}; });
  with([](wire::SiteOrder& place) { place.slot = {"../b1", 0, kSlot}; });
  with([&](wire::SiteOrder& place) { place.docroot = file("outside"); });
  with([&](wire::SiteOrder& place) { place.docroot += "/../../../outside"; });
  with([&](wire::SiteOrder& place) { place.docroot += std::string("\0x", 2); });
  with([&](wire::SiteOrder& place) { place.docroot = "/"; });
  with([&](wire::SiteOrder& place) { place.docroot = config_.aegir_root + "/platforms"; });
  for (const char* uri : {"", ".", "..", "../x", "all", "default", "a/b", "A.example", "a.example\n", "a b"}) {
    with([&](wire::SiteOrder& place) { place.uri = uri; });
  }
  // Another site's directory, of another slot; and a retired slot, which only takes away.
  wire::SiteOrder others = place_;
  others.slot = {"b1", 1, kOther};
  expect_refused(host.remove_site(others));
  EXPECT_FALSE(host.look_at_site(others));
  wire::SiteOrder retired = place_;
  retired.slot = {"b1", 5, kSlot + 5};
  expect_refused(host.prepare_site(retired));

  const auto with_files = [&](auto change) {
    wire::SiteFilesOrder files = order_;
    change(files);
    EXPECT_FALSE(host.write_site(files));
    EXPECT_FALSE(host.lint_site(files));
  };
  with_files([](wire::SiteFilesOrder& files) { files.facts.site.slot = 1; });
  with_files([](wire::SiteFilesOrder& files) { files.facts.site.block = "b2"; });
  with_files([](wire::SiteFilesOrder& files) { files.facts.site.client = "../../etc"; });
  with_files([](wire::SiteFilesOrder& files) { files.facts.platform.name = "../x"; });
  with_files([](wire::SiteFilesOrder& files) { files.php_version = "8.2/../../../tmp/x"; });
  with_files([](wire::SiteFilesOrder& files) { files.php_version = ""; });
  for (const char* uri : {"", "..", "../first.example", "x\n", "first.example/../.."}) {
    expect_refused(host.forget_site(uri));
  }
  EXPECT_EQ(everything(), before);
}

TEST_F(SiteVerbs, ValuesThatWantToBeCodeStayValues) {
  const std::string evil = "'; echo 'run'; #\n<?php echo 'run'; ?>${x}\\";
  order_.facts.site.database.password = evil;
  order_.facts.site.hash_salt = evil;
  order_.facts.site.cloaking = false;
  order_.facts.site.profile = evil;
  order_.facts.site.redirect_to = evil;
  order_.facts.database->host = evil;
  edit("drushrc.php", "<?php\n$options['provision_db_cloaking'] = FALSE;\n");
  const Result<wire::WrittenSite> written = (*served_)->write_site(order_);
  ASSERT_TRUE(written) << describe(written.error());
  EXPECT_EQ(with_settings(kSlot, "echo $databases['default']['default']['password'];"), evil);
  for (const std::string& path : {site("drushrc.php"), drush("first.example.alias.drushrc.php"), cli_file()}) {
    const live::Finished run = live::run({"php", "-n", path});
    EXPECT_EQ(run.status, 0) << run.output;
    EXPECT_EQ(run.output, "") << path;
  }
}

TEST_F(SiteVerbs, ADirectoryThatIsExchangedMeanwhileLeadsNowhere) {
  fs::create_directories(file("victim/files"));
  ASSERT_EQ(::chmod(file("victim").c_str(), 0700), 0);
  ASSERT_EQ(::chmod(root_.path().c_str(), 0755), 0);
  fs::create_directory_symlink(file("victim"), docroot() + "/sites/link");
  ASSERT_EQ(::lchown((docroot() + "/sites/link").c_str(), cli::kAegir, cli::kAegir), 0);
  const std::string one = docroot() + "/sites/first.example";
  const std::string two = docroot() + "/sites/link";
  const pid_t racer = ::fork();
  if (racer == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::setresgid(cli::kAegir, cli::kAegir, cli::kAegir) != 0 ||
        ::setresuid(cli::kAegir, cli::kAegir, cli::kAegir) != 0) {
      ::_exit(1);
    }
    for (;;) (void)::syscall(SYS_renameat2, AT_FDCWD, one.c_str(), AT_FDCWD, two.c_str(), RENAME_EXCHANGE);
  }
  int good = 0;
  int refused = 0;
  for (int n = 0; n < 60; ++n) {
    for (const bool done : {(*served_)->prepare_site(place_).has_value(), (*served_)->write_site(order_).has_value(),
                            (*served_)->prepare_site_tree(place_).has_value()}) {
      ++(done ? good : refused);
    }
  }
  (void)(*served_)->remove_site(place_);
  ::kill(racer, SIGKILL);
  ::waitpid(racer, nullptr, 0);
  EXPECT_GT(good, 0);
  EXPECT_GT(refused, 0);
  EXPECT_EQ(owner_and_mode(file("victim")), "0700 0:0");
  EXPECT_EQ(owner_and_mode(file("victim/files")), "0755 0:0");
  EXPECT_EQ(std::distance(fs::directory_iterator(file("victim")), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace aegir::host
