#include "compiler/verify/lint.hpp"

#include "compiler/machine/lint.hpp"
#include "compiler/machine/machine.hpp"
#include "compiler/verify/texts.hpp"

namespace aegir::verify {
namespace {

using machine::SiteFile;

/// What is there may be nothing.
void look(const Result<std::optional<std::string>>& present, std::vector<Error>& errors,
          const std::function<Result<void>(std::string_view)>& lint) {
  Result<void> fine;
  if (!present) {
    fine = std::unexpected(present.error());
  } else if (*present) {
    fine = lint(**present);
  }
  if (!fine) errors.push_back(std::move(fine.error()));
}

}  // namespace

Result<void> lint(const Config& config, const PhpVersions& versions, std::string_view content,
                  const std::string& path) {
  for (const std::string& version : versions) {
    Result<void> fine = machine::lint_php(config, version, machine::kNobody, content, path);
    if (!fine) return fine;
  }
  return {};
}

std::vector<Error> lint_site(const Config& config, const Accounts& accounts, const machine::SitePlace& place,
                             const std::string& version) {
  std::vector<Error> errors;
  for (const auto& [file, name] : {std::pair{SiteFile::kLocalSettings, "local.settings.php"},
                                   std::pair{SiteFile::kLocalDrushrc, "local.drushrc.php"}}) {
    const std::string path = place.docroot + "/sites/" + place.uri + '/' + name;
    look(machine::read_site_file(config, accounts, place, file), errors, [&](std::string_view content) -> Result<void> {
      if (content == kBlankLocalSettings) return {};
      return machine::lint_php(config, version, {place.uid, place.uid}, content, path);
    });
  }
  return errors;
}

std::vector<Error> lint_platform(const Config& config, const Accounts& accounts, const std::string& docroot,
                                 const PhpVersions& versions) {
  std::vector<Error> errors;
  for (const auto& [folder, name] :
       {std::pair{"sites", "local.sites.php"}, std::pair{"sites/all", "platform.settings.php"}}) {
    const std::string path = docroot + '/' + folder + '/' + name;
    look(machine::read_platform_file(config, accounts, docroot, folder, name), errors,
         [&](std::string_view content) { return lint(config, versions, content, path); });
  }
  return errors;
}

std::vector<Error> lint_server(const Config& config, const std::vector<registry::Block>& blocks) {
  std::vector<Error> errors;
  const std::string path = config.config_dir + "/includes/global.inc";
  Result<std::string> present = machine::read_config(config, path);
  if (!present && present.error().code == Code::kNotFound) return errors;
  PhpVersions versions;
  for (const registry::Block& block : blocks) versions.insert(block.php_version);
  look(present ? Result<std::optional<std::string>>(*std::move(present)) : pass(present), errors,
       [&](std::string_view content) { return lint(config, versions, content, path); });
  return errors;
}

}  // namespace aegir::verify
