#include "compiler/emit/redirects.hpp"

#include <algorithm>
#include <regex>

#include "compiler/emit/htaccess_lines.hpp"

namespace aegir::emit {
namespace {

/// As mod_alias compares a URL with the path of a Redirect: whole segments of it.
bool begins_with(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) &&
         (path.size() == prefix.size() || prefix.ends_with('/') || path[prefix.size()] == '/');
}

bool has_pattern(const std::string& path, const std::string& pattern) {
  try {
    return std::regex_search(path, std::regex(pattern));
  } catch (const std::regex_error&) {
    return false;
  }
}

/// Whether a word of Redirect or RedirectMatch is the status, which may be left out.
bool is_status(const std::string& word) {
  const std::string name = lower(word);
  return name == "permanent" || name == "temp" || name == "seeother" || name == "gone" ||
         (name.size() == 3 && name.find_first_not_of("0123456789") == std::string::npos);
}

}  // namespace

std::vector<HtaccessRedirect> redirects_of(std::string_view text, std::string_view path) {
  std::vector<HtaccessRedirect> found;
  for (const HtaccessLine& line : htaccess_lines(text)) {
    const std::string& name = line.words.front();
    const bool is_match = name == "redirectmatch";
    if (!is_match && name != "redirect" && name != "redirecttemp" && name != "redirectpermanent") continue;
    const std::size_t at =
        (is_match || name == "redirect") && line.words.size() > 1 && is_status(line.words[1]) ? 2 : 1;
    if (at >= line.words.size()) continue;
    const std::string& which = line.words[at];
    if (is_match ? has_pattern(std::string(path), which) : begins_with(path, which)) {
      found.push_back({line.number, line.text});
    }
  }
  return found;
}

}  // namespace aegir::emit
