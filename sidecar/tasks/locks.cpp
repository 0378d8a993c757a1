#include "sidecar/tasks/locks.hpp"

#include <algorithm>

namespace aegir::tasks {
namespace {

constexpr const char* noun(registry::ObjectKind kind) {
  switch (kind) {
    case registry::ObjectKind::kRegistry:
      return "registry";
    case registry::ObjectKind::kServer:
      return "server";
    case registry::ObjectKind::kPlatform:
      return "platform";
    case registry::ObjectKind::kClient:
      return "client";
    case registry::ObjectKind::kSite:
      return "site";
    case registry::ObjectKind::kBlock:
      return "block";
  }
  return "";
}

}  // namespace

std::string object_name(registry::ObjectKind kind, const std::string& object) {
  return std::string(noun(kind)) + (object.empty() ? "" : " ") + object;
}

bool LockTable::are_free(const Locks& locks) const {
  return std::ranges::all_of(locks, [&](const auto& lock) {
    const auto held = held_.find(lock.first);
    if (held == held_.end()) return true;
    return held->second.alone == 0 && (lock.second == Hold::kShared || held->second.shared == 0);
  });
}

void LockTable::add(const Locks& locks) {
  for (const auto& [name, hold] : locks) {
    Held& held = held_[name];
    ++(hold == Hold::kAlone ? held.alone : held.shared);
  }
}

void LockTable::remove(const Locks& locks) {
  for (const auto& [name, hold] : locks) {
    const auto held = held_.find(name);
    --(hold == Hold::kAlone ? held->second.alone : held->second.shared);
    if (held->second.alone == 0 && held->second.shared == 0) held_.erase(held);
  }
}

}  // namespace aegir::tasks
