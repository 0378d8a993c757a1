// The words that stand for the model's enumerations in JSON.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "compiler/registry/model.hpp"

namespace aegir::registry {

template <class Enum>
using Word = std::pair<std::string_view, Enum>;

inline constexpr std::array kServiceWords = {Word<Service>{"apache", kApache}, Word<Service>{"nginx", kNginx}};
inline constexpr std::array kPlatformStateWords = {Word<PlatformState>{"enabled", PlatformState::kEnabled},
                                                   Word<PlatformState>{"locked", PlatformState::kLocked},
                                                   Word<PlatformState>{"deleted", PlatformState::kDeleted}};
inline constexpr std::array kCmsWords = {Word<Cms>{"other", Cms::kOther}, Word<Cms>{"drupal7", Cms::kDrupal7},
                                         Word<Cms>{"drupal8", Cms::kDrupal8}, Word<Cms>{"backdrop", Cms::kBackdrop}};
inline constexpr std::array kIsolationWords = {Word<Isolation>{"site", Isolation::kSite},
                                               Word<Isolation>{"shared", Isolation::kShared}};
inline constexpr std::array kSlotStateWords = {Word<SlotState>{"given", SlotState::kGiven},
                                               Word<SlotState>{"retired", SlotState::kRetired}};
inline constexpr std::array kSiteStateWords = {
    Word<SiteState>{"installing", SiteState::kInstalling}, Word<SiteState>{"enabled", SiteState::kEnabled},
    Word<SiteState>{"disabled", SiteState::kDisabled}, Word<SiteState>{"maintenance", SiteState::kMaintenance},
    Word<SiteState>{"deleted", SiteState::kDeleted}};
inline constexpr std::array kHttpsWords = {Word<Https>{"none", Https::kNone}, Word<Https>{"allowed", Https::kAllowed},
                                           Word<Https>{"required", Https::kRequired}};
inline constexpr std::array kPackageKindWords = {
    Word<PackageKind>{"module", PackageKind::kModule}, Word<PackageKind>{"theme", PackageKind::kTheme},
    Word<PackageKind>{"profile", PackageKind::kProfile}, Word<PackageKind>{"library", PackageKind::kLibrary}};
inline constexpr std::array kPackagePlaceWords = {
    Word<PackagePlace>{"core", PackagePlace::kCore}, Word<PackagePlace>{"platform", PackagePlace::kPlatform},
    Word<PackagePlace>{"profile", PackagePlace::kProfile}, Word<PackagePlace>{"site", PackagePlace::kSite}};

/// The word for `value`, which must be in `words`.
template <class Words, class Enum>
[[nodiscard]] constexpr std::string_view word_of(const Words& words, Enum value) {
  for (const auto& [word, meaning] : words) {
    if (meaning == value) return word;
  }
  return {};
}

}  // namespace aegir::registry
