// What aegird is asked for and what it answers about sites, platforms and servers, as values.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "sidecar/wire/model.hpp"
#include "sidecar/wire/order.hpp"

namespace aegir::wire {

/// A site's directory, <docroot>/sites/<uri>, and the slot that it runs in.
struct SiteOrder {
  Slot slot;
  std::string docroot;
  std::string uri;
};
constexpr auto fields(Of<SiteOrder> auto& value) { return std::tie(value.slot, value.docroot, value.uri); }

/// A site whose files are written.
struct SiteFilesOrder {
  Slot slot;
  emit::SiteFacts facts;
  std::string php_version;  ///< of its block
  bool alone = true;        ///< in its slot
};
constexpr auto fields(Of<SiteFilesOrder> auto& value) {
  return std::tie(value.slot, value.facts, value.php_version, value.alone);
}

/// What was put right in a site's directory.
struct PreparedTree {
  std::vector<std::string> done;
  std::optional<Error> error;  ///< what was in the way; all else is right
  bool own = false;            ///< the directory is the site's own, so that its files may be written all the same
};
constexpr auto fields(Of<PreparedTree> auto& value) { return std::tie(value.done, value.error, value.own); }

/// What was written of a site; as verify::WrittenSite.
struct WrittenSite {
  std::vector<std::string> done;
  std::vector<Error> errors;       ///< what a person has to know, and what keeps no site from working
  std::vector<Error> of_platform;  ///< the same of what all sites of the platform share
  std::optional<bool> cloaking;  ///< what people have said in drushrc.php: record it, and ask again. Nothing is written
  std::vector<std::string> kept;  ///< what people have set in drushrc.php and goes on to stand there
  bool waits = false;             ///< settings.php waits for the publish; finish_site() writes it then
};
constexpr auto fields(Of<WrittenSite> auto& value) {
  return std::tie(value.done, value.errors, value.of_platform, value.cloaking, value.kept, value.waits);
}

}  // namespace aegir::wire
