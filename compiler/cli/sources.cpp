#include "compiler/cli/sources.hpp"

#include <optional>
#include <regex>
#include <vector>

#include "compiler/core/atomic_file.hpp"
#include "compiler/emit/emit.hpp"
#include "compiler/emit/htaccess.hpp"
#include "compiler/emit/redirects.hpp"
#include "compiler/machine/machine.hpp"
#include "compiler/publish/people_in_force.hpp"

namespace aegir::cli {
namespace {

struct Line {
  std::size_t number = 0;  ///< from 1
  std::string text;        ///< without the blanks around it
};

/// The lines of a file; none when it can't be read.
std::vector<Line> lines_of(const std::string& path) {
  std::vector<Line> lines;
  const Result<std::string> text = read_file(path);
  if (!text) return lines;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.size(), rest.find('\n'));
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 1));
    line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t")));
    line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    lines.push_back({lines.size() + 1, std::string(line)});
  }
  return lines;
}

std::string place(const std::string& file, const Line& line) {
  return file + ':' + std::to_string(line.number) + ": " + line.text;
}

/// "file:line: text" of the first line that begins so; empty when there is none.
std::string find(const std::string& file, std::string_view begin) {
  for (const Line& line : lines_of(file)) {
    if (line.text.starts_with(begin)) return place(file, line);
  }
  return {};
}

/// A word of an nginx configuration without the quotes around it.
std::string unquoted(std::string word) {
  if (word.size() >= 2 && word.front() == '"' && word.back() == '"') word = word.substr(1, word.size() - 2);
  return word;
}

/// One location of a server block.
struct Location {
  std::string kind;  ///< "", "=", "^~", "~", "~*"
  std::string pattern;
  Line line;
};

std::optional<Location> location_in(const Line& line) {
  static const std::regex kForm(R"re(location\s+(?:(=|\^~|~\*?)\s+)?("[^"]*"|\S+)\s*\{)re");
  std::smatch parts;
  if (!std::regex_match(line.text, parts, kForm) || parts[2].str().starts_with('@')) return std::nullopt;
  return Location{parts[1].str(), unquoted(parts[2].str()), line};
}

bool matches(const Location& location, const std::string& path) {
  if (location.kind == "=") return path == location.pattern;
  if (!location.kind.starts_with('~')) return path.starts_with(location.pattern);
  const auto flags = location.kind == "~*" ? std::regex::ECMAScript | std::regex::icase : std::regex::ECMAScript;
  try {
    return std::regex_search(path, std::regex(location.pattern, flags));
  } catch (const std::regex_error&) {
    return false;  // a person's, with what only PCRE knows
  }
}

/// The location that nginx takes for a path (its documentation of "location"): exact, else the first regular expression
/// unless the longest prefix forbids it, else that prefix.
std::optional<Location> location_of(const std::string& file, const std::string& path) {
  std::optional<Location> prefix;
  std::optional<Location> expression;
  std::size_t depth = 0;
  for (const Line& line : lines_of(file)) {
    if (const std::optional<Location> location = location_in(line);
        location && depth == 1 && matches(*location, path)) {
      if (location->kind == "=") return location;
      if (location->kind.starts_with('~')) {
        if (!expression) expression = location;
      } else if (!prefix || prefix->pattern.size() < location->pattern.size()) {
        prefix = location;
      }
    }
    if (line.text.starts_with('#')) continue;
    if (line.text.ends_with('{')) ++depth;
    if (line.text == "}" && depth > 0) --depth;
  }
  if (prefix && prefix->kind == "^~") return prefix;
  return expression ? expression : prefix;
}

/// "file:12-40: ..." of an .htaccess's rewrite rules.
std::string rewrite_rules(const std::string& file) {
  std::size_t first = 0;
  std::size_t last = 0;
  for (const Line& line : lines_of(file)) {
    if (!line.text.starts_with("Rewrite")) continue;
    if (first == 0) first = line.number;
    last = line.number;
  }
  if (first == 0) return {};
  return file + ':' + std::to_string(first) + '-' + std::to_string(last) +
         ": its rewrite rules; which of them fires only Apache can tell (LogLevel rewrite:trace3)";
}

/// What an accepted .htaccess redirects, and what of it nginx does not obey, where nginx serves the platform too.
void add_htaccess(const std::string& file, const registry::Platform& platform, std::string_view path, Json& facts) {
  const Result<std::string> text = read_file(file);
  if (!text) return;
  const auto place_of = [&](std::size_t line, const std::string& directive) {
    return file + ':' + std::to_string(line) + ": " + directive;
  };
  const bool nginx_too = (platform.services & registry::kNginx) != 0;
  for (const emit::HtaccessRedirect& redirect : emit::redirects_of(*text, path)) {
    facts["apache_redirect"].push_back(place_of(redirect.line, redirect.directive) +
                                       (nginx_too ? " (nginx does not obey it)" : ""));
  }
  if (!nginx_too) return;
  for (const emit::Unobeyed& rule : emit::unobeyed_by_nginx(*text, platform.cms)) {
    facts["nginx_does_not_obey"].push_back(place_of(rule.line, rule.directive));
  }
}

void add_apache(const std::string& folder, const std::string& platform, std::string_view path, const auto& add) {
  const std::string fragment = folder + "platform.d/" + platform + ".conf";
  add("apache_catch_all", find(folder + "aegir.conf", "AegirEngine On"));
  add("apache_platform", find(fragment, "<Directory "));
  for (const std::string_view part : {"/files", "/private"}) {
    if (!path.starts_with("/sites/") || path.find(std::string(part) + '/') == std::string_view::npos) continue;
    for (const Line& line : lines_of(fragment)) {
      if (line.text.starts_with("<Directory ") && line.text.ends_with("/sites/*" + std::string(part) + "\">")) {
        add("apache_directory", place(fragment, line));
      }
    }
  }
  add("apache_htaccess", rewrite_rules(folder + "platform.d/" + platform + ".htaccess"));
}

void add_nginx(const std::string& folder, const std::string& platform, const std::string& path, const auto& add) {
  const std::string fragment = folder + "platform.d/" + platform + ".conf";
  add("nginx_catch_all", find(folder + "aegir.conf", "aegir platforms;"));
  add("nginx_platform", find(fragment, "aegir_platform "));
  if (const std::optional<Location> location = location_of(fragment, path)) {
    add("nginx_location", place(fragment, location->line));
  }
}

/// Says so when the platform's .htaccess is another one than the accepted one: who edits it looks there.
void add_edited_htaccess(const Config& config, const registry::Platform& platform, Json& facts) {
  const Result<std::optional<std::string>> wanted = publish::docroots_htaccess(platform);
  const Result<std::string> accepted = machine::read_config(config, emit::accepted_htaccess_path(config, platform));
  if (!accepted && accepted.error().code != Code::kNotFound) return;
  const std::string file = platform.docroot + "/.htaccess: ";
  if (!wanted) {
    facts["apache_not_in_force"] = file + wanted.error().message;
  } else if (accepted ? *wanted != *accepted : wanted->has_value()) {
    facts["apache_not_in_force"] = file +
                                   "differs from what is in force, edited since or refused; `aegirc diff` shows " +
                                   "how, `aegirc verify --platform " + platform.name + "` takes it or says why not";
  }
}

/// "file: written by people, 3 lines, not in force yet"; empty when there is none.
std::string peoples(const Config& config, const publish::ServerKind& kind, const std::string& file) {
  const std::vector<Line> lines = lines_of(file);
  if (lines.empty()) return {};
  std::string text = file + ": written by people, " + count(lines.size(), "line");
  const Result<std::string> missing = publish::what_is_not_in_force(config, kind, file);
  if (missing && !missing->empty()) text += ", " + *missing;
  return text;
}

}  // namespace

Result<void> add_sources(const Config& config, const registry::Platform& platform, std::string_view site,
                         std::string_view path, Json& facts) {
  if (is_root() && (platform.services & registry::kApache) != 0) add_edited_htaccess(config, platform, facts);
  const Result<std::optional<machine::AsRoot>> root = as_root();
  if (!root) return std::unexpected(root.error());
  const auto add = [&](const std::string& key, const std::string& value) {
    if (!value.empty()) facts[key] = value;
  };
  const std::string top = server_config_dir(config, platform.server);
  for (const publish::ServerKind* const kind : {&publish::kApache, &publish::kNginx}) {
    if ((platform.services & kind->service) == 0) continue;
    const std::string name = kind->folder;
    const std::string folder = top + '/' + name + '/';
    if (kind->service == registry::kApache) {
      add_apache(folder, platform.name, path, add);
      add_htaccess(emit::accepted_htaccess_path(config, platform), platform, path, facts);
    } else {
      add_nginx(folder, platform.name, std::string(path), add);
    }
    for (const std::string& own : {folder + "platform.d/" + platform.name + ".local.conf",
                                   folder + "vhost.d/" + std::string(site) + ".local.conf"}) {
      if (std::string line = peoples(config, *kind, own); !line.empty()) {
        facts[name + "_local"].push_back(std::move(line));
      }
    }
  }
  return {};
}

}  // namespace aegir::cli
