// reconcile, against drifts of every sort on a whole machine: each is named, mended or left with what a person can do,
// and then nothing is found any more. Here: files, directories, slots and web servers.
#include <algorithm>
#include <fstream>
#include <iterator>

#include "compiler/machine/remove.hpp"
#include "sidecar/monitor/processes.hpp"
#include "tests/root/sidecar/reconcile_fixture.hpp"

namespace aegir::sidecar {

namespace fs = std::filesystem;

namespace {

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

}  // namespace

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
  drifts.push_back({"PHP that has ended",
                    [] { lab().stop(Lab::Service::kPhp); },
                    {"block php: its PHP is not at work"},
                    Fate::kMended,
                    [] {
                      const std::string socket = slot_socket(lab().config(), "php", 0);
                      return static_cast<bool>(live::connect_to(live::Endpoint::unix_socket(socket)));
                    },
                    [] { lab().start(Lab::Service::kPhp); }});
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

TEST_F(ReconcileTest, FindsNothingOnAMachineAsItIsToBe) { EXPECT_EQ(lab().differences(), ""); }
TEST_F(ReconcileTest, FilesOfSitesAndPlatforms) { run(in_files()); }
TEST_F(ReconcileTest, DirectoriesOfSites) { run(in_trees()); }
TEST_F(ReconcileTest, Slots) { run(in_slots()); }
TEST_F(ReconcileTest, WebServersAndTheirFiles) { run(in_servers()); }

}  // namespace aegir::sidecar
