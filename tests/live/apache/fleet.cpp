#include "tests/live/apache/fleet.hpp"

#include <sstream>
#include <stdexcept>

namespace aegir::live {

Fleet::Fleet() : recorder_(root_.path("php.sock")) {
  const auto in = [this](const std::string& name) { return platform() + "/" + name; };
  put(in("index.php"), "<?php the source");
  put(in("style.css"), "a style");
  for (const char* site : {"a.test", "b.test"}) {
    put(in("sites/") + site + "/files/f.txt", std::string("file of ") + site);
    put(in("sites/") + site + "/private/secret.txt", std::string("private of ") + site);
  }
  content.platforms = {{1, map::kServiceApache, map::Cms::kDrupal7, "p1", platform()}};
  for (const char* name : {"a", "b"}) {
    map::SiteRecord site;
    site.key = site.host = site.directory = std::string(name) + ".test";
    site.platform_id = 1;
    site.socket = root_.path("php.sock");
    map.seal(site, {"mysql", "db", "user", std::string("secret-of-") + name, "localhost", "3306"});
    content.sites.push_back(site);
  }
  content.sites[0].aliases = {{"www.a.test", "a.test"}};
  map.publish(content);
}

std::string Fleet::config(const Lines& lines) const {
  const std::string main = "Listen 127.0.0.1:" + port.text() + "\nAegirMap " + map.directory() + "\nAegirKey " +
                           map.key_file() + "\n" + lines.main + "\n<VirtualHost *:" + port.text() +
                           ">\nServerName catch-all.invalid\nAegirEngine On\nUseCanonicalName Off\n" + lines.host +
                           "\n</VirtualHost>\n<VirtualHost *:" + port.text() +
                           ">\nServerName status.localhost\n<Location /aegir-status>\nSetHandler aegir-status\n"
                           "</Location>\n</VirtualHost>\n<Directory " +
                           platform() +
                           ">\nOptions FollowSymLinks\nRequire all granted\nDirectoryIndex index.php\n"
                           "<FilesMatch \\.php$>\nSetHandler aegir-php\n</FilesMatch>\n" +
                           lines.platform + "\n</Directory>\n<Directory " + platform() + "/sites/*/files>\n" +
                           lines.files + "\n</Directory>\n";
  return apache.frame({.main = main, .modules = lines.modules, .log_level = lines.log_level});
}

void Fleet::start(const Lines& lines) { apache.start(config(lines), {port.endpoint()}); }

Response Fleet::get(const std::string& host, const std::string& target, const std::vector<std::string>& headers) const {
  return ask(port.endpoint(), live::get(host, target, headers));
}

Response Fleet::status() const { return get("status.localhost", "/aegir-status"); }

std::uint64_t Fleet::figure(const std::string& name) const {
  const Response answer = status();
  const std::size_t at = answer.body.find("\n" + name + " ");
  if (at == std::string::npos) throw std::runtime_error("no " + name + " in the status:\n" + answer.raw + answer.body);
  return std::stoull(answer.body.substr(at + name.size() + 2));
}

int lines_with(const std::string& text, const std::string& start) {
  int count = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) count += line.starts_with(start) ? 1 : 0;
  return count;
}

}  // namespace aegir::live
