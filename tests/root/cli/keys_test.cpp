// The keys of a machine: lost ones, others, and both rotations from their first command to their last.
#include <sys/stat.h>

#include <map>

#include "compiler/map/answer.hpp"
#include "tests/root/cli/aegirc_as_root.hpp"

namespace aegir::cli {
namespace {

class KeysOfAMachine : public AegircAsRoot {
 protected:
  /// Puts a key file in its place, with the owner that it has to have.
  void put_key(const std::string& path, const std::string& text, uid_t owner) const {
    live::put(path, text);
    ASSERT_EQ(::chown(path.c_str(), owner, owner), 0);
    ASSERT_EQ(::chmod(path.c_str(), 0400), 0);
  }
  /// Takes the old key out of a key file, as a person does at the end of a rotation.
  void take_old_key_out(const std::string& path, uid_t owner) const {
    const std::string text = live::slurp(path);
    put_key(path, text.substr(0, text.find('\n') + 1), owner);
  }
  static std::string id_in(const std::string& path) { return std::to_string(KeyRing::read(path).value().current_id()); }
  static std::string owner_and_mode(const std::string& path) {
    struct stat status{};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return std::to_string(status.st_uid) + ' ' + std::to_string(status.st_mode & 07777);
  }
  /// The files of the live map, without the counter, which only tells workers to look.
  [[nodiscard]] std::map<std::string, std::string> map_files() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(config_.map_dir)) {
      if (entry.path().filename() != "counter") files[entry.path()] = live::slurp(entry.path());
    }
    return files;
  }
};

TEST_F(KeysOfAMachine, TheRegistrysKeyIsLostOrAnother) {
  const std::string away = config_.registry_key + ".away";
  fs::rename(config_.registry_key, away);
  for (const char* command : {"publish", "compile", "export", "check"}) {
    expect_refused(command, 66, config_.registry_key, "put the registry's key back from its backup");
  }
  expect_refused("keygen registry", 65, config_.registry, "there is a registry, and a new key opens none");
  EXPECT_FALSE(fs::exists(config_.registry_key));

  put_key(config_.registry_key, KeyRing::generate(4711), kAegir);
  const std::string id = id_in(away);
  for (const std::string& command : {std::string("publish"), std::string("compile"), std::string("export"),
                                     std::string("check"), "import " + file("document.json")}) {
    expect_refused(command, 65, config_.registry, "sealed with key " + id + ", and the key file has key 4711");
  }
  EXPECT_EQ(look("first.example"), "first.example");
  expect_refused("keygen registry", 73, config_.registry_key, "there is a key already");
  fs::rename(away, config_.registry_key);
  import_site("second.example");
  expect("publish", 0, "Published generation");
  EXPECT_EQ(look("second.example"), "second.example");
}

TEST_F(KeysOfAMachine, TheRegistrysKeyIsRotated) {
  const std::string document = aegirc("export --plain").output;
  ASSERT_NE(document.find("first.example"), std::string::npos) << document;
  const auto map = map_files();
  const std::string before = owner_and_mode(config_.registry_key);
  const std::string old_key = live::slurp(config_.registry_key);

  expect("keygen registry --rotate", 0, "Next: run `aegirc publish`");
  EXPECT_EQ(owner_and_mode(config_.registry_key), before);
  expect_refused("keygen registry --rotate", 65, config_.registry_key, "there are two keys already");
  expect("publish", 0, "");
  EXPECT_EQ(map_files(), map) << "it is no change of a site";
  take_old_key_out(config_.registry_key, kAegir);
  EXPECT_EQ(aegirc("export --plain").output, document);
  import_site("second.example");
  expect("publish", 0, "Published generation");
  EXPECT_EQ(look("second.example"), "second.example");

  const std::string id = id_in(config_.registry_key);
  put_key(config_.registry_key, old_key, kAegir);
  expect_refused("publish", 65, config_.registry, "sealed with key " + id);
}

// How it goes on is tested as TheMapsKeyIsChanged.
TEST_F(KeysOfAMachine, ANewKeyOfTheMapSealsNothingYet) {
  const std::string before = owner_and_mode(config_.map_key);
  const std::string id = id_in(config_.map_key);
  expect("keygen map --rotate --id 4711", 0, "Next: reload the web servers, put the new line above");
  EXPECT_EQ(owner_and_mode(config_.map_key), before);
  EXPECT_EQ(id_in(config_.map_key), id);
  EXPECT_TRUE(KeyRing::read(config_.map_key).value().holds(4711));
  expect("publish", 0, "Nothing new");
}

TEST_F(KeysOfAMachine, TheRegistrysKeyInPlaceOfTheMaps) {
  fs::copy(config_.registry_key, config_.map_key, fs::copy_options::overwrite_existing);
  import_site("second.example");
  expect_refused("publish", 65, config_.map_key, "the credentials of the map are sealed with key");
  EXPECT_EQ(look("second.example"), "unknown");
}

// The order of the modules' README: at no step is there a sealed value that a reloaded web server can't open.
TEST_F(KeysOfAMachine, TheMapsKeyIsChanged) {
  const std::string old_line = live::slurp(config_.map_key);
  live::put(file("other.conf"), live::slurp(file("aegir.conf")) + "map_key = " + file("new.key") + "\n");
  const live::Finished made = live::run({AEGIRC, "--config", file("other.conf"), "keygen", "map"});
  ASSERT_EQ(made.status, 0) << made.output;
  const std::string new_line = live::slurp(file("new.key"));
  const auto put_keys = [&](const std::string& lines) {
    live::put(config_.map_key, lines);
    ASSERT_EQ(::chmod(config_.map_key.c_str(), 0400), 0);
  };
  const auto opened_by = [&](const KeyRing& worker, const std::string& host) {
    const auto state = worker_.snapshot(now_ += 2);
    map::SiteView site;
    if (!state || state->find_host(host, site) != map::Lookup::kFound) return false;
    std::string plain(site.sealed.size(), '\0');
    map::CredentialFields fields;
    return map::open_credentials(worker, site, plain, fields);
  };
  put_keys(old_line + new_line);
  import_site("second.example");
  expect("publish", 0, "Published generation");
  EXPECT_TRUE(opened_by(KeyRing::parse(old_line, "old").value(), "second.example")) << "who has not reloaded yet";
  const KeyRing reloaded = KeyRing::read(config_.map_key).value();
  put_keys(new_line + old_line);
  expect("publish", 0, "the map key is another one");
  expect("publish", 0, "Nothing new");
  for (const char* host : {"first.example", "second.example"}) EXPECT_TRUE(opened_by(reloaded, host)) << host;
  put_keys(new_line);
  expect("publish", 0, "Nothing new");
  EXPECT_TRUE(opened_by(KeyRing::read(config_.map_key).value(), "first.example"));
}

TEST_F(KeysOfAMachine, AKeyThatIsNotThereCantBeRotated) {
  fs::remove(config_.map_key);
  expect_refused("keygen map --rotate", 66, config_.map_key, "");
  EXPECT_FALSE(fs::exists(config_.map_key));
  const std::string id = id_in(config_.registry_key);
  expect_refused("keygen registry --rotate --id " + id, 65, config_.registry_key, "it has a key of that number");
  EXPECT_EQ(id_in(config_.registry_key), id);
}

}  // namespace
}  // namespace aegir::cli
