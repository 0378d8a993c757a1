// The module as a file, its directives, and its example.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <stdexcept>

#include "tests/live/apache/fleet.hpp"

namespace aegir::live {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ApacheModule, ExportsItsRecordAlone) {
  const Finished symbols = run({"nm", "-D", "--defined-only", "--format=posix", AEGIR_APACHE_MODULE});
  ASSERT_EQ(symbols.status, 0) << symbols.output;
  EXPECT_EQ(lines_with(symbols.output, ""), 1) << symbols.output;
  EXPECT_THAT(symbols.output, HasSubstr("aegir_module D "));
}

TEST(ApacheModule, NeedsLibcAndLibsodiumAlone) {
  const Finished dynamic = run({"readelf", "-d", "-W", AEGIR_APACHE_MODULE});
  ASSERT_EQ(dynamic.status, 0) << dynamic.output;
  std::string rest = dynamic.output;
  int needed = 0;
  for (std::size_t at = 0; (at = rest.find("(NEEDED)", at)) != std::string::npos; ++at) {
    const std::string line = rest.substr(at, rest.find('\n', at) - at);
    ++needed;
    bool known = false;
    for (const char* library : {"libsodium.so.", "libc.so.6", "ld-linux-x86-64.so.2"}) known |= line.contains(library);
#ifdef __SANITIZE_ADDRESS__
    for (const char* library : {"libasan.so.", "libubsan.so.", "libm.so.6"}) known |= line.contains(library);
#endif
    EXPECT_TRUE(known) << line;
  }
  EXPECT_GE(needed, 2);
}

TEST(ApacheModule, OfAnotherAbiIsRefused) {
  std::string file = slurp(AEGIR_APACHE_MODULE);
  const std::array<int, 2> magic = {20120211, 142};  // the record's first two numbers
  const std::size_t at = file.find(std::string(reinterpret_cast<const char*>(magic.data()), sizeof magic));
  ASSERT_NE(at, std::string::npos) << "built against another httpd than this test knows";
  const int other = magic[0] + 1;
  std::memcpy(file.data() + at, &other, sizeof other);
  const TempDir directory;
  put(directory.path("mod_aegir.so"), file);
  const ApacheServer apache;
  const Finished test = apache.test("LoadModule aegir_module " + directory.path("mod_aegir.so") + "\n");
  EXPECT_EQ(test.status, 1);
  EXPECT_THAT(test.output, HasSubstr("is not compatible with this version of Apache (found 20120212, need 20120211)"));
}

TEST(ApacheDirectives, RefuseWhatMakesNoSense) {
  const Fleet fleet;
  const struct {
    const char* line;
    std::string problem;
  } kWrong[] = {
      {"AegirMap run/map", "AegirMap: 'run/map' is not an absolute path"},
      {"AegirKey map.key", "AegirKey: 'map.key' is not an absolute path"},
      {"<VirtualHost *:1>\nAegirMap /x\n</VirtualHost>", "AegirMap cannot occur within <VirtualHost> section"},
      {"<VirtualHost *:1>\nAegirKey /x\n</VirtualHost>", "AegirKey cannot occur within <VirtualHost> section"},
      {"<Directory />\nAegirEngine On\n</Directory>", "AegirEngine not allowed"},
      {"AegirEngine maybe", "AegirEngine must be On or Off"},
      {"AegirMap /x", "AegirMap is said twice: " + fleet.apache.path("test.conf:")},
      {"AegirKey /x", "AegirKey is said twice: "},
      {"<VirtualHost *:1>\nAegirAcmeRoot /x\nAegirAcmeRoot /y\n</VirtualHost>", "AegirAcmeRoot is said twice: "},
      {"AegirEngine On", "AegirEngine belongs into the <VirtualHost> that serves the sites"},
      {"AegirHttpsPort 0", "AegirHttpsPort: '0' is not a port (1 to 65535)"},
      {"AegirHttpsPort 65536", "AegirHttpsPort: '65536' is not a port"},
      {"AegirHttpsPort 443x", "AegirHttpsPort: '443x' is not a port"},
      {"AegirAcmeRoot acme", "AegirAcmeRoot: 'acme' is not an absolute path"},
      {"AegirProbePeer 192.0.2.0/24 somewhere", "AegirProbePeer: 'somewhere' is not an address or a network"},
      {"AegirProbePeer 192.0.2.0/33", "AegirProbePeer: '192.0.2.0/33' is not an address or a network"},
      {"AegirTrustedProxy 192.0.2.0/x", "AegirTrustedProxy: '192.0.2.0/x' is not an address or a network"},
  };
  for (const auto& [line, problem] : kWrong) {
    const Finished test = fleet.apache.test(fleet.config({.main = line}));
    EXPECT_EQ(test.status, 1) << line;
    EXPECT_THAT(test.output, HasSubstr(problem)) << line;
  }
  const Finished good = fleet.apache.test(fleet.config(
      {.main = "AegirHttpsPort 8443\nAegirProbePeer 192.0.2.0/24 ::1\nAegirTrustedProxy 2001:db8::/32\n"}));
  EXPECT_EQ(good.status, 0) << good.output;
  EXPECT_THAT(good.output, Not(HasSubstr("bits below")));
  const Finished bits = fleet.apache.test(
      fleet.config({.main = "AegirProbePeer 10.0.0.1/8 10.0.0.0/8\nAegirTrustedProxy 2001:db8::1/32 ::1/128\n"}));
  EXPECT_EQ(bits.status, 0) << bits.output;
  EXPECT_THAT(bits.output, HasSubstr("AegirProbePeer at " + fleet.apache.path("test.conf:")));
  for (const char* network : {"10.0.0.1/8", "2001:db8::1/32"}) {
    EXPECT_THAT(bits.output, HasSubstr(std::string("'") + network + "' has bits below its mask")) << network;
  }
  EXPECT_THAT(bits.output, Not(HasSubstr("'10.0.0.0/8'")));
  EXPECT_THAT(bits.output, Not(HasSubstr("'::1/128'")));
}

/// What a server says that is started with `config` and must not start.
std::string refusal(ApacheServer& apache, const std::string& config, const Port& port) {
  try {
    apache.start(config, {port.endpoint()});
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "it started";
}

/// `text` without the line that begins with `start`.
std::string without(std::string text, const std::string& start) {
  const std::size_t at = text.find("\n" + start);
  return at == std::string::npos ? text : text.erase(at, text.find('\n', at + 1) - at);
}

TEST(ApacheStart, NeedsAMapAndAKey) {
  Fleet fleet;
  const std::string config = fleet.config({});
  const std::string no_map = refusal(fleet.apache, without(config, "AegirMap"), fleet.port);
  EXPECT_THAT(no_map, HasSubstr("AegirEngine is On at " + fleet.apache.path("httpd.conf")));
  EXPECT_THAT(no_map, HasSubstr("there is no AegirMap: name the directory that `aegirc publish` writes"));
  EXPECT_THAT(refusal(fleet.apache, without(config, "AegirKey"), fleet.port),
              HasSubstr("there is no AegirKey: name the file that `aegirc keygen` made"));
  const std::string with_other_key = without(config, "AegirKey") + "AegirKey ";
  EXPECT_THAT(
      refusal(fleet.apache, with_other_key + fleet.path("no.key\n"), fleet.port),
      HasSubstr(": " + fleet.path("no.key") +
                ": the key file can't be opened: No such file or directory; next: put it back from its backup; only"));
  put(fleet.path("open.key"), slurp(fleet.map.key_file()));
  EXPECT_THAT(refusal(fleet.apache, with_other_key + fleet.path("open.key\n"), fleet.port),
              HasSubstr("the key file is open to group or others; next: chmod 0400 it"));
}

TEST(ApacheConfigTest, RefusesWhatAReloadWouldDieOf) {
  Fleet fleet;
  const std::string config = fleet.config({});
  const std::string other_key = without(config, "AegirKey") + "AegirKey ";
  put(fleet.path("open.key"), slurp(fleet.map.key_file()));
  put(fleet.path("garbage.key"), "garbage\n");
  ASSERT_EQ(chmod(fleet.path("garbage.key").c_str(), 0400), 0);
  const std::string place = "AegirKey at " + fleet.apache.path("test.conf:");
  const struct {
    std::string config;
    std::string problem;
    std::string place;
  } kWrong[] = {
      {without(config, "AegirMap"), "but there is no AegirMap", fleet.apache.path("test.conf:")},
      {without(config, "AegirKey"), "but there is no AegirKey", fleet.apache.path("test.conf:")},
      {other_key + fleet.path("no.key\n"), "can't be opened: No such file", place},
      {other_key + fleet.path("open.key\n"), "the key file is open to group or others", place},
      {other_key + fleet.path("garbage.key\n"), "expected the word 'aegir-key'", place},
      {other_key + fleet.platform() + "\n", "not a key file", place},
  };
  fleet.start({});
  // What `apachectl graceful` does: a signal only after a test that was good.
  for (const auto& [text, problem, where] : kWrong) {
    const Finished test = fleet.apache.test(text);
    EXPECT_EQ(test.status, 1) << problem << ": " << test.output;
    EXPECT_THAT(test.output, HasSubstr(problem));
    EXPECT_THAT(test.output, HasSubstr(where));
    if (test.status != 0) continue;
    fleet.apache.configure(text);
    fleet.apache.reload();
  }
  EXPECT_EQ(lines_with(fleet.get("a.test", "/index.php").body, "db_passwd=secret-of-a"), 1);
  const Finished good = fleet.apache.test(config);
  EXPECT_EQ(good.status, 0) << good.output;
  fleet.apache.reload();
  EXPECT_EQ(lines_with(fleet.get("a.test", "/index.php").body, "db_passwd=secret-of-a"), 1);
}

TEST(ApacheConfigTest, OfAnotherUserSaysThatRootReadsTheKey) {
  Fleet fleet;
  // A module that this user can read: a build may lie where he can't enter.
  const std::string module = fleet.apache.path("mod_aegir.so");
  const std::string file = fleet.apache.path("test.conf");
  put(module, slurp(AEGIR_APACHE_MODULE));
  std::string config = fleet.config({});
  config.replace(config.find(AEGIR_APACHE_MODULE), std::string_view(AEGIR_APACHE_MODULE).size(), module);
  put(file, config);
  for (const std::string& path : {module, file}) ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  const Finished test =
      run({"setpriv", "--reuid", kWebUser, "--regid", kWebUser, "--clear-groups", "apache2", "-t", "-f", file},
          Server::environment());
  EXPECT_EQ(test.status, 1) << test.output;
  EXPECT_THAT(test.output, HasSubstr("the key file can't be opened: Permission denied"));
  EXPECT_THAT(test.output, HasSubstr("next: run it as root, who starts the server"));
}

TEST(ApacheStart, WithoutTheEngineAsksForNothing) {
  const Port port;
  ApacheServer apache;
  put(apache.path("www/x.txt"), "x");
  apache.start(apache.frame({.main = "Listen 127.0.0.1:" + port.text() + "\nDocumentRoot " + apache.path("www")}),
               {port.endpoint()});
  EXPECT_EQ(ask(port.endpoint(), get("a.test", "/x.txt")).body, "x");
}

TEST(ApacheExample, Serves) {
  Fleet fleet;
  put(fleet.path("acme/.well-known/acme-challenge/token"), "the answer");
  std::string text = "Listen 127.0.0.1:" + fleet.port.text() + "\n";
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"aegir_map", fleet.map.directory()},
                                                        {"aegir_key", fleet.map.key_file()},
                                                        {"aegir_root", fleet.path("")},
                                                        {"aegir_platform", fleet.platform()},
                                                        {"aegir_port", fleet.port.text()},
                                                        {"aegir_log", fleet.apache.path("aegir.log")},
                                                        {"aegir_module", AEGIR_APACHE_MODULE}}) {
    text += "Define " + name + " " + value + "\n";
  }
  text += "Include " AEGIR_SOURCE_DIR "/mod_aegir_apache/example/aegir.conf\n";
  const std::string config = fleet.apache.frame({.main = text, .module = false, .modules = {"authz_host"}});
  const Finished test = fleet.apache.test(config);
  EXPECT_EQ(test.status, 0) << test.output;
  EXPECT_THAT(test.output, HasSubstr("Syntax OK"));

  fleet.apache.start(config, {fleet.port.endpoint()});
  const Response php = fleet.get("a.test", "/node/1");
  EXPECT_EQ(php.status, 200);
  EXPECT_EQ(lines_with(php.body, "db_passwd=secret-of-a"), 1) << php.body;
  EXPECT_EQ(fleet.get("a.test", "/files/f.txt").body, "file of a.test");
  EXPECT_EQ(fleet.get("a.test", "/.well-known/acme-challenge/token").body, "the answer");
  EXPECT_EQ(fleet.get("unknown.test", "/").status, 404);
  const Response status = fleet.get("127.0.0.1", "/aegir-status");
  EXPECT_EQ(status.status, 200);
  EXPECT_EQ(fleet.get("127.0.0.1", "/").status, 404);
  EXPECT_EQ(lines_with(status.body, "aegir_map_generation 1"), 1) << status.body;
  fleet.apache.stop();
  EXPECT_THAT(slurp(fleet.apache.path("aegir.log")), HasSubstr("\"GET /node/1 HTTP/1.1\" 200"));
  EXPECT_THAT(slurp(fleet.apache.path("aegir.log")), HasSubstr("\"-\" \"-\" a.test\n"));
}

}  // namespace
}  // namespace aegir::live
