// Where Drush is, and which one. vendor/bin/drush is a shell script since Drush 13, which PHP prints and ends well
// with nothing done; so it is drush.php itself that is run.
#include <sys/stat.h>

#include <charconv>
#include <optional>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/path.hpp"
#include "compiler/core/utf8.hpp"
#include "compiler/registry/document.hpp"
#include "sidecar/drush/site.hpp"

namespace aegir::drush {
namespace {

using registry::Document;
using registry::Node;

constexpr std::string_view kScript = "/drush/drush/drush.php";  // below vendor/
/// What to do for Drupal 7.
constexpr std::string_view kDrush8 =
    "install Drush 8, and name its vendor/drush/drush/drush.php as drush in aegir.conf, or with --drush of `aegir "
    "platform add`";
constexpr std::size_t kLargestFile = std::size_t{16} << 20U;

bool is_file(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

std::string parent_of(std::string_view path) { return std::string(path.substr(0, path.rfind('/'))); }

/// drush.php of what a person named: itself, or vendor/bin/drush beside its vendor/drush/drush.
std::string script_of(const std::string& named) {
  if (named.ends_with("/drush.php") && is_file(named)) return named;
  for (const std::string_view end : {"/bin/drush", "/bin/drush.php"}) {
    if (!named.ends_with(end)) continue;
    std::string script = named.substr(0, named.size() - end.size()) + std::string(kScript);
    if (is_file(script)) return script;
  }
  return {};
}

/// The version of drush/drush in a composer's installed.json: an object with "packages", of composer 1 a list.
Result<std::optional<std::string>> composer_version(const std::string& vendor) {
  const std::string path = vendor + "/composer/installed.json";
  Result<std::string> text = read_file(path, kLargestFile);
  if (!text) {
    if (text.error().code == Code::kNotFound) return std::nullopt;
    return pass(text);
  }
  Result<Document> document = Document::parse(*text, path);
  if (!document) return pass(document);
  const Node* packages = &document->root();
  if (packages->is(Node::Kind::kObject)) packages = packages->find("packages");
  if (packages == nullptr || !packages->is(Node::Kind::kList)) return std::nullopt;
  for (const Node& package : packages->list()) {
    if (!package.is(Node::Kind::kObject)) continue;
    const Node* const name = package.find("name");
    const Node* const version = package.find("version");
    if (name == nullptr || !name->is(Node::Kind::kText) || name->text() != "drush/drush") continue;
    if (version == nullptr || !version->is(Node::Kind::kText)) return std::nullopt;
    return std::string(version->text());
  }
  return std::nullopt;
}

/// The rest of the first line that begins with `key` and a separator, without blanks and quotes.
std::string value_in(const std::string& file, std::string_view key) {
  const Result<std::string> text = read_file(file, kLargestFile);
  if (!text) return {};
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = std::min(text->find('\n', at), text->size());
    std::string_view line(text->data() + at, end - at);
    at = end + 1;
    if (!line.starts_with(key)) continue;
    line.remove_prefix(std::min(line.find_first_not_of(" \t=:'\",", key.size()), line.size()));
    return std::string(line.substr(0, line.find_first_of(" \t\r'\"")));
  }
  return {};
}

/// Drush's own files: drush.info of Drush 8 and before, drush.info.yml of some after.
std::string own_version(const std::string& script) {
  const std::string folder = parent_of(script);
  std::string version = value_in(folder + "/drush.info", "drush_version");
  return version.empty() ? value_in(folder + "/drush.info.yml", "drush_version") : version;
}

std::uint32_t major_of(std::string_view version) {
  if (version.starts_with('v')) version.remove_prefix(1);
  std::uint32_t major = 0;
  const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), major);
  return error == std::errc{} && (end == version.data() + version.size() || *end == '.') ? major : 0;
}

Result<Tool> find_bee(const std::string& named) {
  if (named.empty() || !named.ends_with(".php") || !is_file(named)) {
    return fail(Code::kNotFound,
                named.empty() ? "Backdrop needs bee, and none is named"
                              : "Backdrop needs bee, and none is at " + printable(named),
                "name its bee.php as bee in aegir.conf, or with --drush of `aegir platform add`");
  }
  return Tool{named, value_in(parent_of(named) + "/includes/globals.inc", "define('BEE_VERSION'"), 0};
}

}  // namespace

Result<Tool> find_tool(const std::string& docroot, registry::Cms cms, const std::string& named) {
  if (!named.empty() && !is_plain_path(named)) {
    return fail(Code::kInvalid, printable(named) + ", the platform's drush, is no absolute path",
                "name drush.php with its whole path");
  }
  if (cms == registry::Cms::kBackdrop) return find_bee(named);
  Tool tool;
  for (const std::string& vendor : {docroot + "/vendor", parent_of(docroot) + "/vendor"}) {
    if (is_file(vendor + std::string(kScript))) {
      tool.script = vendor + std::string(kScript);
      break;
    }
  }
  if (tool.script.empty() && !named.empty()) tool.script = script_of(named);
  if (tool.script.empty()) {
    const bool seven = cms == registry::Cms::kDrupal7;
    return fail_at(docroot, Code::kNotFound,
                   named.empty() ? "this codebase has no Drush, neither in its vendor/ nor beside it"
                                 : "this codebase has no Drush of its own, and none is at " + printable(named),
                   seven ? std::string(kDrush8) : "require drush/drush in the codebase with composer");
  }
  Result<std::optional<std::string>> composed = composer_version(parent_of(parent_of(parent_of(tool.script))));
  if (!composed) return pass(composed);
  tool.version = composed->value_or("");
  if (tool.version.empty()) tool.version = own_version(tool.script);
  if (tool.version.empty() || find_control_or_bad_utf8(tool.version) != std::string::npos) {
    return fail_at(tool.script, Code::kInvalid,
                   "the version of this Drush stands neither in composer's installed.json nor in a drush.info",
                   "install it with composer");
  }
  tool.major = major_of(tool.version);
  if (cms == registry::Cms::kDrupal7 && (tool.major < 5 || tool.major > 8)) {
    return fail_at(tool.script, Code::kInvalid, "Drush " + tool.version + " can't run Drupal 7", std::string(kDrush8));
  }
  return tool;
}

}  // namespace aegir::drush
