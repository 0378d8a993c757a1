// Candidates: what a probe sees of a site before its commit. They are no part of the model's history: no audit row.
#include "compiler/core/utf8.hpp"
#include "compiler/registry/validate.hpp"
#include "compiler/registry/writer.hpp"

namespace aegir::registry {

Result<void> SqliteWriter::put(const Candidate& candidate) {
  const std::string& token = candidate.token_key;
  if (token.size() != 65 || token.front() != '!' ||
      token.find_first_not_of("0123456789abcdef", 1) != std::string::npos) {
    return fail(Code::kInvalid, "a candidate's key is '!' and 64 hex digits, not " + printable(token));
  }
  if (!is_host(candidate.host, false)) {
    return fail(Code::kInvalid,
                "the host of a candidate, " + printable(candidate.host) + ", is no canonical host name");
  }
  if (candidate.site) {
    Problems problems = validate(*candidate.site);
    check_references(*candidate.site, problems);
    if (!problems.empty()) return refuse("the candidate of site", candidate.site->uri, problems);
  }
  Result<void> done = connection_.run("DELETE FROM candidate WHERE token_key = ?1", token);
  if (!done) return done;
  done = connection_.run("INSERT INTO candidate (token_key, host, expiry) VALUES (?1, ?2, ?3)", token, candidate.host,
                         candidate.expiry);
  if (!done) return done;
  if (candidate.site) {
    static const std::string insert = "INSERT INTO candidate_site (" + std::string(kSiteColumns) +
                                      ", token_key) VALUES (" + std::string(kSiteValues) + ", ?28)";
    done = run_with_site(connection_, insert, *candidate.site, catalog_, key_, candidate_row_name(token), token);
    if (!done) return done;
  }
  return log(ChangeKind::kHost, token);
}

Result<void> SqliteWriter::drop_candidate(std::string_view token_key) {
  const Result<bool> known = any("SELECT 1 FROM candidate WHERE token_key = ?1", token_key);
  if (!known) return std::unexpected<Error>(known.error());
  if (!*known) return {};
  Result<void> done = connection_.run("DELETE FROM candidate WHERE token_key = ?1", token_key);
  if (!done) return done;
  return log(ChangeKind::kHost, token_key);
}

}  // namespace aegir::registry
