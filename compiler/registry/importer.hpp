// One import: goes through a document in the order in which objects need each other and puts each into the Writer,
// while it collects what is wrong. See json.hpp for what an import means.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "compiler/registry/import_fields.hpp"
#include "compiler/registry/json.hpp"

namespace aegir::registry {

/// For who writes null in place of a named object, as lists of aliases and web services take it.
inline constexpr std::string_view kDeleteHint = "to delete it, write {\"state\": \"deleted\"}";

class Importer {
 public:
  Importer(Store& store, const Document& document, std::string_view file, const ImportOptions& options)
      : store_(store), root_(document.root()), diagnostics_(document, file), replace_(options.replace) {
    diagnostics_.refuse_duplicates();
  }

  /// The body of the transaction. Fails with kInvalid when diagnostics() has errors, else with the store's own error.
  [[nodiscard]] Result<void> run(Writer& writer);

  [[nodiscard]] Diagnostics& diagnostics() noexcept { return diagnostics_; }
  [[nodiscard]] const ImportReport& report() const noexcept { return report_; }

 private:
  template <class Object>
  using ByName = std::map<std::string, Object, std::less<>>;
  using Member = Node::Member;

  // importer.cpp: the head, and everything but sites
  [[nodiscard]] Result<void> head(ObjectReader& in);
  [[nodiscard]] Result<void> load();
  [[nodiscard]] Result<void> settings(ObjectReader& in);
  [[nodiscard]] Result<void> slots(ObjectReader& in);
  template <class Object>
  [[nodiscard]] Result<void> objects(ObjectReader& in, std::string_view section, ByName<Object>& present);
  template <class Object>
  [[nodiscard]] Result<void> put(const Member& member, const std::string& path, std::size_t first_error,
                                 const Object& object, ByName<Object>& present);
  /// What a platform that has been put brings, as `node` says.
  [[nodiscard]] Result<void> codebase(const Member& member, const std::string& path, const std::string& platform,
                                      const Node& node);
  /// Defaults that depend on other objects, ids, and what must not be missing. `old` is what the registry has.
  void fill_in(ObjectReader& in, Block& block, const Block* old);
  void fill_in(ObjectReader& in, Platform& platform, const Platform* old);
  void fill_in(ObjectReader& /*in*/, Server& /*server*/, const Server* /*old*/) {}
  void fill_in(ObjectReader& /*in*/, Client& /*client*/, const Client* /*old*/) {}
  void fill_in_server(ObjectReader& in, std::string& server);
  /// A platform that the document locks takes the document's own sites first.
  void lock_later(const Member& member, Platform& platform, const Platform* old);
  [[nodiscard]] Result<void> locks();
  [[nodiscard]] Result<void> removals();
  [[nodiscard]] Result<void> check_servers();

  // site_importer.cpp
  [[nodiscard]] Result<void> sites(ObjectReader& in);
  [[nodiscard]] Result<void> release_names(const Member& member, const std::string& uri);
  [[nodiscard]] Result<void> delete_unnamed_sites(const Node& at);
  /// Refuses to delete `site`, as it was before the import, while it is served (require_disabled_before_delete).
  void require_disabled(const Site& site, const Node& at);
  [[nodiscard]] Result<void> delete_site(const Member& member, const std::string& uri);
  [[nodiscard]] Result<void> import_site(const Member& member, const std::string& uri);
  [[nodiscard]] Result<void> deleted_sites(ObjectReader& in);
  [[nodiscard]] Result<std::optional<Site>> find_by_uri(const std::string& uri);
  void fill_in(ObjectReader& in, Site& site, const Site* old, const SiteExtras& extras);
  void read_id(ObjectReader& in, Site& site, const Site* old);
  [[nodiscard]] std::string default_database_server(const Site& site) const;

  /// Notes the problems of an object that the Writer refused, or hands on an error of the store itself.
  [[nodiscard]] Result<void> note(const Error& error, const Problems& problems, const Node& key, const Node& value,
                                  const std::string& path, std::size_t first_error);

  Store& store_;
  const Node& root_;
  Diagnostics diagnostics_;
  bool replace_;
  Writer* writer_ = nullptr;
  ImportReport report_;

  ByName<Server> servers_;
  ByName<Client> clients_;
  ByName<Block> blocks_;
  ByName<Platform> platforms_;
  bool is_empty_ = false;         ///< before the import there was nothing, not even history
  bool has_sites_ = false;        ///< before the import
  Settings settings_;             ///< as they are after it
  std::set<std::string> failed_;  ///< "platforms/d10": objects that were refused
  struct Removal {
    std::string section, name;
    const Node* at;
  };
  struct Lock {
    const Member* member;
    Platform platform;
    bool is_all;  ///< the document changes nothing else about the platform
  };
  std::vector<Lock> locks_;
  std::vector<Removal> removals_;                       ///< made when nothing can need the objects any more
  std::unordered_map<std::string, const Node*> named_;  ///< canonical uris of the document's sites
  std::unordered_set<std::string> released_;            ///< uris of sites that gave up a name in release_names()
  std::unordered_set<std::uint64_t> ids_;               ///< of sites, in a restore
};

/// Where in `value` (an object's JSON, with `key`) the field of a Problem stands, or what it lies in.
[[nodiscard]] const Node& locate(const Node& key, const Node& value, std::string_view field);

}  // namespace aegir::registry
