// How each kind of object is read from a document: every field that is named replaces what the object has.
#pragma once

#include <string_view>

#include "compiler/core/secret_box.hpp"
#include "compiler/registry/object_reader.hpp"
#include "compiler/registry/sealed_text.hpp"

namespace aegir::registry {

void read_fields(ObjectReader& in, Settings& settings);
/// Members of "web" that are null go.
void read_fields(ObjectReader& in, Server& server);
void read_fields(ObjectReader& in, Client& client);
void read_fields(ObjectReader& in, Block& block);
void read_fields(ObjectReader& in, Platform& platform);

/// What a site's document said beyond the fields themselves.
struct SiteExtras {
  bool named_slot = false;
  bool named_cron_key = false;
  bool named_hash_salt = false;
  bool named_password = false;  ///< of the database
};

/// Reads all fields of a site but "uri", "id" and "state". Members of "aliases" that are null go; host names become
/// canonical. `key` opens sealed secrets.
SiteExtras read_fields(ObjectReader& in, Site& site, const KeyRing& key);

/// The canonical form of a typed host name (also *.suffix with `wildcard`).
Result<std::string> canonical_name(std::string_view typed, bool wildcard);

/// canonical_name() of a text, or nothing (refused at `at`).
std::optional<std::string> read_host(Diagnostics& diagnostics, const Node& at, const std::string& path, bool wildcard);

}  // namespace aegir::registry
