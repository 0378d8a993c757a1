// The one-time login link of uid 1. It is a key to the site: it goes to the caller and into nothing else, and what a
// tenant's code prints in its place is never shown whole.
#include <algorithm>

#include "sidecar/drush/answers.hpp"
#include "sidecar/drush/calls.hpp"
#include "sidecar/drush/php.hpp"

namespace aegir::drush {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kWord = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-";

/// Takes one segment of a path, with its slash in front; empty when there is none.
std::string_view take_segment(std::string_view& path) {
  if (!path.starts_with('/')) return {};
  const std::string_view segment = path.substr(1, path.find('/', 1) - 1);
  path.remove_prefix(1 + segment.size());
  return segment;
}

bool is_of(std::string_view text, std::string_view characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

/// [/<language>]/user/reset/1/<time>/<hash>[/login]
bool is_login_of_uid_1(std::string_view path) {
  std::string_view segment = take_segment(path);
  if (segment != "user") {
    if (!is_of(segment, kWord) || take_segment(path) != "user") return false;
  }
  if (take_segment(path) != "reset" || take_segment(path) != "1") return false;
  if (!is_of(take_segment(path), kDigits) || !is_of(take_segment(path), kWord)) return false;
  return path.empty() || path == "/login";
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kWhite = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kWhite);
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(kWhite) + 1 - begin);
}

Result<std::string> check_link(const Command& command, std::string_view link) {
  constexpr std::size_t kLongest = 2000;
  if (link.empty()) return command.wrong("it printed no link");
  const std::size_t host = link.find("://");
  if (link.size() > kLongest || host == std::string_view::npos ||
      link.find_first_of(" \t\r\n") != std::string_view::npos) {
    return command.wrong("it printed something else than one link");
  }
  const std::string& origin = command.site().origin;
  const std::size_t end = std::min(link.find_first_of("/?#\\", host + 3), link.size());
  if (link.substr(0, end) != origin) {
    return command.wrong("its link leads to '" + command.quote(link.substr(0, end)) + "' and not to " + origin,
                         "look for a $base_url in the site's local.settings.php, or for code that answers in Drush's "
                         "place; do not use the link");
  }
  if (!is_login_of_uid_1(link.substr(end))) {
    return command.wrong("its link is no one-time login of uid 1",
                         "look for code in the site that answers in Drush's place");
  }
  return std::string(link);
}

}  // namespace

Result<std::string> login_link(process::Runner& runner, const Site& site) {
  const Command command(site, "user-login");
  if (site.cms == registry::Cms::kBackdrop) {
    const Result<process::Output> output = command.run(runner, evaluation(site, backdrop_login_source(), kQuick));
    if (!output) return std::unexpected(output.error());
    // The usual error would quote what was printed, link and all.
    const Result<registry::Document> document = command.json(output->out);
    if (!document) return command.wrong("it printed something else than one link");
    const Result<std::string> link = Members(command, "its answer", document->root()).text("link", 4096);
    if (!link) return command.wrong("it printed something else than one link");
    return check_link(command, *link);
  }
  const Result<process::Output> output =
      command.run(runner, tool_program(site, {"user-login", "--uid=1", "--no-browser"}, kQuick));
  if (!output) return std::unexpected(output.error());
  return check_link(command, trimmed(output->out));
}

}  // namespace aegir::drush
