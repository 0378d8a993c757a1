#include "sidecar/api/actor.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

namespace aegir::api {
namespace {

/// What the _r functions of the name service write into; they say ERANGE when it is too small.
constexpr std::size_t kMost = std::size_t{1} << 20U;

std::optional<gid_t> gid_of(const std::string& name) {
  for (std::vector<char> memory(4096); memory.size() <= kMost; memory.resize(memory.size() * 2)) {
    group entry{};
    group* found = nullptr;
    const int problem = ::getgrnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found);
    if (problem != ERANGE) return found == nullptr ? std::nullopt : std::optional(entry.gr_gid);
  }
  return std::nullopt;
}

struct Account {
  std::string name;
  gid_t gid = 0;
};

std::optional<Account> account_of(uid_t uid) {
  for (std::vector<char> memory(4096); memory.size() <= kMost; memory.resize(memory.size() * 2)) {
    passwd entry{};
    passwd* found = nullptr;
    const int problem = ::getpwuid_r(uid, &entry, memory.data(), memory.size(), &found);
    if (problem != ERANGE) return found == nullptr ? std::nullopt : std::optional(Account{entry.pw_name, entry.pw_gid});
  }
  return std::nullopt;
}

bool has_group(const Account& account, gid_t wanted) {
  std::vector<gid_t> groups(64);
  int count = static_cast<int>(groups.size());
  while (::getgrouplist(account.name.c_str(), account.gid, groups.data(), &count) < 0) {
    groups.resize(std::max(groups.size() * 2, static_cast<std::size_t>(count)));
    count = static_cast<int>(groups.size());
  }
  groups.resize(static_cast<std::size_t>(count));
  return std::ranges::find(groups, wanted) != groups.end();
}

}  // namespace

Administrators administrators_of(const Config& config, uid_t aegir) {
  return {.aegir = aegir, .site_first = config.uid_first, .site_last = config.uid_last};
}

Actor judge(uid_t uid, gid_t gid, const Administrators& administrators) {
  Actor actor{uid, "uid " + std::to_string(uid), Right::kNothing, administrators.group};
  // First and without the name service: what tenants can start must cost nothing.
  if (uid >= administrators.site_first && uid <= administrators.site_last) return actor;
  const std::optional<Account> account = account_of(uid);
  if (account) actor.name = account->name;
  actor.right = Right::kHealth;
  if (uid == 0 || uid == administrators.aegir) {
    actor.right = Right::kAll;
  } else if (const std::optional<gid_t> wanted = gid_of(administrators.group); wanted) {
    if (gid == *wanted || (account && has_group(*account, *wanted))) actor.right = Right::kAll;
  }
  return actor;
}

Result<Actor> peer_of(int socket, const Administrators& administrators) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return fail_errno("who has connected can't be told", "API socket", errno);
  }
  return judge(peer.uid, peer.gid, administrators);
}

}  // namespace aegir::api
