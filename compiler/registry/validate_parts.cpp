// The rules that need no table of names in other scripts: aegird links these, and no more.
#include <algorithm>
#include <string>

#include "compiler/core/host_name.hpp"
#include "compiler/core/path.hpp"
#include "compiler/registry/rules.hpp"

namespace aegir::registry {
namespace {

void absolute_path(Rules& rules, const std::string& field, std::string_view path) {
  if (!rules.text(field, path, 1024)) return;
  if (path.empty() || path.front() != '/') {
    rules.refuse(field, printable(path) + " is not an absolute path", "write it from the root: /var/aegir/platforms/…");
  } else if (path.back() == '/') {
    rules.refuse(field, printable(path) + " ends with a slash", "write it without the last slash");
  } else if (!is_plain_path(path)) {
    rules.refuse(field, printable(path) + " has an empty, '.' or '..' part", "write the path without such parts");
  }
}

}  // namespace

bool is_object_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 32 && plain(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return plain(c) || c == '_' || c == '-'; });
}

bool is_php_version(std::string_view text) {
  return (text.size() == 3 || text.size() == 4) && text[0] >= '5' && text[0] <= '9' && text[1] == '.' &&
         only(text.substr(2), kDigits);
}

bool has_host_form(std::string_view host, bool wildcard) {
  if (wildcard && host.starts_with("*.")) host.remove_prefix(2);
  if (!is_canonical_host(host)) return false;
  std::size_t label = 0;
  for (const char c : host) {
    label = c == '.' ? 0 : label + 1;
    if (label > 63) return false;
  }
  return true;
}

Problems validate(const Client& client) {
  Rules rules;
  (void)rules.name("", client.name);
  (void)rules.text("title", client.title, 255);
  if (rules.text("email", client.email, 254) && !client.email.empty()) {
    const std::size_t at = client.email.find('@');
    if (at == 0 || at == std::string::npos || at + 1 == client.email.size() ||
        client.email.find_first_of(" ,;<>\"", 0) != std::string::npos) {
      rules.refuse("email", printable(client.email) + " is not an e-mail address",
                   "write name@example.org, or leave it empty");
    }
  }
  return rules.take();
}

Problems validate(const Block& block) {
  Rules rules;
  (void)rules.name("", block.name);
  (void)rules.name("server", block.server);
  if (!block.client.empty()) (void)rules.name("client", block.client);
  if (!is_php_version(block.php_version)) {
    rules.refuse("php_version", printable(block.php_version) + " is not a PHP version",
                 "write major and minor number: 8.2");
  }
  // Below 1000 are the system's own users (Debian policy 9.2.2).
  rules.range("first_uid", block.first_uid, 1000, 2000000000, "");
  rules.range("slots", block.slots, 1, 4096, "");
  rules.range("max_children", block.max_children, 1, 1000, "");
  if (block.isolation == Isolation::kShared && block.slots != 1) {
    rules.refuse("slots", "a shared block has one slot, in which all its sites run", "write \"slots\": 1");
  }
  if (block.first_uid <= 65535 && block.first_uid + block.slots > 65534) {
    rules.refuse("first_uid", "the uids of this block reach 65534, which is nobody's", "begin above 65535");
  }
  return rules.take();
}

Problems validate(const Platform& platform) {
  Rules rules;
  (void)rules.name("", platform.name);
  (void)rules.name("server", platform.server);
  if (!platform.block.empty()) (void)rules.name("block", platform.block);
  absolute_path(rules, "docroot", platform.docroot);
  if (!platform.drush.empty()) absolute_path(rules, "drush", platform.drush);
  rules.range("body_limit", platform.body_limit, 1, 65536, "MiB");
  if (platform.services == 0 || (platform.services & ~(kApache | kNginx)) != 0) {
    rules.refuse("services", "names no web service", "name apache, nginx or both");
  }
  return rules.take();
}

}  // namespace aegir::registry
