#include "compiler/cli/changes.hpp"

#include <ctime>
#include <limits>

#include "compiler/core/host_name.hpp"
#include "compiler/registry/words.hpp"

namespace aegir::cli {
namespace {

constexpr std::uint64_t kLast = std::numeric_limits<std::int64_t>::max();

std::string utc(std::int64_t time) {
  const std::time_t seconds = time;
  std::tm parts{};
  char text[32];
  if (::gmtime_r(&seconds, &parts) == nullptr || std::strftime(text, sizeof text, "%F %T UTC", &parts) == 0) return "?";
  return text;
}

/// The host of a request, without its port.
std::string host_of(const Answer& answer) { return answer.authority.substr(0, answer.authority.find(':')); }

/// The site of the registry that has `host`, by itself or by the longest wildcard that fits, and the name that it has.
Result<std::optional<std::pair<registry::Site, std::string>>> find_site(registry::Store& store,
                                                                        const std::string& host) {
  for (std::string name = host; !name.empty();) {
    Result<std::optional<registry::Site>> site = store.find_site(name);
    if (!site) return pass(site);
    if (site->has_value()) return std::pair(**std::move(site), name);
    const std::size_t dot = name.find('.', name.starts_with("*.") ? 2 : 0);
    name = dot == std::string::npos ? std::string() : '*' + name.substr(dot);
  }
  return std::nullopt;
}

std::string in_words(const registry::Site& site, const std::string& name) {
  const std::string of = (name == site.uri ? "" : name + " is an alias of ") + ("site " + site.uri);
  if (site.state == registry::SiteState::kInstalling) {
    return of + ", which is in state installing and so not in the map; import its \"state\" once it can be served";
  }
  return of + ", in state " + std::string(registry::word_of(registry::kSiteStateWords, site.state)) +
         ", which is not in the map; `aegirc diff` shows what is not published yet";
}

}  // namespace

Result<std::string> change_in_words(registry::Store& store, registry::ChangeKind kind, const std::string& key,
                                    std::uint64_t generation) {
  const auto last = store.last_change(kind, key, generation);
  if (!last) return std::unexpected(last.error());
  if (!*last) return std::string("older than the change log");
  const auto entry = store.audit_of((*last)->sequence);
  if (!entry) return std::unexpected(entry.error());
  std::string text = std::to_string((*last)->sequence);
  if (!*entry) return text + ", older than the audit";
  text += " of " + utc((*entry)->time) + " by " + (*entry)->actor;
  if (!(*entry)->why.empty()) text += ": " + (*entry)->why;
  return text + " (" + (*entry)->what + ')';
}

bool is_unserved(const Answer& answer) {
  map::SiteView site;
  return answer.refused.empty() && answer.decision.verdict == map::Verdict::kStatus && answer.decision.status == 404 &&
         is_canonical_host(host_of(answer)) && answer.state->find_host(host_of(answer), site) == map::Lookup::kUnknown;
}

Result<void> add_unserved(registry::Store& store, const Answer& answer, Json& facts) {
  const std::string host = host_of(answer);
  const auto found = find_site(store, host);
  if (!found) return std::unexpected(found.error());
  std::string name = host;
  if (*found) {
    name = (*found)->second;
    facts["registry"] = in_words((*found)->first, name);
  } else {
    const auto deleted = store.find_deleted(host);
    if (!deleted) return std::unexpected(deleted.error());
    if (!*deleted) return {};
    facts["registry"] = "site " + host + " was deleted";
  }
  Result<std::string> change = change_in_words(store, registry::ChangeKind::kHost, name, kLast);
  if (!change) return pass(change);
  facts["change"] = *std::move(change);
  return {};
}

}  // namespace aegir::cli
