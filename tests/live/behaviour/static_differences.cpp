#include "tests/live/behaviour/static_differences.hpp"

#include <functional>
#include <map>

namespace aegir::live {
namespace {

/// What is expected instead, made of what the module's form answers.
struct Change {
  std::string reason;
  std::function<Expect(const Row&, const Expect&)> expect;
};
using Changes = std::map<std::string, Change, std::less<>>;

Change to(const std::string& reason, const Expect& expect) {
  return {reason, [expect](const Row&, const Expect&) { return expect; }};
}

Change to_status(const std::string& reason, int status) {
  return {reason, [status](const Row&, const Expect&) { return live::status(status); }};
}

/// The same answer, with a line in the error log.
Change logs(const std::string& regex) {
  return {"the server's own refusal is logged as an error", [regex](const Row&, Expect expect) {
            expect.log = regex;
            return expect;
          }};
}

Expect without_probe() {
  Expect expect = php("b.test", {"AEGIR_SITE_DIR=b.test\n", "db_name=b_db\n"});
  expect.lacks = {"AEGIR_PROBE", "token-"};
  return expect;
}

Expect gated() { return {.status = 503, .has = {"under maintenance"}, .headers = {{"Retry-After", "300"}}}; }

Expect unlocked() { return php("locked.test"); }

/// Of both servers.
Changes common() {
  return {
      {"probe", to("probes are the modules'", without_probe())},
      {"probe_past_the_gate", to("probes are the modules'", gated())},
      {"php_damaged_credentials",
       to("the record of the map is damaged, and the static form has none", php("damaged.test"))},
      {"password_missing_closed_path",
       to_status("rules that close a path come before the password; nobody gets in", 403)},
      {"password_that_is_no_base64", to("the servers' own reader of base64 stops at what is none", unlocked())},
  };
}

Changes of_nginx() {
  Changes changes = common();
  changes["https_and_http_by_a_trusted_proxy"] =
      to("nginx 1.22 knows only the first of several headers of one name", {.has = {"AEGIR_SITE=secure.test\n"}});
  changes["password_wrong"] = logs("password mismatch");
  changes["password_of_another_user"] = logs("was not found in");
  return changes;
}

/// mod_dir's redirect to a folder's slash names scheme, host and the port that the client named.
Expect whole_location(const Row& row, Expect expect) {
  const std::string request = row.request;
  const std::string mark = request.contains(" http://") ? " http://" : "Host: ";
  const std::size_t at = request.find(mark) + mark.size();
  expect.location = "http://" + request.substr(at, request.find_first_of("/\r", at) - at) + expect.location;
  if (row.name.ends_with("an_empty_query")) expect.location += '?';
  return expect;
}

Changes of_apache() {
  Changes changes = common();
  changes["redirect_keeps_an_empty_query"] = to("mod_rewrite drops an empty query", moved("http://a.test:{port}/x"));
  changes["former_uri_encoded_slash"] =
      to("mod_alias works on the decoded path", moved("/sites/renamed.test/files/a/b.txt"));
  for (const char* row : {"zero_byte", "zero_byte_in_a_redirect"}) {
    changes[row] = to_status("Apache answers 404 to a zero byte before any rule", 404);
  }
  changes["options_star"] = to("Apache answers OPTIONS * before any rule", {.status = 200});
  for (const char* row :
       {"bad_encoding", "bad_encoding_in_a_redirect", "above_the_root", "above_the_root_in_a_redirect"}) {
    changes[row] = logs("AH10244: invalid URI path");
  }
  changes["password_wrong"] = logs("AH01617: user ann");
  changes["password_without_a_colon"] = logs("AH01617: user ann");
  changes["password_of_another_user"] = logs("AH01618: user bob not found");
  changes["password_of_1000_characters"] = logs("AH01618: user .* not found");
  changes["password_by_another_scheme"] = logs("AH01614: client used wrong authentication scheme");
  changes["php_missing_script"] = logs("AH01071: Got error 'Primary script unknown'");
  for (const char* row :
       {"folder_without_slash", "folder_without_slash_on_a_port", "folder_without_slash_on_another_port",
        "folder_without_slash_with_query", "folder_without_slash_with_an_empty_query",
        "folder_without_slash_behind_a_proxy", "folder_without_slash_by_an_alias",
        "folder_without_slash_of_an_absolute_uri", "folder_without_slash_double_slashes",
        "folder_without_slash_of_many_bytes", "folder_without_slash_head", "folder_without_slash_post",
        "files_folder_without_slash", "files_folder_below_without_slash"}) {
    changes[row] = {"mod_dir writes scheme, host and port into its redirects", whole_location};
  }
  return changes;
}

const Changes& changes_of(Kind kind) {
  static const Changes nginx = of_nginx();
  static const Changes apache = of_apache();
  return kind == Kind::kNginx ? nginx : apache;
}

}  // namespace

std::optional<Difference> difference_of(Kind kind, const Row& row) {
  const Changes& changes = changes_of(kind);
  const auto found = changes.find(row.name);
  if (found == changes.end()) return std::nullopt;
  return Difference{found->second.reason, found->second.expect(row, expected_of(kind, row))};
}

std::vector<std::string> names_of_differences() {
  std::vector<std::string> names;
  for (const Kind kind : {Kind::kNginx, Kind::kApache}) {
    for (const auto& [name, change] : changes_of(kind)) names.push_back(name);
  }
  return names;
}

}  // namespace aegir::live
