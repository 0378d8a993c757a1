#include "sidecar/verbs/offer.hpp"

#include <algorithm>
#include <string>

#include "compiler/core/utf8.hpp"

namespace aegir::verbs {

Result<registry::Profile> chosen_profile(registry::Store& store, const registry::Platform& platform,
                                         const std::string& profile, const std::string& language) {
  Result<std::vector<registry::Profile>> profiles = store.profiles(platform.id);
  if (!profiles) return pass(profiles);
  const std::string name = "platform '" + platform.name + "'";
  if (profiles->empty()) {
    return fail(Code::kConflict, "the code of " + name + " was not read yet, so nobody knows what it offers",
                "run `aegir platform verify " + platform.name + "` first");
  }
  const auto found = std::ranges::find(*profiles, profile, &registry::Profile::name);
  if (found == profiles->end()) {
    std::string names;
    for (const registry::Profile& each : *profiles) {
      if (!each.hidden) names += (names.empty() ? "" : ", ") + each.name;
    }
    return fail(Code::kInvalid, name + " has no profile " + printable(profile), "it has: " + names);
  }
  if (language == "en" || std::ranges::find(found->languages, language) != found->languages.end())
    return *std::move(found);
  std::string languages;
  for (const std::string& each : found->languages) languages += (languages.empty() ? "" : ", ") + each;
  return fail(Code::kInvalid, name + " does not bring the language " + printable(language) + " for profile " + profile,
              "choose one of: " + languages + "; or put its translations into the platform, and verify that");
}

}  // namespace aegir::verbs
