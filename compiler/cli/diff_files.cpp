#include "compiler/cli/diff_files.hpp"

#include <optional>
#include <set>

#include "compiler/cli/publishing.hpp"
#include "compiler/emit/emit.hpp"
#include "compiler/verify/from_registry.hpp"
#include "compiler/verify/site.hpp"

namespace aegir::cli {
namespace {

using OnFile = std::function<void(const publish::FileChange&)>;

/// Files that can't be compared.
class Uncompared {
 public:
  explicit Uncompared(const Output& out) : out_(out) {}
  void add(const Error& error) {
    constexpr std::uint64_t kMostNoted = 100;
    if (++number_ <= kMostNoted) out_.note("not compared: " + describe(error));
    if (number_ == kMostNoted) out_.note("what else can't be compared is only counted");
  }
  void add(const Result<Errors>& told) {
    if (!told) return add(told.error());
    for (const Error& error : *told) add(error);
  }
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  const Output& out_;
  std::uint64_t number_ = 0;
};

/// What verify::Sites and its like write.
Result<void> compare_cms_files(const Config& config, registry::Store& store, const emit::Model& model,
                               const OnFile& told, Uncompared& uncompared) {
  const Result<Accounts> accounts = resolve_accounts(config);
  if (!accounts) return std::unexpected(accounts.error());
  Result<verify::Sites> sites = verify::Sites::load(config, *accounts, store);
  if (!sites) return pass(sites);
  // Servers share a file, and so do platforms with one docroot.
  std::set<std::string> shared;
  const auto once = [&](const publish::FileChange& change) -> Result<void> {
    if (shared.insert(change.path).second) told(change);
    return {};
  };
  for (const registry::Server& server : model.servers) {
    uncompared.add(verify::compare_server_files(config, *accounts, server, once));
  }
  for (const registry::Platform& platform : model.platforms) {
    if (platform.state == registry::PlatformState::kDeleted) continue;
    const Result<verify::PlatformFacts> facts = verify::facts_of(store, platform);
    if (!facts) return std::unexpected(facts.error());
    uncompared.add(verify::compare_platform_files(config, *accounts, *facts, once));
  }
  const auto each = [&](const publish::FileChange& change) -> Result<void> {
    told(change);
    return {};
  };
  Result<void> read = store.each_site([&](const registry::Site& site) -> Result<void> {
    uncompared.add(sites->compare(site, each));
    return {};
  });
  if (!read) return read;
  return sites->compare_others(each);
}

}  // namespace

Result<std::uint64_t> compare_files(const Output& out, const Config& config, registry::Store& store,
                                    const OnFile& told) {
  Result<emit::Model> model = is_root() ? verify::read_model(store, config) : verify::read_model(store);
  if (!model) return pass(model);
  Uncompared uncompared(out);
  const auto each = [&](const publish::FileChange& change) -> Result<void> {
    told(change);
    return {};
  };
  const Result<Errors> fragments = verify::compare_fragments(config, *model, is_root(), each, each);
  if (!fragments) return std::unexpected(fragments.error());
  uncompared.add(fragments);
  if (!is_root()) {
    out.note(
        "only root can read the files of sites, platforms and Drush, and find those that nothing asks for any more: "
        "they were not compared, and what others say of accepted .htaccess files and of their own set's name is shown "
        "as if it went");
    return 0U;
  }
  if (Result<void> done = compare_cms_files(config, store, *model, told, uncompared); !done) return pass(done);
  return uncompared.number();
}

}  // namespace aegir::cli
