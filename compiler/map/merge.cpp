#include "compiler/map/merge.hpp"

#include "compiler/map/units.hpp"

namespace aegir::map {

Result<Written> merge(const Target& target, const Snapshot& snapshot) {
  const Header& newest = snapshot.newest().header();
  FileInfo info;
  info.registry_id = newest.registry_id;
  info.generation = newest.generation;
  info.history_tag = newest.history_tag;
  info.key_id = newest.key_id;
  info.console = snapshot.console();
  std::vector<PlatformRecord> platforms;
  for (const PlatformView& row : snapshot.platforms()) {
    platforms.push_back({row.id, row.services, row.cms, std::string(row.name), std::string(row.docroot)});
  }
  Result<Writer> writer = Writer::create(target, info, platforms);
  if (!writer) return pass(writer);
  MergedUnits units(snapshot);
  Result<bool> more = units.next();
  for (; more && *more; more = units.next()) {
    if (Result<void> added = writer->add(units.unit()); !added) return pass(added);
  }
  if (!more) return pass(more);
  return writer->finish();
}

}  // namespace aegir::map
