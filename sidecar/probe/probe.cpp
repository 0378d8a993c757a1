#include "sidecar/probe/probe.hpp"

#include <charconv>

#include "compiler/core/utf8.hpp"
#include "compiler/emit/drupal.hpp"
#include "compiler/map/route.hpp"
#include "compiler/registry/random.hpp"

namespace aegir::probe {
namespace {

std::unexpected<Error> wrong(const Question& question, const std::string& what, std::string hint = {}) {
  return fail(Code::kConflict,
              "GET " + question.host + question.path + " from " + place_of(question.service) + ": " + what,
              std::move(hint));
}

/// "<uri>; generation=<n>", as map::write_site_header() writes it.
bool names_site(const Question& question, std::string_view header) {
  const std::string begin = question.uri + "; generation=";
  if (!header.starts_with(begin)) return false;
  std::uint64_t generation = 0;
  const char* const end = header.data() + header.size();
  const auto read = std::from_chars(header.data() + begin.size(), end, generation);
  return read.ec == std::errc() && read.ptr == end && generation >= question.generation;
}

}  // namespace

std::string new_token() {
  constexpr std::size_t kLetters = 43;
  return registry::random_word(kLetters);
}

std::string place_of(const registry::WebService& service) {
  return std::string(service.kind == registry::kApache ? "Apache" : "nginx") + " at " + service.probe_address +
         " port " + std::to_string(service.http_port);
}

Result<int> judge(const Question& question, const machine::Answer& answer) {
  if (!question.token.empty()) {
    const std::string_view site = answer.header(map::kSiteHeader);
    if (site.empty()) {
      return wrong(question, "the answer, status " + std::to_string(answer.status) + ", is not from the module",
                   "is 127.0.0.1 one of probe_peers in aegir.conf, and is it this web server that listens there?");
    }
    if (!names_site(question, site))
      return wrong(question, "another site or an older state answers: " + printable(site));
  }
  if (!question.statuses.contains(answer.status)) {
    return wrong(question, "status " + std::to_string(answer.status), "see `aegir site log " + question.uri + "`");
  }
  if (const std::string_view target = answer.header("Location"); target.contains("/install.php")) {
    return wrong(question, "it wants to be installed: it leads to " + printable(target));
  }
  if (!question.token.empty() && !question.database.empty()) {
    // Both as in a URL; ours need no escapes.
    const std::string expected = question.uri + "; database=" + question.database;
    const std::string_view settings = answer.header(emit::kProbeHeader);
    if (settings != expected) {
      return wrong(question, settings.empty() ? std::string("its settings.php does not answer the probe")
                                              : "it runs with other settings: " + printable(settings));
    }
  }
  return answer.status;
}

Result<int> ask(const Question& question) {
  machine::Question http{question.service.probe_address, question.service.http_port, question.host, question.path};
  if (!question.token.empty()) http.headers = std::string(map::kProbeHeader) + ": " + question.token + "\r\n";
  Result<machine::Answer> answer = machine::ask(http, question.patience);
  if (!answer) return pass(answer);
  return judge(question, *answer);
}

}  // namespace aegir::probe
