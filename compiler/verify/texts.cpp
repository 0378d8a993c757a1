#include "compiler/verify/texts.hpp"

namespace aegir::verify {
namespace {

using machine::DrushFile;
using machine::SiteFile;

constexpr std::string_view kCloakingKey = "provision_db_cloaking";

const char* const kCanBeRead =
    "; only assignments of literals, comments and includes can be read here: put what else "
    "there is into local.drushrc.php, then run `aegirc verify --site ";

std::string path_of(const machine::SitePlace& place, std::string_view name) {
  return place.docroot + "/sites/" + place.uri + '/' + std::string(name);
}

/// The aliases of a site for the folder `.drush` at `folder`.
Result<std::vector<DrushFile>> aliases(const emit::SiteFacts& facts, const std::string& folder) {
  Result<std::string> yml = emit::site_yml(facts);
  if (!yml) return pass(yml);
  Result<std::string> where = emit::drush_yml(folder + "/sites");
  if (!where) return pass(where);
  return std::vector<DrushFile>{
      {emit::alias_file(facts.site.uri), emit::site_alias(facts)},
      {"sites/" + emit::site_yml_file(facts.site.uri), *std::move(yml)},
      {"drush.yml", *std::move(where)},
  };
}

}  // namespace

Result<Present> read_present(const Config& config, const Accounts& accounts, const machine::SitePlace& place,
                             std::vector<Error>& errors) {
  Present present;
  const auto content_of = [&](SiteFile file) { return machine::read_site_file(config, accounts, place, file); };
  Result<std::optional<std::string>> settings = content_of(SiteFile::kSettings);
  if (!settings) return pass(settings);
  present.has_settings = settings->has_value();
  if (present.has_settings) present.cloaked = emit::is_cloaked(**settings);

  Result<std::optional<std::string>> drushrc = content_of(SiteFile::kDrushrc);
  if (!drushrc) return pass(drushrc);
  Result<std::vector<php::Statement>> parsed = php::parse(drushrc->value_or(""), path_of(place, "drushrc.php"));
  if (parsed) {
    // Without a file nobody asks for plain credentials any more; for a new site nobody has been asked.
    if (drushrc->has_value() || present.cloaked) present.asked = emit::asks_for_cloaking(*parsed).value_or(true);
    present.drushrc = *std::move(parsed);
  } else {
    Error& error = parsed.error();
    error.hint = "put this line right" + (kCanBeRead + place.uri) + "`. Until then the file stays as it is";
    errors.push_back(std::move(error));
  }

  Result<std::optional<std::string>> local_settings = content_of(SiteFile::kLocalSettings);
  present.has_local_settings = !local_settings || local_settings->has_value();
  if (!local_settings) errors.push_back(std::move(local_settings.error()));

  // Any PHP may stand in it; only what it says of cloaking counts here.
  Result<std::optional<std::string>> local = content_of(SiteFile::kLocalDrushrc);
  if (!local || !local->has_value() || (*local)->find(kCloakingKey) == std::string::npos) return present;
  parsed = php::parse(**local, path_of(place, "local.drushrc.php"));
  if (parsed) {
    present.local = emit::asks_for_cloaking(*parsed);
  } else {
    parsed.error().message += "; so what it says of " + std::string(kCloakingKey) + " is not heard";
    parsed.error().hint = "say it in drushrc.php";
    errors.push_back(std::move(parsed.error()));
  }
  return present;
}

std::optional<std::string> note_of_kept(const std::vector<std::string>& kept) {
  if (kept.empty()) return std::nullopt;
  std::string names;
  for (const std::string& name : kept) names += (names.empty() ? "" : ", ") + name;
  return "drushrc.php goes on with what people have set in it: " + names;
}

Result<SiteTexts> site_texts(const Config& config, const emit::SiteFacts& facts, const Present& present,
                             const std::string& slot_home, std::vector<Error>& errors) {
  SiteTexts texts;
  texts.cli = emit::cli_php(facts);
  Result<std::string> settings = emit::settings_php(config, facts);
  if (!settings) return pass(settings);
  texts.settings = *std::move(settings);
  if (present.drushrc) {
    emit::Drushrc drushrc = emit::site_drushrc(facts, *present.drushrc);
    texts.drushrc = std::move(drushrc.text);
    texts.kept = std::move(drushrc.kept);
  }
  if (!present.has_local_settings) {
    texts.local_settings = kBlankLocalSettings;
  }
  const auto fill = [&](std::vector<DrushFile>& files, const std::string& folder) {
    Result<std::vector<DrushFile>> made = aliases(facts, folder);
    if (made) {
      files = *std::move(made);
    } else {
      errors.push_back(std::move(made.error()));
    }
  };
  fill(texts.drush, config.aegir_root + "/.drush");
  fill(texts.slot_drush, slot_home + "/home/.drush");
  return texts;
}

machine::PlatformFile sites_php_file(const Config& config, const std::string& docroot, const PhpVersions& versions) {
  return {.folder = "sites",
          .name = "sites.php",
          .content = emit::sites_php(),
          .keep_as = "local.sites.php",
          .look = [&config, versions, path = docroot + "/sites/sites.php"](std::string_view content) {
            return lint(config, versions, content, path);
          }};
}

Result<PlatformTexts> platform_texts(const Config& config, const Accounts& accounts, const PlatformFacts& facts,
                                     std::vector<Error>& errors) {
  const registry::Platform& platform = facts.platform;
  PlatformTexts texts;
  if (platform.cms == registry::Cms::kOther) return texts;
  texts.files.push_back(sites_php_file(config, platform.docroot, facts.versions));
  texts.drush.emplace_back(emit::alias_file("platform_" + platform.name), emit::platform_alias(platform));
  constexpr const char* kFolder = "sites/all/drush";
  Result<std::optional<std::string>> present =
      machine::read_platform_file(config, accounts, platform.docroot, kFolder, "drushrc.php");
  if (!present) return pass(present);
  const std::string path = platform.docroot + '/' + kFolder + "/drushrc.php";
  Result<std::vector<php::Statement>> parsed = php::parse(present->value_or(""), path);
  if (parsed) {
    emit::Drushrc drushrc = emit::platform_drushrc(platform, facts.codebase, *parsed);
    texts.kept = std::move(drushrc.kept);
    texts.files.push_back({.folder = kFolder, .name = "drushrc.php", .content = std::move(drushrc.text)});
    texts.files.push_back({.folder = kFolder,
                           .name = std::string(emit::kSitesDrushrc),
                           .content = emit::sites_drushrc(facts.uris),
                           .open = false});
  } else {
    parsed.error().hint = "put this line right; until then the file stays as it is";
    errors.push_back(std::move(parsed.error()));
  }
  return texts;
}

Result<std::vector<DrushFile>> server_texts(const Config& config, const registry::Server& server) {
  Result<std::string> where = emit::drush_yml(config.aegir_root + "/.drush/sites");
  if (!where) return pass(where);
  return std::vector<DrushFile>{{emit::alias_file("server_" + server.name), emit::server_alias(config, server)},
                                {"drush.yml", *std::move(where)}};
}

}  // namespace aegir::verify
