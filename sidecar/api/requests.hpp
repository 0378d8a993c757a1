// What somebody can want, as JSON: the verbs, the members of each one's request, their types, and which must be there.
// The one list of them: wishes are held against it before they come into the queue, openapi.json says the same (a test
// compares), and a verb reads its task's request by these names.
#pragma once

#include <cstdint>
#include <expected>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/error.hpp"
#include "compiler/core/secret_box.hpp"
#include "compiler/registry/tasks.hpp"

namespace aegir::api {

/// What somebody wants done.
struct Wish {
  registry::ObjectKind kind = registry::ObjectKind::kSite;
  std::string object;  ///< its name; a site's as a person types it (umlauts, capitals)
  std::string verb;
  nlohmann::json request = nlohmann::json::object();  ///< as read_wish() takes it, secrets in plain
  std::int32_t priority = 0;
  std::uint64_t after = 0;
  bool dry_run = false;  ///< only look whether it could be queued
  std::string key = {};  ///< Idempotency-Key, one set of keys for each account; not part of the JSON
};

/// Types of a request's members.
enum class Type : std::uint8_t {
  kText,    ///< not empty, no control characters
  kNumber,  ///< a whole number from 0 to `most`
  kWord,    ///< one of `words`
  kWords,   ///< a list of some of `words`
  kObject,  ///< an object with `members`
  kMap,     ///< an object whose keys are names and whose values are objects with `members`
};

struct Member {
  std::string_view name;
  Type type = Type::kText;
  bool required = false;
  std::uint64_t most = 0;
  std::vector<std::string_view> words = {};
  std::vector<Member> members = {};
  bool secret = false;  ///< a text that stands in the queue sealed: see sealed()
};

/// A verb as it can be asked for.
struct VerbForm {
  registry::ObjectKind kind = registry::ObjectKind::kSite;
  std::string_view verb;
  bool makes = false;  ///< its object is not there yet
  std::vector<Member> members = {};
};

[[nodiscard]] std::span<const VerbForm> verb_forms();
/// Null when there is none.
[[nodiscard]] const VerbForm* find_form(registry::ObjectKind kind, std::string_view verb);

/// Reads {"kind", "object", "verb", "request", "priority", "after", "dry_run"}. Otherwise everything that is wrong with
/// it, each with its line and column.
[[nodiscard]] std::expected<Wish, std::vector<Error>> read_wish(std::string_view text);

/// A request as it may stand in the queue: each secret is {"sealed": …, "key": n}, as in a registry's document, bound
/// to `uri`. kUsage when there is a secret and `key` is empty.
[[nodiscard]] Result<nlohmann::json> sealed(const VerbForm& form, nlohmann::json request, const KeyRing& key,
                                            const std::string& uri);

/// The secret at `value`, which sealed() made for that uri. kCorrupt when it does not open.
[[nodiscard]] Result<std::string> open_secret(const nlohmann::json& value, const KeyRing& key, const std::string& uri);

/// A request of the queue for people: instead of a sealed secret it says "***".
[[nodiscard]] nlohmann::json masked(nlohmann::json request);

}  // namespace aegir::api
