#include "compiler/registry/site_row.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>

namespace aegir::registry {
namespace {

/// One entry a line.
std::string lines(const std::vector<std::string>& entries) {
  std::string text;
  for (const std::string& entry : entries) {
    if (!text.empty()) text += '\n';
    text += entry;
  }
  return text;
}

std::string lines(const std::vector<Alias>& aliases) {
  std::string text;
  for (const Alias& alias : aliases) {
    if (!text.empty()) text += '\n';
    text += alias.host;
    if (!alias.redirect_to.empty()) (text += ' ') += alias.redirect_to;
  }
  return text;
}

/// Takes the part before the next `mark` (or all) off `text`.
std::string_view take(std::string_view& text, char mark) {
  const std::size_t end = text.find(mark);
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return part;
}

void read_lines(std::string_view text, std::vector<std::string>& entries) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) {
    if (count == entries.size()) entries.emplace_back();
    entries[count] = take(text, '\n');
  }
  entries.resize(count);
}

void read_lines(std::string_view text, std::vector<Alias>& aliases) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) {
    if (count == aliases.size()) aliases.emplace_back();
    std::string_view line = take(text, '\n');
    aliases[count].host = take(line, ' ');
    aliases[count].redirect_to = line;
  }
  aliases.resize(count);
}

std::string seal_host(const std::string& row) { return row + "/secrets"; }

/// All secrets of a site are one sealed value, a line each: opening is what reading a site costs most.
std::vector<unsigned char> sealed_secrets(const Site& site, const KeyRing& key, const std::string& row) {
  std::string plain = site.database.password + '\n' + site.cron_key + '\n' + site.hash_salt + '\n';
  if (site.http_auth) plain += site.http_auth->password;
  std::vector<unsigned char> sealed = key.seal(seal_host(row), plain);
  sodium_memzero(plain.data(), plain.size());
  return sealed;
}

/// Room for the secrets of a site in plain.
using Plain = std::array<char, 1024>;

Result<void> open_secrets(Blob sealed, std::uint32_t key_id, const KeyRing& key, std::string_view path,
                          std::string_view row, Site& site) {
  Plain plain;
  const std::ptrdiff_t size = key.open(key_id, seal_host(std::string(row)), sealed, plain);
  if (size < 0) {
    return fail_at(path, Code::kCorrupt,
                   "the secrets of site '" + site.uri +
                       "' can't be opened with the given key; they were sealed with key " + std::to_string(key_id),
                   "use the registry's own key file, the one that has key " + std::to_string(key_id));
  }
  std::string_view rest(plain.data(), static_cast<std::size_t>(size));
  site.database.password = take(rest, '\n');
  site.cron_key = take(rest, '\n');
  site.hash_salt = take(rest, '\n');
  if (site.http_auth) site.http_auth->password = rest;
  sodium_memzero(plain.data(), static_cast<std::size_t>(size));
  return {};
}

}  // namespace

std::optional<std::vector<unsigned char>> seal_again(Blob sealed, std::uint32_t key_id, const KeyRing& key,
                                                     const std::string& row) {
  Plain plain;
  const std::ptrdiff_t size = key.open(key_id, seal_host(row), sealed, plain);
  if (size < 0) return {};
  const std::string_view secrets(plain.data(), static_cast<std::size_t>(size));
  std::vector<unsigned char> again = key.seal(seal_host(row), secrets);
  sodium_memzero(plain.data(), secrets.size());
  return again;
}

std::string site_row_name(std::uint64_t id) { return "site/" + std::to_string(id); }

std::string candidate_row_name(std::string_view token_key) { return "candidate/" + std::string(token_key); }

Result<void> run_with_site(Connection& connection, std::string_view sql, const Site& site, const Catalog& catalog,
                           const KeyRing& key, const std::string& row, std::string_view extra) {
  if (key.empty()) {
    return fail(Code::kUsage, "the registry was opened without a key, so no site can be written",
                "name the registry's key file");
  }
  const auto platform = catalog.platforms.find(site.platform);
  if (platform == catalog.platforms.end()) return fail(Code::kInternal, "no platform '" + site.platform + "'");
  const std::vector<unsigned char> secrets = sealed_secrets(site, key, row);
  const HttpAuth auth = site.http_auth.value_or(HttpAuth{});
  const auto run = [&](const auto&... more) {
    return connection.run(sql, site.id, site.uri, platform->second.id, OrNull{site.client}, site.state, site.profile,
                          site.language, site.https, site.cloaking, site.redirect_to, lines(site.aliases),
                          lines(site.former_uris), OrNull{auth.user}, OrNull{site.http_auth ? auth.realm : ""},
                          lines(site.key_pages), site.php.memory_limit, site.php.upload_max_filesize,
                          site.php.post_max_size, site.php.max_execution_time, site.body_limit,
                          OrNull{site.database.server}, site.database.name, site.database.user, OrNull{site.block},
                          site.slot, key.current_id(), Blob(secrets), more...);
  };
  return extra.empty() ? run() : run(extra);
}

Result<void> read_site(const Query& query, int first, const Catalog& catalog, const KeyRing& key, std::string_view path,
                       std::string_view row, Site& site) {
  int column = first;
  const auto number = [&] { return static_cast<std::uint32_t>(query.integer(column++)); };
  const auto text = [&](std::string& out) { out = query.text(column++); };
  site.id = static_cast<std::uint64_t>(query.integer(column++));
  text(site.uri);
  const auto platform = catalog.platform_names.find(number());
  if (platform == catalog.platform_names.end()) {
    return fail_at(path, Code::kCorrupt, "site '" + site.uri + "' is on a platform that is not there");
  }
  site.platform = platform->second;
  text(site.client);
  site.state = static_cast<SiteState>(number());
  text(site.profile);
  text(site.language);
  site.https = static_cast<Https>(number());
  site.cloaking = number() != 0;
  text(site.redirect_to);
  read_lines(query.text(column++), site.aliases);
  read_lines(query.text(column++), site.former_uris);
  if (query.is_null(column)) {
    site.http_auth.reset();
  } else {
    if (!site.http_auth) site.http_auth.emplace();
    site.http_auth->user = query.text(column);
    site.http_auth->realm = query.text(column + 1);
  }
  column += 2;
  read_lines(query.text(column++), site.key_pages);
  site.php = {number(), number(), number(), number()};
  site.body_limit = number();
  text(site.database.server);
  text(site.database.name);
  text(site.database.user);
  text(site.block);
  site.slot = number();
  const std::uint32_t key_id = number();
  return open_secrets(query.blob(column), key_id, key, path, row, site);
}

}  // namespace aegir::registry
