// What platforms bring and sites have, as rows.
#include <span>

#include "compiler/core/utf8.hpp"
#include "compiler/registry/sqlite_store.hpp"
#include "compiler/registry/validate.hpp"

namespace aegir::registry {
namespace {

/// NULL, or a number, as text: columns of INTEGER turn it into one.
std::string text_of(const std::optional<std::uint32_t>& number) { return number ? std::to_string(*number) : ""; }

std::optional<std::uint32_t> number_or_none(const Query& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return static_cast<std::uint32_t>(row.integer(column));
}

std::string lines(const std::vector<std::string>& entries) {
  std::string text;
  for (const std::string& entry : entries) text += entry + '\n';
  return text;
}

std::vector<std::string> entries_of(std::string_view lines) {
  std::vector<std::string> entries;
  for (std::size_t end = 0; (end = lines.find('\n')) != std::string_view::npos; lines.remove_prefix(end + 1)) {
    entries.emplace_back(lines.substr(0, end));
  }
  return entries;
}

/// Columns: kind, name, path, title, version, schema, place.
Package read_package(const Query& row) {
  Package package;
  package.kind = static_cast<PackageKind>(row.integer(0));
  package.name = row.text(1);
  package.path = row.text(2);
  package.title = row.text(3);
  package.version = row.text(4);
  package.schema = number_or_none(row, 5);
  package.place = static_cast<PackagePlace>(row.integer(6));
  return package;
}

Profile read_profile(const Query& row) {
  return {std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2)), std::string(row.text(3)),
          std::string(row.text(4)), row.integer(5) != 0,      entries_of(row.text(6))};
}

Result<std::vector<Profile>> read_profiles(Connection& connection, std::uint32_t platform) {
  return collect(connection.query("SELECT name, title, description, version, path, hidden, languages FROM profile "
                                  "WHERE platform = ?1 ORDER BY name",
                                  platform),
                 read_profile);
}

Result<Codebase> read_codebase(Connection& connection, std::uint32_t platform) {
  Codebase codebase;
  {
    Query query = connection.query("SELECT version FROM codebase WHERE platform = ?1", platform);
    const Result<bool> row = query.next();
    if (!row) return std::unexpected<Error>(row.error());
    if (!*row) return codebase;
    codebase.version = query.text(0);
  }
  Result<std::vector<Profile>> profiles = read_profiles(connection, platform);
  if (!profiles) return pass(profiles);
  codebase.profiles = *std::move(profiles);
  Result<std::vector<Package>> packages =
      collect(connection.query("SELECT kind, name, path, title, version, schema, place, hidden FROM package "
                               "WHERE platform = ?1 ORDER BY kind, name, path",
                               platform),
              [](const Query& row) {
                Package package = read_package(row);
                package.hidden = row.integer(7) != 0;
                return package;
              });
  if (!packages) return pass(packages);
  codebase.packages = *std::move(packages);
  return codebase;
}

Result<std::vector<Package>> read_own_packages(Connection& connection, std::uint64_t site) {
  return collect(connection.query("SELECT kind, name, path, title, version, schema, place, enabled FROM site_package "
                                  "WHERE site = ?1 ORDER BY kind, name, path",
                                  site),
                 [](const Query& row) {
                   Package package = read_package(row);
                   package.enabled = row.integer(7) != 0;
                   return package;
                 });
}

}  // namespace

Result<Codebase> SqliteStore::codebase(std::uint32_t platform) {
  return reading([&] { return read_codebase(*connection_, platform); });
}

Result<std::vector<Profile>> SqliteStore::profiles(std::uint32_t platform) {
  return read_profiles(*connection_, platform);
}

Result<std::vector<Package>> SqliteStore::own_packages(std::uint64_t site) {
  return read_own_packages(*connection_, site);
}

Result<void> SqliteWriter::put_codebase(std::string_view platform, const Codebase& codebase) {
  const auto found = catalog_.platforms.find(platform);
  if (found == catalog_.platforms.end() || found->second.state == PlatformState::kDeleted) {
    return fail(Code::kNotFound, "there is no platform " + printable(platform));
  }
  if (codebase != Codebase{}) {
    if (const Problems problems = validate(codebase); !problems.empty()) return refuse("platform", platform, problems);
  }
  const Result<Codebase> old = read_codebase(connection_, found->second.id);
  if (!old) return std::unexpected<Error>(old.error());
  if (*old == codebase) return {};
  did("read the code of platform", platform);
  return write_codebase(found->second.id, codebase);
}

Result<void> SqliteWriter::write_codebase(std::uint32_t platform, const Codebase& codebase) {
  Result<void> done = connection_.run("DELETE FROM codebase WHERE platform = ?1", platform);
  if (!done || codebase == Codebase{}) return done;
  done = connection_.run("INSERT INTO codebase (platform, version) VALUES (?1, ?2)", platform, codebase.version);
  for (const Profile& profile : codebase.profiles) {
    if (!done) return done;
    const std::string languages = lines(profile.languages);
    done = connection_.run(
        "INSERT INTO profile (platform, name, title, description, version, path, hidden, languages) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        platform, profile.name, profile.title, profile.description, profile.version, profile.path, profile.hidden,
        languages);
  }
  for (const Package& package : codebase.packages) {
    if (!done) return done;
    const std::string schema = text_of(package.schema);
    done = connection_.run(
        "INSERT INTO package (platform, kind, name, path, title, version, schema, place, hidden) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        platform, package.kind, package.name, package.path, package.title, package.version, OrNull{schema},
        package.place, package.hidden);
  }
  return done;
}

Result<void> SqliteWriter::put_packages(std::string_view uri, const std::vector<Package>& own) {
  const Result<std::optional<Site>> site = find_by_uri(uri);
  if (!site) return std::unexpected<Error>(site.error());
  if (!site->has_value()) return fail(Code::kNotFound, "there is no site " + printable(uri));
  if (const Problems problems = validate(own); !problems.empty()) return refuse("site", uri, problems);
  const Result<std::vector<Package>> old = read_own_packages(connection_, (*site)->id);
  if (!old) return std::unexpected<Error>(old.error());
  if (*old == own) return {};
  did("read the packages of site", uri);
  return write_packages((*site)->id, own);
}

Result<void> SqliteWriter::write_packages(std::uint64_t site, const std::vector<Package>& own) {
  Result<void> done = connection_.run("DELETE FROM site_package WHERE site = ?1", site);
  for (const Package& package : own) {
    if (!done) return done;
    const std::string schema = text_of(package.schema);
    done = connection_.run(
        "INSERT INTO site_package (site, kind, name, path, title, version, schema, place, enabled) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        site, package.kind, package.name, package.path, package.title, package.version, OrNull{schema}, package.place,
        package.enabled);
  }
  return done;
}

}  // namespace aegir::registry
