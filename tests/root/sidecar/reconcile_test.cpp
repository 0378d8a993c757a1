// reconcile, against drifts of every sort on a whole machine: each is named, mended or left with what a person can do,
// and then nothing is found any more.
#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>

#include "compiler/machine/remove.hpp"
#include "compiler/registry/sqlite.hpp"
#include "sidecar/monitor/processes.hpp"
#include "tests/root/sidecar/sidecar_lab.hpp"

namespace aegir::sidecar {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// What is to become of it.
enum class Fate { kMended, kLeft, kMentioned };

struct Drift {
  std::string name;
  std::function<void()> seed;
  std::vector<std::string> said;  ///< of it
  Fate fate = Fate::kMended;
  std::function<bool()> is_right;               ///< false as long as the drift is there
  std::function<void()> by_a_person = nullptr;  ///< what he does about what is left to him
};

class ReconcileTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    the_lab = Lab::on_fixture();
    for (const char* uri : {"a.example", "b.example", "c.example"}) {
      lab().must_aegir({"site", "install", uri, "--platform", "p1"});
    }
    old_mark = lab().sql("SELECT SCHEMA_COMMENT FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'c_example'");
    old_mark.erase(old_mark.find_last_not_of('\n') + 1);
    lab().must_aegir({"site", "disable", "c.example", "--yes"});
    lab().must_aegir({"site", "delete", "c.example", "--yes"});
  }
  static void TearDownTestSuite() { the_lab.reset(); }
  static Lab& lab() { return *the_lab; }

  static std::string root() { return lab().config().aegir_root; }
  static std::string config(const std::string& path) { return lab().config().config_dir + '/' + path; }
  static std::string server(const std::string& path) { return server_config_dir(lab().config(), "main") + '/' + path; }
  static std::string site(const std::string& path) { return lab().directory("a.example") + '/' + path; }
  static std::string slot(unsigned number, const std::string& path = {}) {
    return slot_home(lab().config(), "php", number) + path;
  }
  static uid_t uid(unsigned slot) { return Lab::kFirstSlot + slot; }

  /// A file or directory that somebody made.
  static void make(const std::string& path, uid_t owner, gid_t group, const std::string& content = "x") {
    live::put(path, content);
    give(path, owner, group);
  }
  static void make_folder(const std::string& path, uid_t owner, gid_t group) {
    fs::create_directories(path);
    give(path, owner, group);
  }
  static void give(const std::string& path, uid_t owner, gid_t group) {
    ASSERT_EQ(::lchown(path.c_str(), owner, group), 0) << path;
  }
  static mode_t mode(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
  }
  static uid_t owner(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? status.st_uid : 0;
  }

  /// Changes the registry behind everybody's back.
  static void registry(const std::string& sql) {
    const Result<std::unique_ptr<registry::Connection>> connection =
        registry::Connection::open(lab().config().registry, SQLITE_OPEN_READWRITE);
    ASSERT_TRUE(connection) << describe(connection.error());
    const Result<void> done = (*connection)->script(sql);
    ASSERT_TRUE(done) << describe(done.error());
  }
  static std::int64_t number_in_registry(const std::string& sql) {
    const Result<std::unique_ptr<registry::Connection>> connection =
        registry::Connection::open(lab().config().registry, SQLITE_OPEN_READWRITE);
    if (!connection) return -1;
    registry::Query query = (*connection)->query(sql);
    const Result<bool> row = query.next();
    return row && *row ? query.integer(0) : -1;
  }

  static std::vector<Drift> in_files();
  static std::vector<Drift> in_trees();
  static std::vector<Drift> in_slots();
  static std::vector<Drift> in_servers();
  static std::vector<Drift> in_databases();
  static std::vector<Drift> in_registry();

  static void run(const Drift& drift) {
    SCOPED_TRACE(drift.name);
    drift.seed();
    const bool is_found = drift.fate != Fate::kMentioned;
    if (is_found) {
      EXPECT_FALSE(drift.is_right()) << "the seed makes no drift";
    }
    const live::Finished looked = lab().aegir({"reconcile", "--dry-run"});
    EXPECT_EQ(looked.status, is_found ? 1 : 0) << looked.output;
    for (const std::string& said : drift.said) EXPECT_THAT(looked.output, HasSubstr(said));
    if (is_found) {
      EXPECT_FALSE(drift.is_right()) << "a dry run changes nothing";
    }
    const live::Finished mended = lab().aegir({"reconcile"});
    EXPECT_EQ(mended.status, is_found ? 1 : 0) << mended.output;
    for (const std::string& said : drift.said) EXPECT_THAT(mended.output, HasSubstr(said));
    if (drift.fate == Fate::kMended) {
      EXPECT_TRUE(drift.is_right()) << mended.output;
      EXPECT_THAT(mended.output, HasSubstr(" 0 left to a person"));
    }
    if (drift.fate == Fate::kLeft) {
      EXPECT_FALSE(drift.is_right()) << "what a person may want is not touched: " << mended.output;
      EXPECT_THAT(mended.output, HasSubstr("(left to a person)\n    next: "));
    }
    if (drift.by_a_person) drift.by_a_person();
    EXPECT_EQ(lab().differences(), "") << "a second run finds nothing";
  }
  static void run(const std::vector<Drift>& drifts) {
    for (const Drift& drift : drifts) {
      run(drift);
      if (HasFailure()) return;
    }
    std::cout << drifts.size() << " drifts\n";
  }

  inline static std::string old_mark;  ///< the comment that c.example's database had

 private:
  inline static std::unique_ptr<Lab> the_lab;
};

/// A file that is missing, and one whose text is another.
std::vector<Drift> of_file(const std::string& path, const std::string& comment) {
  const auto whole = std::make_shared<std::string>(live::slurp(path));
  const std::string name = path.substr(path.rfind('/') + 1);
  const auto is_right = [=] { return fs::exists(path) && live::slurp(path) == *whole; };
  return {{name + " is missing", [=] { fs::remove(path); }, {path + ": missing"}, Fate::kMended, is_right},
          {name + " is changed",
           [=] { std::ofstream(path, std::ios::app) << comment; },
           {path + ": changed"},
           Fate::kMended,
           is_right}};
}

void add(std::vector<Drift>& all, std::vector<Drift> more) {
  all.insert(all.end(), std::move_iterator(more.begin()), std::move_iterator(more.end()));
}

std::vector<Drift> ReconcileTest::in_files() {
  std::vector<Drift> drifts;
  add(drifts, of_file(site("settings.php"), "# more\n"));
  add(drifts, of_file(config("cli/a.example.php"), "# more\n"));
  add(drifts, of_file(root() + "/.drush/a.example.alias.drushrc.php", "# more\n"));
  add(drifts, of_file(root() + "/.drush/server_main.alias.drushrc.php", "# more\n"));
  add(drifts, of_file(lab().docroot() + "/sites/sites.php", "# more\n"));
  add(drifts, of_file(lab().docroot() + "/sites/all/drush/sites.drushrc.php", "# more\n"));
  const std::string drushrc = site("drushrc.php");
  const std::string whole = live::slurp(drushrc);
  drifts.push_back({"drushrc.php is missing",
                    [=] { fs::remove(drushrc); },
                    {drushrc + ": missing"},
                    Fate::kMended,
                    [=] { return fs::exists(drushrc) && live::slurp(drushrc) == whole; }});
  const std::string forgotten = config("cli/c.example.php");
  drifts.push_back({"credentials of a deleted site",
                    [=] { make(forgotten, Lab::kAegir, uid(2), "<?php\n# Written by aegirc from the registry.\n"); },
                    {"site c.example: there is none, and its credentials or aliases"},
                    Fate::kMended,
                    [=] { return !fs::exists(forgotten); }});
  const std::string alias = root() + "/.drush/never.example.alias.drushrc.php";
  drifts.push_back({"alias of a site that never was",
                    [=] { make(alias, Lab::kAegir, Lab::kAegir, "<?php\n# Written by aegirc from the registry.\n"); },
                    {"site never.example: there is none"},
                    Fate::kMended,
                    [=] { return !fs::exists(alias); }});
  return drifts;
}

std::vector<Drift> ReconcileTest::in_trees() {
  const std::string directory = lab().directory("a.example");
  const std::string sites = lab().docroot() + "/sites/";
  const std::string aside = lab().docroot() + "/aside";
  const std::string gone = sites + machine::gone_name("c.example", uid(2));
  const std::string half = sites + machine::gone_name("a.example", uid(0));
  return {
      {"mode of the site's directory",
       [=] { fs::permissions(directory, fs::perms::all); },
       {directory + ": mode 0777 -> 2750"},
       Fate::kMended,
       [=] { return mode(directory) == 02750; }},
      {"settings.php that everybody reads",
       [] { fs::permissions(site("settings.php"), fs::perms{0644}); },
       {"settings.php: mode 0644 -> 0440"},
       Fate::kMended,
       [] { return mode(site("settings.php")) == 0440; }},
      {"files/ of root's",
       [] { give(site("files"), 0, 0); },
       {site("files") + ": owner 0:0"},
       Fate::kMended,
       [] { return owner(site("files")) == uid(0); }},
      {"a missing folder of modules",
       [] { fs::remove(site("modules")); },
       {site("modules") + ": missing"},
       Fate::kMended,
       [] { return fs::is_directory(site("modules")); }},
      {"files/ of somebody else's",
       [] { give(site("files"), 33, 33); },
       {site("files"), "found a directory of uid 33"},
       Fate::kLeft,
       [] { return owner(site("files")) == uid(0); },
       [] { give(site("files"), uid(0), uid(0)); }},
      {"site without a directory",
       [=] { fs::rename(directory, aside); },
       {"site a.example: its directory " + directory + " is missing"},
       Fate::kLeft,
       [=] { return fs::exists(directory); },
       [=] { fs::rename(aside, directory); }},
      {"live site whose directory was being removed",
       [=] { fs::rename(directory, half); },
       {"what is left of it is in " + half, "no delete of the registry's is about it"},
       Fate::kLeft,
       [=] { return fs::exists(directory); },
       [=] { fs::rename(half, directory); }},
      {"half-deleted site",
       [=] {
         make_folder(gone, Lab::kAegir, uid(2));
         make_folder(gone + "/files", uid(2), uid(2));
         make(gone + "/files/picture.png", uid(2), uid(2));
       },
       {gone + ": is what a delete of site c.example has left"},
       Fate::kMended,
       [=] { return !fs::exists(gone); }},
      {"directory of a deleted site",
       [=] {
         make_folder(sites + "c.example", Lab::kAegir, uid(2));
         make_folder(sites + "c.example/files", uid(2), uid(2));
       },
       {sites + "c.example: is the directory of site c.example, which was deleted"},
       Fate::kMended,
       [=] { return !fs::exists(sites + "c.example"); }},
      {"directory of a deleted site's name that is another's",
       [=] { make_folder(sites + "c.example", Lab::kAegir, 33); },
       {"not ours: " + sites + "c.example is of no site", "rm -r " + sites + "c.example"},
       Fate::kMentioned,
       nullptr,
       [=] {
         EXPECT_TRUE(fs::exists(sites + "c.example"));
         fs::remove_all(sites + "c.example");
       }},
      {"site directory without a site",
       [=] { make_folder(sites + "lost.example", Lab::kAegir, uid(1)); },
       {sites + "lost.example: is a site's directory", "rm -r " + sites + "lost.example"},
       Fate::kLeft,
       [=] { return !fs::exists(sites + "lost.example"); },
       [=] { fs::remove_all(sites + "lost.example"); }},
      {"staged tree of a task that has ended",
       [=] { make_folder(sites + ".aegir-1", Lab::kAegir, Lab::kAegir); },
       {sites + ".aegir-1: was set up by task 1", "rm -r " + sites + ".aegir-1"},
       Fate::kLeft,
       [=] { return !fs::exists(sites + ".aegir-1"); },
       [=] { fs::remove_all(sites + ".aegir-1"); }},
  };
}

std::vector<Drift> ReconcileTest::in_slots() {
  const std::string file = "/home/left";
  const auto stray = std::make_shared<pid_t>();
  return {
      {"retired slot with files",
       [=] { make(slot(2, file), uid(2), uid(2)); },
       {"slot php/2: it is retired, and has files"},
       Fate::kMended,
       [=] { return !fs::exists(slot(2, file)); }},
      {"retired slot with a process",
       [=] {
         const std::string id = std::to_string(uid(2));
         const live::Finished begun = live::run({"/usr/bin/setpriv", "--reuid", id, "--regid", id, "--clear-groups",
                                                 "/bin/sh", "-c", "sleep 600 >/dev/null 2>&1 </dev/null & echo $!"});
         ASSERT_EQ(begun.status, 0) << begun.output;
         *stray = std::stoi(begun.output);
       },
       {"slot php/2: it is retired, and has 1 processes"},
       Fate::kMended,
       [=] {
         const auto left = monitor::processes_of(uid(2), uid(2)).value();
         return std::ranges::find(left, *stray, &monitor::Process::pid) == left.end();
       }},
      {"retired slot that is open on the machine",
       [] { fs::remove(slot(2, "/retired")); },
       {"slot php/2: it is retired, and not on this machine"},
       Fate::kMended,
       [] { return fs::exists(slot(2, "/retired")); }},
      {"slot of nobody with files",
       [=] { make(slot(3, file), uid(3), uid(3)); },
       {"slot php/3: it has files, though the registry never gave it away"},
       Fate::kMended,
       [] { return number_in_registry("SELECT state FROM slot WHERE block = 'php' AND number = 3") == 1; },
       // It is somebody's whom the registry does not know, and stays as it is.
       [=] { EXPECT_TRUE(fs::exists(slot(3, file))); }},
      {"slot of a site, retired on the machine",
       [] { make(slot(0, "/retired"), 0, 0, ""); },
       {"slot php/0: site a.example has it, and on this machine it is retired"},
       Fate::kLeft,
       [] { return !fs::exists(slot(0, "/retired")); },
       [] { fs::remove(slot(0, "/retired")); }},
      {"slot of no block",
       [] {
         const std::string own = lab().config().slot_dir + "/other/0";
         make_folder(lab().config().slot_dir + "/other", 0, 0);
         make_folder(own, 0, uid(95));
         make_folder(own + "/home", uid(95), uid(95));
         make(own + "/home/file", uid(95), uid(95));
       },
       {"slot other/0: it is no slot of the registry's", "rm -r " + lab().config().slot_dir + "/other/0"},
       Fate::kLeft,
       [] { return !fs::exists(lab().config().slot_dir + "/other"); },
       [] { fs::remove_all(lab().config().slot_dir + "/other"); }},
      {"slot that is missing on the machine",
       [] { fs::remove_all(slot(90)); },
       {slot(90) + ": missing"},
       Fate::kMended,
       [] { return fs::is_directory(slot(90, "/sessions")); }},
      {"slot of a site that is not noted as given",
       [] { registry("DELETE FROM slot WHERE number = 1"); },
       {"slot php/1: site b.example has it, and it is not noted as given"},
       Fate::kMended,
       [] { return number_in_registry("SELECT state FROM slot WHERE number = 1") == 0; }},
      {"slot of two sites",
       [] { registry("UPDATE site SET slot = 0 WHERE uri = 'b.example'"); },
       {"slot php/0: it is given to a.example and b.example"},
       Fate::kLeft,
       [] { return number_in_registry("SELECT slot FROM site WHERE uri = 'b.example'") == 1; },
       [] {
         registry("UPDATE site SET slot = 1 WHERE uri = 'b.example'");
         EXPECT_EQ(lab().aegir({"reconcile"}).status, 1) << "the map has it in the wrong slot";
       }},
  };
}

std::vector<Drift> ReconcileTest::in_servers() {
  std::vector<Drift> drifts;
  add(drifts, of_file(server("nginx/platform.d/p1.conf"), "# more\n"));
  add(drifts, of_file(server("apache/platform.d/p1.conf"), "# more\n"));
  add(drifts, of_file(server("php/php.conf"), "; more\n"));
  const std::string old = server("nginx/platform.d/old.conf");
  drifts.push_back({"fragment of a platform that is gone",
                    [=] { make(old, 0, Lab::kAegir, "# Written by aegirc from the registry.\n"); },
                    {old + ": of nobody any more"},
                    Fate::kMended,
                    [=] { return !fs::exists(old); }});
  drifts.push_back({"mode of a server's folder",
                    [] { fs::permissions(server("nginx"), fs::perms::all); },
                    {server("nginx") + ": mode 0777"},
                    Fate::kMended,
                    [] { return (mode(server("nginx")) & 022) == 0; }});
  for (const auto& [path, text] :
       {std::pair{server("nginx/vhost.d/mine.conf"),
                  std::string("server {\n  listen 127.0.0.1:1;\n  server_name mine.test a.example;\n}\n")},
        std::pair{
            server("apache/vhost.d/mine.conf"),
            std::string("<VirtualHost *:1>\n  servername A.example\n  ServerAlias a.example:1\n</VirtualHost>\n")}}) {
    drifts.push_back({"person's server that names a site",
                      [=] { make(path, 0, 0, text); },
                      {path + ": gives a.example, a name of site a.example, to a server of its own"},
                      Fate::kLeft,
                      [=] { return !fs::exists(path); },
                      [=] { fs::remove(path); }});
  }
  const std::string certificate = config("ssl.d/a.example/");
  drifts.push_back({"certificate that is none",
                    [=] {
                      make_folder(certificate, 0, 0);
                      make(certificate + "fullchain.pem", 0, 0);
                      make(certificate + "privkey.pem", 0, 0);
                    },
                    {"certificate a.example: "},
                    Fate::kLeft,
                    [=] { return !fs::exists(certificate); },
                    [=] { fs::remove_all(certificate); }});
  return drifts;
}

std::vector<Drift> ReconcileTest::in_databases() {
  const auto gets_in = [] { return lab().visit(Lab::Server::kApache, "a.example").status == 200; };
  const auto is_gone = [](const std::string& name) {
    return [=] { return lab().sql("SHOW DATABASES LIKE '" + name + "'").empty(); };
  };
  // `change` names an account as %.
  const auto of_account = [&](const std::string& name, const std::string& change) {
    std::string sql;
    for (const char* host : {"localhost", "127.0.0.1", "::1"}) {
      std::string one = change;
      one.replace(one.find('%'), 1, "a_example@`" + std::string(host) + "`");
      sql += one + ';';
    }
    return Drift{name,
                 [=] { (void)lab().sql(sql); },
                 {"site a.example: it does not get into its database"},
                 Fate::kMended,
                 gets_in};
  };
  return {
      of_account("database user is gone", "DROP USER %"),
      of_account("database user without rights", "REVOKE ALL ON `a\\_example`.* FROM %"),
      of_account("database user with another password", "SET PASSWORD FOR % = PASSWORD('other')"),
      of_account("database user is locked", "ALTER USER % ACCOUNT LOCK"),
      {"database of a deleted site",
       [] { (void)lab().sql("CREATE DATABASE c_example COMMENT '" + old_mark + "'"); },
       {"database 'c_example' is of site c.example, which was deleted"},
       Fate::kMended,
       is_gone("c_example")},
      {"database under a deleted site's name",
       [] { (void)lab().sql("CREATE DATABASE c_example"); },
       {"not ours: server main: database 'c_example' is of no site", "DROP DATABASE `c_example`"},
       Fate::kMentioned,
       nullptr,
       [=] {
         EXPECT_FALSE(is_gone("c_example")());
         (void)lab().sql("DROP DATABASE c_example");
       }},
      {"database that was made for a site that the registry has lost",
       [] { (void)lab().sql("CREATE DATABASE lost COMMENT 'aegir:0123456789abcdef'"); },
       {"database 'lost' was made for a site", "DROP DATABASE `lost`"},
       Fate::kLeft,
       is_gone("lost"),
       [] { (void)lab().sql("DROP DATABASE lost"); }},
      {"account without a site",
       [] { (void)lab().sql("CREATE USER somebody@localhost"); },
       {"not ours: server main: user 'somebody' is of no site", "DROP USER 'somebody'@'localhost'"},
       Fate::kMentioned,
       nullptr,
       [] { (void)lab().sql("DROP USER somebody@localhost"); }},
      {"site without a database",
       [] { (void)lab().sql("DROP DATABASE b_example"); },
       {"site b.example: its database 'b_example' is missing"},
       Fate::kLeft,
       [=] { return !is_gone("b_example")(); },
       [] { (void)lab().sql("CREATE DATABASE b_example"); }},
  };
}

std::vector<Drift> ReconcileTest::in_registry() {
  const std::string map = lab().config().map_dir;
  const auto copy = [](const std::string& from, const std::string& to) {
    fs::create_directories(to);
    // CURRENT names the others.
    for (const bool last : {false, true}) {
      for (const auto& entry : fs::directory_iterator(from)) {
        const std::string name = entry.path().filename();
        if ((name == "CURRENT") != last || name == "counter") continue;
        const std::string target = to + '/' + name;
        fs::copy_file(entry.path(), target + ".new", fs::copy_options::overwrite_existing);
        give(target + ".new", owner(entry.path()), static_cast<gid_t>(-1));
        fs::rename(target + ".new", target);
      }
    }
  };
  const std::string kept = map + "-kept";
  return {
      {"install of no task",
       [] { registry("UPDATE site SET state = 0 WHERE uri = 'b.example'"); },
       {"site b.example: it is being installed, and by no task"},
       Fate::kMended,
       [] { return number_in_registry("SELECT state FROM site WHERE uri = 'b.example'") == 2; }},
      {"candidate of no task",
       [] { registry("INSERT INTO candidate VALUES ('probe', 'a.example', 4000000000)"); },
       {"site a.example: a probe's view of it is left"},
       Fate::kMended,
       [] { return lab().candidates() == 0; }},
      {"task at which nobody works",
       [] {
         registry(
             "INSERT INTO task VALUES (900, 'verify', 4, 'a.example', 1, '', 'x', 0, 0, 0, 1, 1, 1, 1, 0, 0, 1, '', "
             "'')");
       },
       {"task 900: it has begun (site a.example verify), and nobody is at work on it"},
       Fate::kLeft,
       [] { return number_in_registry("SELECT state FROM task WHERE id = 900") == 4; },
       [] { registry("UPDATE task SET state = 4 WHERE id = 900"); }},
      {"map that is behind",
       [=] {
         copy(map, kept);
         lab().must_aegir({"site", "disable", "a.example", "--yes"});
         copy(kept, map);
         fs::remove_all(kept);
       },
       {"site map: site a.example is not as the registry has it"},
       Fate::kMended,
       [] { return lab().differences().empty(); },
       [] { lab().must_aegir({"site", "enable", "a.example"}); }},
      {"map without its state",
       [=] { fs::remove(map + "/CURRENT"); },
       {"site map: it can't be used"},
       Fate::kMended,
       [=] { return fs::exists(map + "/CURRENT"); }},
      {"map that says something else",
       [] { registry("UPDATE site SET memory_limit = 300 WHERE uri = 'a.example'"); },
       {"site map: site a.example is not as the registry has it"},
       Fate::kMended,
       [] { return lab().differences().empty(); }},
  };
}

TEST_F(ReconcileTest, FindsNothingOnAMachineAsItIsToBe) { EXPECT_EQ(lab().differences(), ""); }
TEST_F(ReconcileTest, FilesOfSitesAndPlatforms) { run(in_files()); }
TEST_F(ReconcileTest, DirectoriesOfSites) { run(in_trees()); }
TEST_F(ReconcileTest, Slots) { run(in_slots()); }
TEST_F(ReconcileTest, WebServersAndTheirFiles) { run(in_servers()); }
TEST_F(ReconcileTest, RegistryAndMap) { run(in_registry()); }
TEST_F(ReconcileTest, Databases) { run(in_databases()); }

}  // namespace
}  // namespace aegir::sidecar
