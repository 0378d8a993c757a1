#include "compiler/machine/code.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

namespace aegir::machine {
namespace {

/// Whether the machine's accounts have a user of that uid in the group.
bool is_member(uid_t uid, gid_t group) {
  constexpr std::size_t kRoom = 64U << 10U;
  std::vector<char> room(kRoom);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, room.data(), room.size(), &found) != 0 || found == nullptr) return false;
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  while (::getgrouplist(entry.pw_name, entry.pw_gid, groups.data(), &count) < 0) {
    count = std::max(count, 2 * static_cast<int>(groups.size()));
    groups.resize(static_cast<std::size_t>(count));
  }
  return std::find(groups.begin(), groups.begin() + count, group) != groups.begin() + count;
}

/// The same with the answers remembered: many files have one owner.
std::function<bool(uid_t)> members_of(gid_t group) {
  return [group, known = std::make_shared<std::map<uid_t, bool>>()](uid_t uid) {
    const auto [place, is_new] = known->try_emplace(uid, false);
    if (is_new) place->second = is_member(uid, group);
    return place->second;
  };
}

bool climbs(std::string_view path) { return (std::string(path) + '/').contains("/../"); }

}  // namespace

bool is_slot(const Config& config, id_t id) { return id >= config.uid_first && id <= config.uid_last; }

Result<void> check_slot(const Config& config, uid_t uid) {
  if (is_slot(config, uid)) return {};
  return fail(Code::kInvalid, "uid " + std::to_string(uid) + " is none of a slot, which are " +
                                  std::to_string(config.uid_first) + " to " + std::to_string(config.uid_last));
}

Result<void> check_docroot(const Config& config, std::string_view docroot) {
  const auto holds = [&](const std::string& root) {
    return docroot.size() > root.size() + 1 && docroot.starts_with(root) && docroot[root.size()] == '/';
  };
  if (!climbs(docroot) && std::ranges::any_of(config.platform_roots, holds)) return {};
  std::string roots;
  for (const std::string& root : config.platform_roots) roots += (roots.empty() ? "" : ", ") + root;
  return fail_at(docroot, Code::kPermission, "lies in no folder of platforms (" + roots + ")",
                 "move the codebase into one, or name its folder in platform_roots in aegir.conf");
}

Result<Directory> open_config_folder(const Config& config, const std::string& path) {
  if (!path.starts_with(config.config_dir + '/') || climbs(path)) {
    return fail_at(path, Code::kPermission, "does not lie in " + config.config_dir);
  }
  return open_directory(path.substr(0, path.rfind('/')));
}

bool is_tenant(const Config& config, const Accounts& accounts, id_t id) {
  return is_slot(config, id) || id == accounts.web || id == accounts.web_group;
}

Rules code_rules(const Config& config, const Accounts& accounts) {
  const auto tenant = [&config, accounts](id_t id) { return is_tenant(config, accounts, id); };
  return {.owner = {accounts.aegir, accounts.aegir_group},
          // Whoever unpacked it or left it there. A tenant could still hold a file of his open for writing.
          .adopts = [tenant](uid_t uid) { return !tenant(uid); },
          .directories = 0755,
          .files = 0644,
          .closed_to_others = true,
          .barred = tenant,
          .secluded = [&config](gid_t gid) { return is_slot(config, gid); }};
}

Rules shared_code_rules(const Config& config, const Accounts& accounts) {
  Rules rules = code_rules(config, accounts);
  rules.adopts_closed = members_of(accounts.aegir_group);
  rules.directories = 02775;
  rules.files = 0664;
  return rules;
}

}  // namespace aegir::machine
