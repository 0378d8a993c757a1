// What people are told for the enumerations and bits of the site map, the same everywhere: the registry's own words.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "compiler/map/format.hpp"

namespace aegir::map {

[[nodiscard]] inline std::string_view word(SiteState state) noexcept {
  constexpr std::array<std::string_view, 4> kWords = {"?", "enabled", "disabled", "maintenance"};
  return kWords[static_cast<std::uint8_t>(state) & 3U];
}

[[nodiscard]] inline std::string_view word(Https https) noexcept {
  constexpr std::array<std::string_view, 4> kWords = {"none", "allowed", "required", "?"};
  return kWords[static_cast<std::uint8_t>(https) & 3U];
}

[[nodiscard]] inline std::string_view word(Cms cms) noexcept {
  constexpr std::array<std::string_view, 4> kWords = {"other", "drupal7", "drupal8", "backdrop"};
  return kWords[static_cast<std::uint8_t>(cms) & 3U];
}

/// The web services of a bit set: "apache,nginx".
[[nodiscard]] inline std::string_view service_words(std::uint8_t services) noexcept {
  constexpr std::array<std::string_view, 4> kWords = {"none", "apache", "nginx", "apache,nginx"};
  return kWords[services & 3U];
}

/// A key of the map as people write it: a wildcard with its star.
[[nodiscard]] inline std::string name_of(std::string_view key) {
  return (key.starts_with('.') ? "*" : "") + std::string(key);
}

}  // namespace aegir::map
