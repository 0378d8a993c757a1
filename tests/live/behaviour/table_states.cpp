// Gates, the ACME path, and probes.
#include "tests/live/behaviour/row.hpp"

namespace aegir::live {

namespace {

const std::string kAcme = "/.well-known/acme-challenge/";

Expect disabled() {
  return {.status = 503,
          .has = {"This site has been disabled by the site administrators"},
          .headers = {{"Retry-After", ""}, {"X-Aegir-Site", ""}}};
}

Expect maintained() {
  return {.status = 503, .has = {"under maintenance"}, .headers = {{"Retry-After", "300"}, {"X-Aegir-Site", ""}}};
}

std::vector<Row> gate_rows() {
  return {
      {"disabled", get("off.test", "/"), disabled()},
      {"disabled_php", get("off.test", "/index.php"), disabled()},
      {"disabled_static_file", get("off.test", "/style.css"), disabled()},
      {"disabled_closed_path", get("off.test", "/install.php"), disabled()},
      {"disabled_post", "POST / HTTP/1.1\r\nHost: off.test\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
       disabled()},
      {"disabled_wins_over_redirect", get("www.off.test", "/"), disabled()},
      {"maintenance", get("maintained.test", "/node/1"), maintained()},
      {"maintenance_static_file", get("maintained.test", "/style.css"), maintained()},
      {"maintenance_head",
       "HEAD / HTTP/1.1\r\nHost: maintained.test\r\nConnection: close\r\n\r\n",
       {.status = 503, .headers = {{"Retry-After", "300"}}}},
  };
}

/// The site's password is asked for: nobody searches there, nothing of the site shows, nothing is decrypted.
Expect locked() {
  return {.status = 401,
          .lacks = {"AEGIR_SITE"},
          .headers = {{"WWW-Authenticate", "Basic realm=\"Staging\""}, {"X-Robots-Tag", "noindex"}}};
}

Expect unlocked(Expect expect) {
  expect.headers.emplace_back("WWW-Authenticate", "");
  expect.headers.emplace_back("X-Robots-Tag", "noindex");
  expect.lacks.insert(expect.lacks.end(), {"YW5u", "sesame"});  // HTTP_AUTHORIZATION, PHP_AUTH_PW
  return expect;
}

std::vector<Row> password_rows() {
  const auto with = [](const std::string& path, const std::string& authorization) {
    return get("locked.test", path, {"Authorization: " + authorization});
  };
  const std::string right = "YW5uOm9wZW46IHNlc2FtZQ==";  // ann:open: sesame
  return {
      {"password_missing", get("locked.test", "/"), locked()},
      {"password_missing_static_file", get("locked.test", "/style.css"), locked()},
      {"password_missing_closed_path", get("locked.test", "/install.php"), locked()},
      {"password_right", with("/node/1", "Basic " + right), unlocked(php("locked.test"))},
      {"password_right_static_file", with("/style.css", "basic  " + right), unlocked(file("a style"))},
      {"password_wrong", with("/", "Basic YW5uOm9wZW4="), locked()},
      {"password_of_another_user", with("/", "Basic Ym9iOm9wZW46IHNlc2FtZQ=="), locked()},
      {"password_without_a_colon", with("/", "Basic YW5u"), locked()},
      {"password_that_is_no_base64", with("/", "Basic " + right + "*"), locked()},
      {"password_by_another_scheme", with("/", "Bearer " + right), locked()},
      {"password_of_1000_characters", with("/", "Basic " + std::string(1000, 'A')), locked()},
      {"password_is_not_asked_for_acme", get("locked.test", kAcme + "in-root"), file("from the root")},
  };
}

std::vector<Row> acme_rows() {
  return {
      {"acme", get("a.test", kAcme + "in-root"), file("from the root")},
      {"acme_in_the_docroot", get("a.test", kAcme + "in-docroot"), file("from the docroot")},
      {"acme_of_a_disabled_site", get("off.test", kAcme + "in-root"), file("from the root")},
      {"acme_of_a_maintained_site", get("maintained.test", kAcme + "in-root"), file("from the root")},
      {"acme_of_a_redirected_name", get("www.a.test", kAcme + "in-root"), file("from the root")},
      {"acme_of_a_site_with_https", get("secure.test", kAcme + "in-root"), file("from the root")},
      {"acme_head",
       "HEAD " + kAcme + "in-root HTTP/1.1\r\nHost: off.test\r\nConnection: close\r\n\r\n",
       {.headers = {{"Content-Length", "13"}}}},
      {"acme_empty", get("off.test", kAcme + "empty"), {.headers = {{"Content-Length", "0"}}}},
      {"acme_unknown_token", get("off.test", kAcme + "no-such-token"), status(404)},
      {"acme_unknown_host", get("unknown.test", kAcme + "in-root"), status(404)},
      {"acme_upwards", get("off.test", kAcme + "../../index.php"), disabled()},
      {"acme_upwards_encoded", get("off.test", kAcme + "..%2f..%2findex.php"), disabled()},
      {"acme_folder", get("off.test", kAcme), status(404)},
  };
}

std::vector<std::string> token(const std::string& text) { return {"X-Aegir-Probe: " + text}; }

/// Answered from the record, and PHP knows of the probe but not of its token.
Expect probed(const std::string& directory) {
  Expect expect =
      php(directory == "a.test" ? "b.test" : directory, {"AEGIR_PROBE=1\n", "AEGIR_SITE_DIR=" + directory + "\n"});
  expect.lacks = {"token-"};
  return expect;
}

/// As without a token.
Expect not_probed() {
  Expect expect = php("b.test", {"AEGIR_SITE_DIR=b.test\n", "db_name=b_db\n"});
  expect.lacks = {"AEGIR_PROBE", "token-"};
  expect.headers = {{"X-Aegir-Site", ""}};
  return expect;
}

std::vector<Row> probe_rows() {
  Expect candidate = probed("a.test");
  candidate.has.push_back("db_name=candidate_db\n");
  candidate.headers = {{"X-Aegir-Site", "b.test; generation={generation}"}};
  Expect passed = probed("maintained.test");
  passed.headers = {{"X-Aegir-Site", "maintained.test; generation={generation}"}, {"Retry-After", ""}};
  return {
      {"probe", get("b.test", "/", token(kCandidateToken)), candidate, {}, kProbePeer},
      {"probe_past_the_gate", get("maintained.test", "/", token(kPassToken)), passed, {}, kProbePeer},
      {"probe_wrong_token", get("b.test", "/", token("token-that-nobody-has")), not_probed(), {}, kProbePeer},
      {"probe_expired", get("b.test", "/", token(kExpiredToken)), not_probed(), {}, kProbePeer},
      {"probe_wrong_peer", get("b.test", "/", token(kCandidateToken)), not_probed()},
      {"probe_peer_only_by_header",
       get("b.test", "/", {"X-Aegir-Probe: " + std::string(kCandidateToken), "X-Forwarded-For: 127.0.0.3"}),
       not_probed()},
      {"probe_of_another_host", get("maintained.test", "/", token(kCandidateToken)), maintained(), {}, kProbePeer},
      {"probe_pass_of_another_host", get("off.test", "/", token(kPassToken)), disabled(), {}, kProbePeer},
      {"probe_of_a_closed_path",
       get("b.test", "/core/install.php", token(kCandidateToken)),
       status(403),
       {},
       kProbePeer},
      {"probe_without_value", get("b.test", "/", token("")), not_probed(), {}, kProbePeer},
  };
}

}  // namespace

std::vector<Row> state_rows() {
  std::vector<Row> rows = gate_rows();
  for (const auto part : {password_rows, acme_rows, probe_rows}) {
    for (const Row& row : part()) rows.push_back(row);
  }
  return rows;
}

}  // namespace aegir::live
