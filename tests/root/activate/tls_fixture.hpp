// An authority, certificates of its own making in config/ssl.d, and both servers asked over real TLS.
#pragma once

#include <filesystem>

#include "tests/root/activate/activation_fixture.hpp"

namespace aegir::publish {

namespace fs = std::filesystem;

class TlsTest : public ActivationTest {
 protected:
  TlsTest() {
    installation_.content().sites.at(0).aliases = {{".wild.test", ""}, {"old.test", "a.test"}, {"www.a.test", ""}};
    installation_.publish();
    shell(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=authority -keyout "
        "ca.key -out ca.crt -days 9");
  }

  /// In a directory for what the authority keeps.
  void shell(const std::string& command) const {
    const std::string folder = installation_.root() + "/authority";
    fs::create_directories(folder);
    const live::Finished done = live::run({"/bin/sh", "-ec", "cd " + folder + "; " + command});
    ASSERT_EQ(done.status, 0) << done.output;
  }
  [[nodiscard]] std::string folder(const std::string& name) const { return config_.config_dir + "/ssl.d/" + name; }
  /// Puts a new certificate for these names into ssl.d/<name>.
  void put_certificate(const std::string& name, const std::string& names, const std::string& options = "-days 9") {
    fs::create_directories(folder(name));
    shell("openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=x -keyout " + folder(name) +
          "/openssl.key -out x.csr -addext subjectAltName=" + names +
          "; openssl x509 -req -in x.csr -CA ca.crt -CAkey " + "ca.key " + options + " -copy_extensions copyall -out " +
          folder(name) + "/openssl.crt");
  }

  struct Server {
    const char* name;
    std::uint16_t https_port;
    live::Endpoint http;
  };
  [[nodiscard]] std::vector<Server> servers() const {
    return {{"apache", installation_.apache_https_port(), installation_.apache_endpoint()},
            {"nginx", installation_.nginx_https_port(), installation_.nginx_endpoint()}};
  }
  /// Head and body; curl's own words when the handshake failed.
  [[nodiscard]] std::string get(const Server& server, const std::string& host, const std::string& path,
                                const std::vector<std::string>& options = {}) const {
    const std::string at = host + ':' + std::to_string(server.https_port);
    std::vector<std::string> command = {"curl",
                                        "-sSi",
                                        "--noproxy",
                                        "*",
                                        "--cacert",
                                        installation_.root() + "/authority/ca.crt",
                                        "--resolve",
                                        at + ":127.0.0.1",
                                        "https://" + at + path};
    command.insert(command.end(), options.begin(), options.end());
    return live::run(command).output;
  }
  void each(const std::string& host, const std::string& path, const std::function<void(const std::string&)>& check,
            const std::vector<std::string>& options = {}) const {
    for (const Server& server : servers()) {
      SCOPED_TRACE(std::string(server.name) + ": https://" + host + path);
      check(get(server, host, path, options));
    }
  }
  /// Workers of before may still take a connection or two.
  void expect_soon(const std::string& host, const std::string& path, const std::string& expected,
                   const std::vector<std::string>& options = {}) const {
    for (const Server& server : servers()) {
      std::string last;
      EXPECT_TRUE(live::eventually([&] {
        last = get(server, host, path, options);
        return last.contains(expected);
      })) << server.name
          << ": https://" << host << path << ": " << last;
    }
  }
  /// Neither certificate nor key of what was refused is anywhere below the servers' folders.
  [[nodiscard]] std::vector<std::string> copies() const {
    std::vector<std::string> paths;
    const std::string top = server_config_dir(config_, "local") + "/ssl.d";
    if (!fs::exists(top)) return paths;
    for (const auto& entry : fs::recursive_directory_iterator(top)) {
      if (entry.is_regular_file()) paths.push_back(entry.path());
    }
    return paths;
  }
};

}  // namespace aegir::publish
