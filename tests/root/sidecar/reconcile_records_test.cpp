// reconcile, against drifts in databases, in the registry and in the site map, as reconcile_test.cpp does for files.
#include <algorithm>

#include "sidecar/database/server.hpp"
#include "tests/live/harness/servers.hpp"
#include "tests/root/sidecar/reconcile_fixture.hpp"

namespace aegir::sidecar {

namespace fs = std::filesystem;

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

/// A record of a database server, with aegird's account in a file of its own.
void add_server(Lab& lab, const std::string& name, const std::string& port) {
  const std::string own = database_options_file(lab.config(), name);
  std::string options = live::slurp(database_options_file(lab.config(), "main"));
  options.replace(options.find("port="), std::string::npos, "port=" + port + "\n");
  live::put(own, options);
  ASSERT_EQ(::chown(own.c_str(), Lab::kAegir, Lab::kAegir), 0);
  ASSERT_EQ(::chmod(own.c_str(), 0600), 0);
  lab.must_aegir({"server", "add", name, "--database", "127.0.0.1:" + port});
}

std::vector<Drift> ReconcileTest::on_other_servers() {
  const auto far = std::make_shared<live::MariaDbServer>();
  const auto port = std::make_shared<live::Port>();
  const auto is_gone = [](const live::MariaDbServer& server, const std::string& name) {
    return server.sql("SHOW DATABASES LIKE '" + name + "'").empty();
  };
  const std::string trial = database::Server::trial_name();
  return {
      {"record of a server that another one leads to",
       [] { add_server(lab(), "twin", lab().database_port()); },
       {"No difference."},
       Fate::kMentioned},
      {"what a try of a server has left",
       [=] { (void)lab().sql("CREATE DATABASE " + trial + " COMMENT 'aegir:0123456789abcdef'"); },
       {"server main: database '" + trial + "' was made to try the server", "DROP DATABASE `" + trial + "`"},
       Fate::kLeft,
       [=] { return lab().sql("SHOW DATABASES LIKE '" + trial + "'").empty(); },
       [=] { (void)lab().sql("DROP DATABASE " + trial); }},
      {"database that bears the name of a site's on another server",
       [=] {
         far->start(Lab::kDatabase, *port);
         const std::string options = live::slurp(database_options_file(lab().config(), "main"));
         const std::size_t begin = options.find("password=") + 9;
         (void)far->sql("CREATE USER aegird@`127.0.0.1` IDENTIFIED BY '" +
                        options.substr(begin, options.find('\n', begin) - begin) +
                        "'; GRANT ALL ON *.* TO aegird@`127.0.0.1` WITH GRANT OPTION");
         add_server(lab(), "far", port->text());
         (void)far->sql("CREATE DATABASE a_example COMMENT 'aegir:0123456789abcdef'");
       },
       {"server far: database 'a_example' is of no site here, and site a.example has one of that name on server main",
        "find out whether server main is this one by another way"},
       Fate::kLeft,
       [=] { return is_gone(*far, "a_example"); },
       [=] { (void)far->sql("DROP DATABASE a_example"); }},
      {"server that does not answer",
       [=] { far->stop(); },
       {"server far: ", "can't be reached"},
       Fate::kLeft,
       [] { return number_in_registry("SELECT count(*) FROM server WHERE name = 'far'") == 0; },
       [] {
         registry("DELETE FROM server WHERE name = 'far'");
         std::filesystem::remove_all(server_config_dir(lab().config(), "far"));
         std::filesystem::remove(root() + "/.drush/server_far.alias.drushrc.php");
       }},
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

TEST_F(ReconcileTest, RegistryAndMap) { run(in_registry()); }
TEST_F(ReconcileTest, Databases) { run(in_databases()); }
TEST_F(ReconcileTest, DatabasesOfSeveralServers) { run(on_other_servers()); }

}  // namespace aegir::sidecar
