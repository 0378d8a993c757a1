#include "mod_aegir_apache/htaccess.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace aegir::apache {
namespace {

using namespace std::string_view_literals;

struct Complaint {
  unsigned line = 0;
  const char* message = nullptr;  ///< null: there is none
};

/// What httpd is told before it reads an .htaccess (ap_parse_htaccess, which says no line when it refuses).
[[nodiscard]] cmd_parms parameters(request_rec* request) noexcept {
  const auto& core = *static_cast<const core_dir_config*>(ap_get_core_module_config(request->per_dir_config));
  cmd_parms parms{};
  parms.override = static_cast<int>(core.override);
  parms.override_opts = static_cast<int>(core.override_opts);
  parms.override_list = core.override_list;
  parms.limited = -1;
  parms.pool = request->pool;
  parms.temp_pool = request->pool;
  parms.server = request->server;
  parms.path = ap_make_dirstr_parent(request->pool, request->filename);
  return parms;
}

/// Reads and obeys every directive, into a configuration that nobody uses.
[[nodiscard]] Complaint parse(request_rec* request, cmd_parms parms) noexcept {
  ap_directive_t* tree = nullptr;
  const char* problem = ap_build_config(&parms, request->pool, request->pool, &tree);
  // Reading leaves the last section that was obeyed there, and obeying keeps what it finds.
  if (problem == nullptr) parms.err_directive = nullptr;
  if (problem == nullptr) problem = ap_walk_config(tree, &parms, ap_create_per_dir_config(request->pool));
  if (problem == nullptr) return {};
  const unsigned line = parms.err_directive != nullptr ? static_cast<unsigned>(parms.err_directive->line_num)
                                                       : parms.config_file->line_number;
  return {line, problem};
}

/// Whether a directive of this server's modules may stand in an .htaccess; one that nobody knows may.
[[nodiscard]] bool may_stand(const char* name, const cmd_parms& parms) noexcept {
  module* owner = ap_top_module;
  bool known = false;
  for (const command_rec* command = ap_find_command_in_modules(name, &owner); command != nullptr;
       command = ap_find_command_in_modules(name, &owner)) {
    known = true;
    if ((command->req_override & parms.override) != 0) return true;
    owner = owner->next;
    if (owner == nullptr) break;
  }
  return !known;
}

/// Whether what a section says depends on more than the server's modules, which are the same whoever judges: a file can
/// come at any moment, a server may be started with other words than the one that judges, and an upgrade asks nobody.
[[nodiscard]] bool is_untested_condition(const char* name) noexcept {
  return ap_cstr_casecmp(name, "<IfFile") == 0 || ap_cstr_casecmp(name, "<IfDefine") == 0 ||
         ap_cstr_casecmp(name, "<IfVersion") == 0;
}

/// Takes a name of these from the beginning of `text`, as httpd's expressions spell their functions.
[[nodiscard]] bool take_file_function(std::string_view& text) noexcept {
  // The longest first.
  for (const std::string_view name : {"filesize"sv, "filemod"sv, "file"sv}) {
    if (text.size() < name.size() || ap_cstr_casecmpn(text.data(), name.data(), name.size()) != 0) continue;
    text.remove_prefix(name.size());
    return true;
  }
  return false;
}

/// Whether a line calls a function of httpd's expressions that reads a file, as "%{file:/x}" or as "file('/x')". httpd
/// restricts them in an .htaccess, but not in what root's configuration includes, where they read what the user may who
/// reads every site's map and certificates.
[[nodiscard]] bool reads_a_file(std::string_view line) noexcept {
  const auto is_word = [](char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (at > 0 && is_word(line[at - 1])) continue;
    std::string_view rest = line.substr(at);
    if (!take_file_function(rest)) continue;
    if (rest.starts_with(':') && line.substr(0, at).ends_with("%{")) return true;
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    if (!rest.starts_with('(')) continue;
    // What is no argument of theirs is a word in parentheses, in a message to a person.
    const std::string_view argument = rest.substr(1, rest.find(')', 1));
    if (argument.find_first_of("'\"%$(") != std::string_view::npos) return true;
  }
  return false;
}

/// Whether a directive lets code run in the server itself, as the user who may open every site's socket; also one whose
/// module is not loaded yet. mod_macro's are among them, since it makes lines that nobody has looked at.
[[nodiscard]] bool runs_code(std::string_view name) noexcept {
  constexpr std::array kBeginnings = {"lua"sv, "perl"sv, "<perl"sv, "python"sv, "wsgi"sv, "passenger"sv};
  constexpr std::array kWhole = {"use"sv, "<macro"sv};
  const auto is = [](std::string_view text, std::string_view lower) {
    return text.size() == lower.size() && ap_cstr_casecmpn(text.data(), lower.data(), lower.size()) == 0;
  };
  return std::ranges::any_of(kBeginnings, [&](auto begin) { return is(name.substr(0, begin.size()), begin); }) ||
         std::ranges::any_of(kWhole, [&](auto whole) { return is(name, whole); });
}

/// Looks at the lines that conditions hide from parse(). What is skipped today must not be read tomorrow as something
/// that an .htaccess can't say: included by root's configuration, a LoadModule would run.
[[nodiscard]] Complaint look_at_all_lines(request_rec* request, const cmd_parms& parms) noexcept {
  std::array<char, HUGE_STRING_LEN> line;
  for (;;) {
    const apr_status_t read = ap_cfg_getline(line.data(), line.size(), parms.config_file);
    if (read == APR_EOF) return {};
    if (read != APR_SUCCESS) {
      return {parms.config_file->line_number,
              apr_psprintf(request->pool, "the line is longer than %d bytes", HUGE_STRING_LEN - 2)};
    }
    if (line[0] == '#' || line[0] == '\0') continue;
    const char* rest = line.data();
    char* const word = ap_getword_conf(request->pool, &rest);
    if (word[0] == '\0' || word[1] == '/') continue;
    // As httpd does it, with and without a '<' before.
    if (const std::size_t size = std::strlen(word); word[size - 1] == '>') word[size - 1] = '\0';
    if (is_untested_condition(word)) {
      return {parms.config_file->line_number,
              apr_pstrcat(request->pool, word, " not allowed here: what it says could change without a test", nullptr)};
    }
    if (runs_code(word)) {
      return {
          parms.config_file->line_number,
          apr_pstrcat(request->pool, word, " not allowed here: code of a platform runs as PHP of its sites", nullptr)};
    }
    if (reads_a_file(line.data())) {
      return {parms.config_file->line_number,
              apr_pstrcat(request->pool, word, " not allowed here: it reads a file as the web server", nullptr)};
    }
    if (!may_stand(word, parms)) {
      return {parms.config_file->line_number,
              apr_pstrcat(request->pool, word, " not allowed here, nor where a condition hides it", nullptr)};
    }
  }
}

[[nodiscard]] Complaint judge(request_rec* request) noexcept {
  cmd_parms parms = parameters(request);
  Complaint complaint;
  for (const auto look : {+[](request_rec* r, const cmd_parms& p) noexcept { return parse(r, p); },
                          +[](request_rec* r, const cmd_parms& p) noexcept { return look_at_all_lines(r, p); }}) {
    if (ap_pcfg_openfile(&parms.config_file, request->pool, request->filename) != APR_SUCCESS) {
      return {1, "the file can't be read"};
    }
    complaint = look(request, parms);
    ap_cfg_closefile(parms.config_file);
    if (complaint.message != nullptr) break;
  }
  return complaint;
}

}  // namespace

int judge_htaccess(request_rec* request) noexcept {
  if (std::strcmp(request->handler, kHtaccessHandler) != 0) return DECLINED;
  if (request->finfo.filetype != APR_REG) return HTTP_NOT_FOUND;
  const Complaint complaint = judge(request);
  ap_set_content_type(request, "text/plain");
  if (complaint.message == nullptr) {
    ap_rputs("accepted", request);
  } else {
    ap_rprintf(request, "%u %s", complaint.line, complaint.message);
  }
  return OK;
}

}  // namespace aegir::apache
