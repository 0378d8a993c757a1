#include "compiler/registry/settings_row.hpp"

#include <charconv>

namespace aegir::registry {
namespace {

std::uint32_t to_number(std::string_view text) {
  std::uint32_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

Result<Settings> read_settings(Connection& connection) {
  Settings settings;
  Query query = connection.query("SELECT name, value FROM setting ORDER BY name");
  for (;;) {
    const Result<bool> row = query.next();
    if (!row) return std::unexpected<Error>(row.error());
    if (!*row) return settings;
    const std::string_view name = query.text(0);
    std::string_view value = query.text(1);
    if (name == "console_url") settings.console_url = value;
    if (name == "alias_redirect") settings.alias_defaults.redirect = value == "1";
    if (name == "log_days") settings.log_days = to_number(value);
    if (name == "require_disabled_before_delete") settings.require_disabled_before_delete = value == "1";
    while (name == "alias_patterns" && !value.empty()) {
      const std::size_t end = std::min(value.find('\n'), value.size());
      settings.alias_defaults.patterns.emplace_back(value.substr(0, end));
      value.remove_prefix(std::min(end + 1, value.size()));
    }
  }
}

Result<void> write_settings(Connection& connection, const Settings& settings) {
  std::string patterns;
  for (const std::string& pattern : settings.alias_defaults.patterns) {
    patterns += (patterns.empty() ? "" : "\n") + pattern;
  }
  const auto flag = [](bool value) { return std::string(value ? "1" : "0"); };
  const std::pair<std::string_view, std::string> rows[] = {
      {"console_url", settings.console_url},
      {"alias_patterns", patterns},
      {"alias_redirect", flag(settings.alias_defaults.redirect)},
      {"log_days", std::to_string(settings.log_days)},
      {"require_disabled_before_delete", flag(settings.require_disabled_before_delete)},
  };
  for (const auto& [name, value] : rows) {
    Result<void> done = connection.run(
        "INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2", name, value);
    if (!done) return done;
  }
  return {};
}

}  // namespace aegir::registry
