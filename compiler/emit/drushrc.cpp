// drushrc.php: what Aegir knows is written anew, what people have set stays as it was.
#include <algorithm>
#include <array>
#include <set>

#include "compiler/emit/drushrc_packages.hpp"
#include "compiler/emit/php_text.hpp"

namespace aegir::emit {
namespace {

using php::Statement;

constexpr std::string_view kCloakingKey = "provision_db_cloaking";
constexpr std::string_view kPackagesKey = "packages";
constexpr std::string_view kProfilesKey = "profiles";
constexpr std::string_view kSiteMark =
    "# Written by aegirc at each Verify: what Aegir knows is written anew, all else stays as it is.";
constexpr std::string_view kServerMark = "# What settings.php asks for.";
constexpr std::string_view kSitesMark = "# Only aegir can read the names of the sites.";
constexpr std::string_view kLocalMark = "# What is not Aegir's and should come last.";
// Comments that are written anew, those of Aegir 3 among them.
constexpr std::array<std::string_view, 6> kMarks = {
    kSiteMark, kServerMark, kSitesMark, kLocalMark, "# Aegir additions", "# Local non-aegir-generated additions."};
constexpr std::array<std::string_view, 6> kCredentials = {"db_type", "db_port",   "db_host",
                                                          "db_user", "db_passwd", "db_name"};

/// The key when it is an assignment to `variable` with just one.
const std::string* key_in(const Statement& statement, std::string_view variable) {
  if (statement.kind != Statement::Kind::kAssignment || statement.variable != variable || statement.path.size() != 1) {
    return nullptr;
  }
  return std::get_if<std::string>(&statement.path.front());
}

bool is_false(const php::Value& value) {
  return value == php::Value{false} || value == php::Value{std::int64_t{0}} || value == php::Value{std::string()} ||
         value == php::Value{std::string("0")};
}

/// What the statement says of cloaking.
std::optional<bool> says_cloaked(const Statement& statement) {
  const std::string* const key = key_in(statement, "options");
  if (key == nullptr || *key != kCloakingKey || !statement.value) return std::nullopt;
  return !is_false(*statement.value);
}

bool is_ours(const Statement& statement, const std::vector<std::string>& keys) {
  switch (statement.kind) {
    case Statement::Kind::kComment:
      return std::ranges::find(kMarks, statement.text) != kMarks.end();
    case Statement::Kind::kInclude:
      return statement.file.ends_with("/local.drushrc.php") || statement.file == '/' + std::string(kSitesDrushrc);
    case Statement::Kind::kAssignment:
      break;
  }
  if (const std::string* const key = key_in(statement, "options")) return std::ranges::find(keys, *key) != keys.end();
  const std::string* const key = key_in(statement, "_SERVER");
  return key != nullptr && !statement.value && std::ranges::find(kCredentials, *key) != kCredentials.end();
}

/// What a person has set, as he would name it: the key of an option, else the variable.
std::optional<std::string> setting_of(const Statement& statement) {
  if (statement.kind != Statement::Kind::kAssignment) return std::nullopt;
  const std::string* const key = statement.path.empty() ? nullptr : std::get_if<std::string>(&statement.path.front());
  if (statement.variable != "options") return '$' + statement.variable + (key == nullptr ? "" : "['" + *key + "']");
  // Aegir 3's own, until the registry has them.
  if (key == nullptr || *key == kPackagesKey || *key == kProfilesKey) return std::nullopt;
  return *key;
}

/// `$options` of ours, then what is not ours.
Drushrc options(const php::Array& ours, const std::vector<Statement>& present,
                const std::vector<std::string>& more_keys, std::optional<bool> cloaked) {
  std::vector<std::string> keys = more_keys;
  std::string text = "<?php\n" + std::string(kSiteMark) + '\n';
  for (const php::Element& option : ours) {
    keys.push_back(std::get<std::string>(option.key));
    text += "$options[" + php(keys.back()) + "] = " + php(option.value) + ";\n";
  }
  std::string kept;
  std::set<std::string> settings;
  bool said = false;
  for (const Statement& statement : present) {
    if (is_ours(statement, keys)) continue;
    if (cloaked) {
      if (const std::optional<bool> says = says_cloaked(statement)) {
        if (*says != *cloaked) continue;
        said = true;
      }
    }
    kept += statement.text + '\n';
    if (std::optional<std::string> setting = setting_of(statement)) settings.insert(*std::move(setting));
  }
  if (cloaked && !*cloaked && !said) kept += "$options[" + php(kCloakingKey) + "] = false;\n";
  if (!kept.empty()) text += '\n' + kept;
  return {std::move(text), {settings.begin(), settings.end()}};
}

php::Value list(const std::vector<std::string>& texts) {
  php::Array array;
  for (const std::string& text : texts) array.push_back({php::Key(static_cast<std::int64_t>(array.size())), {text}});
  return {std::move(array)};
}

}  // namespace

std::optional<bool> asks_for_cloaking(const std::vector<php::Statement>& drushrc) {
  std::optional<bool> last;
  for (const Statement& statement : drushrc) {
    if (const std::optional<bool> says = says_cloaked(statement)) last = says;
  }
  return last;
}

Drushrc site_drushrc(const SiteFacts& facts, const std::vector<php::Statement>& present) {
  const registry::Site& site = facts.site;
  php::Array ours;
  for (const auto& [name, value] : credentials_of(facts)) ours.push_back({name, {value}});
  std::vector<std::string> aliases;
  for (const registry::Alias& alias : site.aliases) aliases.push_back(alias.host);
  ours.push_back({"client_name", {site.client}});
  ours.push_back({"aliases", list(aliases)});
  ours.push_back({"redirection", site.redirect_to.empty() ? php::Value{false} : php::Value{site.redirect_to}});
  ours.push_back({"language", {site.language}});
  ours.push_back({"profile", {site.profile}});
  ours.push_back({"installed", {site.state != registry::SiteState::kInstalling}});
  if (!facts.packages.empty()) ours.push_back({std::string(kPackagesKey), {site_packages(facts)}});
  Drushrc drushrc = options(ours, present, {kCredentials.begin(), kCredentials.end()}, site.cloaking);
  std::string& text = drushrc.text;
  if (facts.database) {
    text += '\n' + std::string(kServerMark) + '\n';
    for (const std::string_view name : kCredentials) {
      text += "$_SERVER[" + php(name) + "] = $options[" + php(name) + "];\n";
    }
  }
  text += '\n' + std::string(kLocalMark) + "\n@include_once(" + php(site_path(facts) + "/local.drushrc.php") + ");\n";
  return drushrc;
}

Drushrc platform_drushrc(const registry::Platform& platform, const registry::Codebase& codebase,
                         const std::vector<php::Statement>& present) {
  php::Array ours;
  if (!codebase.version.empty()) {
    std::vector<std::string> profiles;
    for (const registry::Profile& profile : codebase.profiles) {
      if (!profile.hidden) profiles.push_back(profile.name);
    }
    ours.push_back({std::string(kProfilesKey), list(profiles)});
    ours.push_back({std::string(kPackagesKey), {platform_packages(platform, codebase)}});
  }
  Drushrc drushrc = options(ours, present, {"sites"}, std::nullopt);
  drushrc.text +=
      '\n' + std::string(kSitesMark) + "\n@include_once(__DIR__ . " + php('/' + std::string(kSitesDrushrc)) + ");\n";
  return drushrc;
}

std::string sites_drushrc(const std::vector<std::string>& uris) {
  return "<?php\n# Written by aegirc from the registry. Changes are lost.\n$options['sites'] = " + php(list(uris)) +
         ";\n";
}

}  // namespace aegir::emit
