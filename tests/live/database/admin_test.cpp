// How aegird comes in: by unix_socket with the least rights, or by a file of options.
#include <sys/stat.h>
#include <unistd.h>

#include "tests/live/database/database_fixture.hpp"

namespace aegir::database {
namespace {

constexpr uid_t kStranger = 617002;

class DatabaseAdmin : public DatabaseTest {
 protected:
  /// A file with these lines.
  std::string options(const std::string& text, mode_t mode = 0600) {
    std::string path = folder_.path("admin.cnf");
    live::put(path, text);
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  [[nodiscard]] std::string good() const {
    return "[client]\nhost = 127.0.0.1\nport = " + std::to_string(port()) +
           "\nuser = by_file\npassword = ByFilePassword\n";
  }
  static Server with(const std::string& path) { return Server({.server = "remote", .options_file = path}); }

 private:
  live::TempDir folder_;
};

TEST_F(DatabaseAdmin, TheRightsThatWeAskForAreEnough) {
  const std::string trial = Server::trial_name();
  EXPECT_TRUE(Server::is_trial(trial));
  EXPECT_EQ(words(server().verify(trial)), "");
  EXPECT_EQ(traces(trial), "");
  const Result<std::string> version = server().version();
  ASSERT_TRUE(version) << words(version);
  EXPECT_TRUE(version->contains("MariaDB")) << *version;
}

TEST_F(DatabaseAdmin, ByTheSocketAsWhoWeAre) {
  // The tests run as root, and so does the server's own root.
  const Server by_socket({.server = "local", .socket = mariadb().path("socket"), .user = "root"});
  EXPECT_EQ(words(by_socket.version()), "");
  EXPECT_EQ(by_socket.identity().value_or("?"), server().identity().value_or("")) << "one server, whoever asks it";
  const Server as_another({.server = "local", .socket = mariadb().path("socket")});
  const Result<std::string> refused = as_another.version();
  EXPECT_TRUE(words_of(refused).contains("aegird's own account was refused")) << words(refused);
}

TEST_F(DatabaseAdmin, AFileOfOptionsLeadsToAServerElsewhere) {
  sql(admin_grant("by_file@127.0.0.1 IDENTIFIED BY 'ByFilePassword'"));
  EXPECT_EQ(words(with(options(good())).version()), "");
  EXPECT_EQ(words(with(options(good(), 0400)).version()), "");
  EXPECT_EQ(with(options(good())).identity().value_or("?"), server().identity().value_or(""));

  const Result<bool> refused = with(options(good() + "password = wrong\n")).exists("x");
  EXPECT_TRUE(words_of(refused).contains("aegird's own account was refused")) << words(refused);
  EXPECT_TRUE(refused.error().place.file.starts_with("database server 'remote' (as /")) << refused.error().place.file;
  EXPECT_EQ(refused.error().code, Code::kPermission);
  EXPECT_FALSE(words(refused).contains("ByFilePassword"));
  sql("DROP USER by_file@127.0.0.1");
}

TEST_F(DatabaseAdmin, AFileThatOthersCanReadOrChangeIsRefused) {
  for (const mode_t mode : {0644, 0640, 0660, 0602}) {
    const Result<bool> refused = with(options(good(), mode)).exists("x");
    EXPECT_TRUE(words_of(refused).contains("is open to others")) << words(refused);
    EXPECT_TRUE(words(refused).contains("next: close it: chmod 600 ")) << words(refused);
    EXPECT_EQ(refused.error().code, Code::kPermission);
  }
  const std::string path = options(good());
  ASSERT_EQ(::chown(path.c_str(), kStranger, 0), 0);
  Result<bool> refused = with(path).exists("x");
  EXPECT_TRUE(words_of(refused).contains("belongs to uid " + std::to_string(kStranger))) << words(refused);
  ASSERT_EQ(::chown(path.c_str(), 0, 0), 0);

  const std::string link = path + ".link";
  ASSERT_EQ(::symlink(path.c_str(), link.c_str()), 0);
  EXPECT_TRUE(words_of(with(link).exists("x")).starts_with(link + ": can't open it"));
  EXPECT_EQ(with(path + ".gone").exists("x").error().code, Code::kNotFound);
  ASSERT_EQ(::mkfifo((path + ".fifo").c_str(), 0600), 0);
  EXPECT_TRUE(words_of(with(path + ".fifo").exists("x")).contains("is no regular file"));
}

TEST_F(DatabaseAdmin, AFileThatNamesNoServerIsRefused) {
  // libmariadb would go to the server at its own socket, here the test's, where root comes in without a password.
  for (const std::string& text :
       {std::string(), std::string("[mysqld]\nhost = a.example\n"), std::string("user = root\n")}) {
    const Result<bool> refused = with(options(text)).exists("x");
    EXPECT_TRUE(words_of(refused).contains("names no server in a section [client]")) << words(refused);
    EXPECT_EQ(refused.error().code, Code::kInvalid);
  }
}

TEST_F(DatabaseAdmin, AServerThatIsNotThereIsNamed) {
  const std::string nothing = mariadb().path("nothing");
  const Admin by_file = admin_by(nothing);
  for (const auto& [gone, where] : {std::pair{Admin{.server = "local", .socket = nothing}, nothing},
                                    std::pair{by_file, "as " + by_file.options_file + " says"}}) {
    const Result<bool> refused = Server(gone).exists("x");
    EXPECT_TRUE(words_of(refused).starts_with("database server 'local' (" + where +
                                              "): can't connect: the server can't be reached"))
        << words(refused);
    EXPECT_TRUE(words(refused).contains("next: start it")) << words(refused);
    EXPECT_TRUE(words(refused).contains(nothing)) << words(refused);
  }
}

TEST_F(DatabaseAdmin, AnAccountThatLacksARightIsToldWhatToGrant) {
  sql("CREATE USER weak@127.0.0.1 IDENTIFIED BY 'ByFilePassword'");
  const Result<Inventory> refused = with(options(good() + "user = weak\n")).inventory();
  EXPECT_TRUE(words_of(refused).contains("aegird's account lacks a right")) << words(refused);
  EXPECT_TRUE(words(refused).contains("CREATE USER, PROCESS, CONNECTION ADMIN ON *.*")) << words(refused);
  sql("DROP USER weak@127.0.0.1");
}

}  // namespace
}  // namespace aegir::database
