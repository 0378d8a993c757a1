// A property: whatever fleet there is and however it changes, base and delta answer as a plain std::map does, and
// merging them gives the bytes of a full compile.
#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <set>
#include <sstream>

#include "compiler/map/dump.hpp"
#include "compiler/map/merge.hpp"
#include "compiler/map/verify.hpp"
#include "tests/unit/map/map_fixture.hpp"

namespace aegir::map {
namespace {

/// Few labels, so that names meet: exact names beside wildcards above, below and between them.
std::string random_name() {
  const int labels = *rc::gen::inRange(1, 5);
  std::string name;
  for (int i = 0; i < labels; ++i) {
    if (i > 0) name += '.';
    name += *rc::gen::element('a', 'b', 'c');
  }
  return name;
}

using Fleet = std::map<std::string, SiteRecord>;

std::set<std::string> names_of(const Fleet& fleet) {
  std::set<std::string> names;
  for (const auto& [host, site] : fleet) {
    names.insert(host);
    for (const AliasRecord& alias : site.aliases) names.insert(alias.key);
  }
  return names;
}

/// Takes a name from whoever has it.
void free_name(Fleet& fleet, const std::string& name) {
  fleet.erase(name);
  for (auto& [host, site] : fleet)
    std::erase_if(site.aliases, [&](const AliasRecord& alias) { return alias.key == name; });
}

/// One change as a registry makes it: a site comes, goes, or gets other names.
void change(Fleet& fleet) {
  const std::string host = random_name();
  free_name(fleet, host);
  if (*rc::gen::inRange(0, 3) == 0) return;
  SiteRecord site = a_site(host);
  site.memory_limit = *rc::gen::inRange(1U, 1000U);
  std::map<std::string, std::string> aliases;
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
    const std::string key = (*rc::gen::arbitrary<bool>() ? "." : "") + random_name();
    if (key != host) aliases[key] = *rc::gen::element<std::string>("", "t.example", "https://o.example");
  }
  for (const auto& [key, target] : aliases) {
    free_name(fleet, key);
    site.aliases.push_back({key, target});
  }
  fleet[host] = site;
}

/// What a request for `host` finds, said plainly.
std::string expected(const Fleet& fleet, const std::string& host) {
  std::map<std::string, std::string> answers;
  for (const auto& [name, site] : fleet) {
    const std::string suffix = "/" + std::to_string(site.memory_limit);
    answers[name] = name + suffix;
    for (const AliasRecord& alias : site.aliases) answers[alias.key] = name + " -> " + alias.target + suffix;
  }
  if (answers.contains(host)) return answers[host];
  for (std::size_t dot = host.find('.'); dot != std::string::npos; dot = host.find('.', dot + 1)) {
    if (answers.contains(host.substr(dot))) return answers[host.substr(dot)];
  }
  return "unknown";
}

std::string answered(const Snapshot& snapshot, const Fleet& fleet, const std::string& host) {
  SiteView site;
  const Lookup lookup = snapshot.find_host(host, site);
  if (lookup == Lookup::kUnknown) return "unknown";
  if (lookup == Lookup::kFault) return "fault";
  std::string text(site.host);
  if (!fleet.contains(host)) text += " -> " + std::string(site.target);
  return text + "/" + std::to_string(site.memory_limit);
}

Content content_of(const Fleet& fleet) {
  Content content;
  for (const auto& [host, site] : fleet) content.sites.push_back(site);
  return content;
}

/// What a publisher writes for the way from one state to the other.
Content difference(const Fleet& before, const Fleet& after) {
  Content content{.platforms = {}};
  for (const auto& [host, site] : after) {
    const auto old = before.find(host);
    if (old == before.end() || old->second != site) content.sites.push_back(site);
  }
  const std::set<std::string> names = names_of(after);
  for (const std::string& name : names_of(before)) {
    if (!names.contains(name)) content.tombstones.push_back(name);
  }
  return content;
}

std::string dumped(const Snapshot& snapshot) {
  std::ostringstream out;
  RC_ASSERT(dump_snapshot(snapshot, out).has_value());
  return out.str();
}

RC_GTEST_FIXTURE_PROP(MapDirectory, AnswersAsAMapDoes, ()) {
  Fleet before;
  for (int i = *rc::gen::inRange(0, 30); i > 0; --i) change(before);
  Fleet after = before;
  for (int i = *rc::gen::inRange(0, 30); i > 0; --i) change(after);
  std::set<std::string> hosts;
  for (int i = 0; i < 50; ++i) hosts.insert(random_name());
  for (const auto& names : {names_of(before), names_of(after)}) {
    for (const std::string& name : names) hosts.insert(name.starts_with('.') ? "x" + name : name);
  }

  const Written below = base(content_of(before));
  const Written above = delta(below, difference(before, after));
  const auto old = snapshot(below);
  const auto now = snapshot(below, above);
  const auto merged = merge(target(), *now);
  RC_ASSERT(merged.has_value());
  const std::string merged_bytes = read_file(path(merged->name)).value();
  const auto compacted = snapshot(*merged);
  for (const std::string& host : hosts) {
    RC_ASSERT(answered(*old, before, host) == expected(before, host));
    RC_ASSERT(answered(*now, after, host) == expected(after, host));
    RC_ASSERT(answered(*compacted, after, host) == expected(after, host));
  }
  info_.generation = 101;
  const Written full = base(content_of(after));
  RC_ASSERT(full.name == merged->name);
  RC_ASSERT(read_file(path(full.name)).value() == merged_bytes);
  RC_ASSERT(dumped(*now) == dumped(*compacted));
  for (const Written* written : {&below, &above, &full}) RC_ASSERT(verify_file(path(written->name)).has_value());
  publish(current_of(below, &above));
  RC_ASSERT(verify_published(directory_).has_value());
}

}  // namespace
}  // namespace aegir::map
