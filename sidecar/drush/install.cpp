#include <algorithm>

#include "compiler/core/path.hpp"
#include "compiler/core/utf8.hpp"
#include "sidecar/drush/answers.hpp"
#include "sidecar/drush/calls.hpp"
#include "sidecar/drush/php.hpp"

namespace aegir::drush {
namespace {

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kProfile = "abcdefghijklmnopqrstuvwxyz0123456789_";
constexpr std::string_view kLanguage = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
/// Of the column that holds a language's code.
constexpr std::size_t kLongestLanguage = 12;

bool is_word(std::string_view text, std::string_view characters) {
  return !text.empty() && kLower.contains(text.front()) && text.find_first_not_of(characters) == std::string_view::npos;
}

/// What would be something else than a value to an installer.
Result<void> check(const Command& command, const Installation& installation,
                   const std::vector<std::string>& translations) {
  if (!is_word(installation.profile, kProfile)) {
    return command.wrong(printable(installation.profile) + " is no name of a profile",
                         "name one of those that the platform offers", Code::kUsage);
  }
  if (!is_word(installation.language, kLanguage) || installation.language.size() > kLongestLanguage) {
    return command.wrong(printable(installation.language) + " is no code of a language",
                         "write en, de or pt-br, and take one that the platform brings", Code::kUsage);
  }
  for (const auto& [name, value] : {std::pair{"the site's name", &installation.site_name},
                                    std::pair{"the site's mail address", &installation.site_mail},
                                    std::pair{"the account's name", &installation.account_name},
                                    std::pair{"the account's mail address", &installation.account_mail}}) {
    if (value->empty()) return command.wrong(std::string(name) + " is empty", "name one", Code::kUsage);
    if (value->size() > 254 || find_control_or_bad_utf8(*value) != std::string::npos) {
      return command.wrong(printable(*value) + " can't be " + name, "leave out control characters, and be shorter",
                           Code::kUsage);
    }
  }
  if (!std::ranges::all_of(translations, is_plain_path)) {
    return command.wrong("a translation's path is not absolute", "this is an error in Aegir", Code::kInternal);
  }
  return {};
}

/// Puts translations where the installer looks before it tries to fetch them.
Result<void> bring_translations(process::Runner& runner, const Site& site, const std::vector<std::string>& files,
                                const Progress& progress) {
  const Command command(site, "site-install");
  const std::string folder = site.docroot + "/sites/" + site.uri + "/files/translations";
  process::Program make = php_program(site, {}, {}, kQuick, progress);
  make.input.clear();
  make.argv = {"/bin/mkdir", "-p", "--", folder};
  if (const Result<process::Output> made = command.run(runner, make); !made) return std::unexpected(made.error());
  make.argv = {"/bin/cp", "--"};
  make.argv.insert(make.argv.end(), files.begin(), files.end());
  make.argv.push_back(folder + "/");
  if (const Result<process::Output> copied = command.run(runner, make); !copied) {
    return std::unexpected(copied.error());
  }
  return {};
}

process::Program installer(const Site& site, const Installation& installation, const Progress& progress) {
  if (site.cms == registry::Cms::kBackdrop) {
    return php_program(site, backdrop_install_source(),
                       {site.uri, installation.profile, installation.language, installation.site_name,
                        installation.site_mail, installation.account_name, installation.account_mail},
                       kInstalling, progress);
  }
  // Without --db-url it takes the database of settings.php; without --sites-subdir it would make a
  // sites/default/settings.php, which then answers for hosts that nobody knows; without --account-pass it makes one up.
  return tool_program(
      site,
      {"site-install", installation.profile, "--sites-subdir=" + site.uri, "--locale=" + installation.language,
       "--site-name=" + installation.site_name, "--site-mail=" + installation.site_mail,
       "--account-name=" + installation.account_name, "--account-mail=" + installation.account_mail},
      kInstalling, progress);
}

}  // namespace

Result<void> install(process::Runner& runner, const Site& site, const Installation& installation,
                     const std::vector<std::string>& translations, const Progress& progress) {
  const Command command(site, "site-install");
  if (Result<void> right = check(command, installation, translations); !right) return right;
  const Result<Status> before = status(runner, site);
  if (!before) return std::unexpected(before.error());
  if (before->installed) {
    return command.wrong(
        "its database " + site.database.name + " has a site already, with the profile " + before->profile,
        "verify the site, or delete it first", Code::kConflict);
  }
  if (!translations.empty()) {
    if (Result<void> brought = bring_translations(runner, site, translations, progress); !brought) return brought;
  }
  const Result<process::Output> output = command.run(runner, installer(site, installation, progress));
  if (!output) return std::unexpected(output.error());
  Result<Facts> after = facts(runner, site);
  if (!after) {
    Error error = std::move(after.error());
    error.message = "the installer ended well, but there is no site: " + error.message;
    return std::unexpected(std::move(error));
  }
  if (after->profile != installation.profile) {
    return command.wrong("it ended well, but the site has the profile '" + command.quote(after->profile) +
                         "' and not " + installation.profile);
  }
  if (after->language != installation.language) {
    return command.wrong("it ended well, but the site has the language '" + command.quote(after->language) +
                         "' and not " + installation.language);
  }
  return {};
}

}  // namespace aegir::drush
