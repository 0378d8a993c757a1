#include "sidecar/verbs/services.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "compiler/core/utf8.hpp"
#include "compiler/map/reader.hpp"
#include "compiler/verify/from_registry.hpp"
#include "sidecar/verbs/drush_path.hpp"

namespace aegir::verbs {

using registry::LogLevel;

Result<std::uint64_t> Services::publish() {
  return store_.with([&](registry::Store&) -> Result<std::uint64_t> {
    Result<publish::Report> report = publisher_.publish();
    if (!report) return pass(report);
    return report->generation;
  });
}

Result<void> Services::compare_map(registry::Store& store, const publish::OnChange& told) const {
  const Result<publish::Compiler> compiler = publish::Compiler::load(store, config_, map_keys_);
  if (!compiler) return std::unexpected<Error>(compiler.error());
  const Result<publish::Snapshot> live = map::open_published(config_.map_dir, nullptr);
  if (!live) return std::unexpected<Error>(live.error());
  return publish::compare_map(store, *compiler, &map_keys_, live->get(), told);
}

Result<void> Services::mend_map() {
  return store_.with([&](registry::Store& store) -> Result<void> {
    Result<publish::Report> report = publisher_.publish();
    if (!report) return pass(report);
    bool differs = false;
    const Result<void> compared = compare_map(store, [&](const publish::EntryChange&) -> Result<void> {
      differs = true;
      return {};
    });
    if (compared && !differs) return {};
    report = publisher_.rebuild("it was not what the registry says");
    return report ? Result<void>() : pass(report);
  });
}

void Services::start_php(const std::function<void(const Error&)>& tell) {
  const Result<std::vector<registry::Block>> blocks =
      store_.with([](registry::Store& store) { return store.blocks(); });
  if (!blocks) return tell(blocks.error());
  for (const registry::Block& block : *blocks) {
    const Result<void> started = host_.start_php({block.server, block.name});
    // One that no verify has brought to this machine yet has nothing to start.
    if (!started && started.error().code != Code::kNotFound) tell(started.error());
  }
}

database::Server Services::database_server(const registry::Server& server) const {
  database::Admin admin;
  admin.server = server.name;
  admin.socket = config_.database_socket;
  const std::string file = database_options_file(config_, server.name);
  if (std::error_code error; std::filesystem::exists(file, error)) admin.options_file = file;
  return database::Server(std::move(admin));
}

Result<database::Server> Services::database_server(const std::string& name) {
  Result<std::vector<registry::Server>> servers = store_.with([](registry::Store& store) { return store.servers(); });
  if (!servers) return pass(servers);
  const auto server = std::ranges::find(*servers, name, &registry::Server::name);
  if (server == servers->end()) return fail(Code::kNotFound, "there is no server " + printable(name));
  return database_server(*server);
}

Result<void> read_request(std::string_view request, const std::function<void(registry::ObjectReader&)>& read) {
  constexpr std::string_view kFile = "request";
  auto document = registry::Document::parse(request, kFile);
  if (!document) return std::unexpected(std::move(document.error()));
  registry::Diagnostics diagnostics(*document, kFile);
  diagnostics.refuse_duplicates();
  {
    registry::ObjectReader in(diagnostics, document->root(), {});
    read(in);
  }
  std::vector<Error> errors = diagnostics.take();
  if (errors.empty()) return {};
  return std::unexpected(std::move(errors.front()));
}

Result<void> warn_when_lasting(tasks::Work& work, Result<void> done) {
  if (done) return done;
  const Code code = done.error().code;
  if (code == Code::kIo || code == Code::kBusy || code == Code::kInternal) return done;
  work.warn(done.error());
  return {};
}

Result<void> warn_of_lasting(tasks::Work& work, const std::vector<Error>& errors) {
  Result<void> all;
  for (const Error& error : errors) {
    if (error.code != Code::kIo) {
      work.warn(error);
    } else if (all) {
      all = std::unexpected(error);
    }
  }
  return all;
}

void tell_done(tasks::Work& work, const machine::Done& done) {
  constexpr std::size_t kMost = 50;
  for (const std::string& line : std::span(done).first(std::min(done.size(), kMost))) work.log(LogLevel::kDebug, line);
  if (done.size() > kMost) {
    work.log(LogLevel::kDebug, "and " + std::to_string(done.size() - kMost) + " more were put right");
  }
}

wire::Slot SiteContext::slot() const { return {site.block, site.slot, block.first_uid + site.slot}; }

wire::SiteOrder SiteContext::place() const { return {slot(), platform.docroot, site.uri}; }

wire::SiteFilesOrder SiteContext::files() const {
  return {slot(),
          {site, platform, database, core_version, packages},
          block.php_version,
          block.isolation == registry::Isolation::kSite};
}

std::vector<registry::WebService> SiteContext::services() const {
  std::vector<registry::WebService> used;
  std::ranges::copy_if(web.web, std::back_inserter(used),
                       [&](const registry::WebService& each) { return (platform.services & each.kind) != 0; });
  return used;
}

std::string SiteContext::origin() const {
  const bool secure = site.https == registry::Https::kRequired;
  const std::vector<registry::WebService> used = services();
  const std::uint16_t usual = secure ? 443 : 80;
  const std::uint16_t port = used.empty() ? usual : secure ? used.front().https_port : used.front().http_port;
  return std::string(secure ? "https" : "http") + "://" + site.uri + (port == usual ? "" : ":" + std::to_string(port));
}

Result<registry::Platform> platform_named(registry::Store& store, const std::string& name) {
  Result<std::vector<registry::Platform>> platforms = store.platforms();
  if (!platforms) return pass(platforms);
  const auto found = std::ranges::find(*platforms, name, &registry::Platform::name);
  if (found != platforms->end()) return *found;
  return fail(Code::kNotFound, "there is no platform " + printable(name), "see `aegir platform list`");
}

Result<registry::Site> find_site(registry::Store& store, const std::string& uri) {
  Result<std::optional<registry::Site>> site = store.find_site(uri);
  if (!site) return pass(site);
  if (!site->has_value()) {
    return fail(Code::kNotFound, "there is no site " + printable(uri), "see `aegir site list`");
  }
  if ((*site)->uri != uri) {
    return fail(Code::kNotFound, uri + " is an alias of the site " + (*site)->uri, "name the site: " + (*site)->uri);
  }
  return **std::move(site);
}

Result<SiteContext> load_site(registry::Store& store, const std::string& uri) {
  Result<registry::Site> site = find_site(store, uri);
  if (!site) return pass(site);
  return complete(store, *std::move(site));
}

Result<SiteContext> complete(registry::Store& store, registry::Site site) {
  if (site.block.empty()) {
    return fail(Code::kConflict, "site " + site.uri + " has no slot, so nothing of it is on this machine",
                "add a block of PHP for its server with `aegir block add`");
  }
  SiteContext context;
  Result<std::vector<registry::Platform>> platforms = store.platforms();
  if (!platforms) return pass(platforms);
  Result<std::vector<registry::Block>> blocks = store.blocks();
  if (!blocks) return pass(blocks);
  Result<std::vector<registry::Server>> servers = store.servers();
  if (!servers) return pass(servers);
  const auto named = [](const auto& all, const std::string& name) {
    return std::ranges::find_if(all, [&](const auto& each) { return each.name == name; });
  };
  context.platform = *named(*platforms, site.platform);
  context.block = *named(*blocks, site.block);
  context.web = *named(*servers, context.platform.server);
  const auto database = named(*servers, site.database.server);
  if (database != servers->end()) context.database = database->database;
  context.site = std::move(site);
  emit::SiteFacts facts;
  facts.site = context.site;
  registry::Codebase codebase;
  Result<void> added = verify::add_packages(store, facts, [&]() -> Result<const registry::Codebase*> {
    Result<registry::Codebase> read = store.codebase(context.platform.id);
    if (!read) return pass(read);
    codebase = *std::move(read);
    return &codebase;
  });
  if (!added) return pass(added);
  context.core_version = std::move(facts.core_version);
  context.packages = std::move(facts.packages);
  return context;
}

Result<std::string> mail_of_client(registry::Store& store, const std::string& client) {
  if (client.empty()) return std::string();
  const Result<std::vector<registry::Client>> clients = store.clients();
  if (!clients) return std::unexpected<Error>(clients.error());
  const auto found = std::ranges::find(*clients, client, &registry::Client::name);
  return found == clients->end() ? std::string() : found->email;
}

Result<drush::Tool> tool_of(const Config& config, const registry::Platform& platform) {
  std::string named = platform.drush;
  if (named.empty()) {
    named = platform.cms == registry::Cms::kBackdrop ? config.bee : config.drush;
  } else if (Result<void> good = check_drush_path(config, named); !good) {
    return pass(good);
  }
  return drush::find_tool(platform.docroot, platform.cms, named);
}

Result<drush::Site> drush_site(const Config& config, const SiteContext& context) {
  if (!context.database) {
    return fail(Code::kConflict, "site " + context.site.uri + " has no database server", "import one for it");
  }
  Result<drush::Tool> tool = tool_of(config, context.platform);
  if (!tool) return pass(tool);
  const std::string own = slot_home(config, context.site.block, context.site.slot);
  drush::Site site;
  site.uri = context.site.uri;
  site.docroot = context.platform.docroot;
  site.cms = context.platform.cms;
  site.tool = *std::move(tool);
  site.origin = context.origin();
  site.php_dir = block_php_dir(config, context.site.block);
  site.home = own + "/home";
  site.tmp = own + "/tmp";
  site.service = *context.database;
  site.database = context.site.database;
  return site;
}

drush::Progress progress_of(tasks::Work& work) {
  // A site's code can say as many lines as it likes; each would be a row of the registry.
  constexpr std::size_t kMost = 5000;
  return [&work, said = std::size_t{0}](const drush::Line& line) mutable {
    if (++said > kMost) {
      if (said == kMost + 1) work.log(LogLevel::kWarning, "it says more than 5,000 lines; the others are not kept");
      return;
    }
    switch (line.level) {
      case drush::Level::kText:
        return work.log(LogLevel::kDebug, line.text);
      case drush::Level::kNotice:
      case drush::Level::kSuccess:
        return work.log(LogLevel::kInfo, line.text);
      case drush::Level::kWarning:
      case drush::Level::kError:
        return work.log(LogLevel::kWarning, line.text);
    }
  };
}

Result<bool> write_site_files(Services& services, tasks::Work& work, const std::string& uri) {
  const auto load = [&] {
    return services.store().with([&](registry::Store& store) { return load_site(store, uri); });
  };
  Result<SiteContext> context = load();
  if (!context) return pass(context);
  Result<wire::WrittenSite> written = services.host().write_site(context->files());
  if (written && written->cloaking) {
    // The registry comes first: it alone tells, after a kill, which of the two has changed.
    const registry::Actor actor{work.task().actor, "drushrc.php of " + uri + " says so"};
    registry::Site site = context->site;
    site.cloaking = *written->cloaking;
    Result<std::uint64_t> put = services.store().with([&](registry::Store& store) {
      return store.transact(actor, [&](registry::Writer& writer) { return writer.put(site); });
    });
    if (!put) return pass(put);
    context = load();
    if (!context) return pass(context);
    written = services.host().write_site(context->files());
  }
  if (!written) return pass(written);
  tell_done(work, written->done);
  std::vector<Error> errors = std::move(written->errors);
  std::ranges::move(written->of_platform, std::back_inserter(errors));
  if (Result<void> all = warn_of_lasting(work, errors); !all) return pass(all);
  if (const std::optional<std::string> note = verify::note_of_kept(written->kept)) work.log(LogLevel::kInfo, *note);
  return written->waits;
}

Result<void> bring_site_files(Services& services, tasks::Work& work, const std::string& uri) {
  const Result<bool> waits = write_site_files(services, work, uri);
  if (!waits) return std::unexpected(waits.error());
  if (!*waits) return {};
  const Result<std::uint64_t> published = services.publish();
  if (!published) return std::unexpected(published.error());
  const Result<SiteContext> context =
      services.store().with([&](registry::Store& store) { return load_site(store, uri); });
  if (!context) return std::unexpected(context.error());
  const Result<machine::Done> finished = services.host().finish_site(context->files());
  if (!finished) return std::unexpected(finished.error());
  tell_done(work, *finished);
  return {};
}

}  // namespace aegir::verbs
