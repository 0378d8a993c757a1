#include <algorithm>

#include "compiler/emit/emit.hpp"
#include "compiler/emit/parts.hpp"
#include "compiler/emit/people.hpp"

namespace aegir::emit {
namespace {

// Collects files until one of them fails.
class Files {
 public:
  void add(std::string path, Result<std::string> content) {
    if (!content) {
      if (!error_) error_ = std::move(content.error());
      return;
    }
    files_.push_back(File{std::move(path), 0640, std::move(*content)});
  }

  Result<std::vector<File>> take() && {
    if (error_) return std::unexpected(std::move(*error_));
    std::ranges::sort(files_, {}, &File::path);
    return std::move(files_);
  }

 private:
  std::vector<File> files_;
  std::optional<Error> error_;
};

void add_web_service(Files& files, const Config& config, const Model& model, const registry::Server& server,
                     const registry::WebService& web) {
  const std::string directory = server_config_dir(config, server.name);
  const std::vector<Certificate>& certificates = model.surroundings.certificates;
  std::vector<registry::Platform> platforms;
  std::ranges::copy_if(model.platforms, std::back_inserter(platforms), [&](const registry::Platform& platform) {
    return platform.server == server.name && platform.state != registry::PlatformState::kDeleted &&
           (platform.services & web.kind) != 0;
  });
  if (web.kind == registry::kNginx) {
    files.add(directory + "/nginx/module.load", nginx_module(config));
    files.add(directory + "/nginx/aegir.conf", nginx_server(config, server, web, platforms, model));
    files.add(nginx_php_path(config, server.name), nginx_php());
    if (!certificates.empty()) {
      files.add(directory + "/nginx/tls.conf", nginx_tls(config, server, web, certificates));
    }
    for (const registry::Platform& platform : platforms) {
      files.add(directory + "/nginx/platform.d/" + platform.name + ".conf",
                nginx_platform(config, platform, model.surroundings));
    }
    for (const OwnSite& site : model.own_sites) {
      const auto platform = std::ranges::find(platforms, site.platform, &registry::Platform::name);
      if (platform == platforms.end()) continue;
      files.add(directory + "/nginx/" + own_site_file(site.uri),
                nginx_site(config, *platform, site, model.surroundings));
    }
    return;
  }
  files.add(directory + "/apache/module.load", apache_module(config));
  files.add(directory + "/apache/aegir.conf", apache_server(config, server, web, platforms, model));
  if (!certificates.empty()) {
    files.add(directory + "/apache/tls.conf", apache_tls(config, server, web, certificates));
  }
  for (const registry::Platform& platform : platforms) {
    files.add(directory + "/apache/platform.d/" + platform.name + ".conf",
              apache_platform(config, platform, model.surroundings));
  }
  for (const OwnSite& site : model.own_sites) {
    if (std::ranges::find(platforms, site.platform, &registry::Platform::name) == platforms.end()) continue;
    files.add(directory + "/apache/" + own_site_file(site.uri),
              apache_site(config, server, web, site, model.surroundings));
  }
}

}  // namespace

std::string certificate_path(const Config& config, std::string_view server, const Certificate& certificate) {
  return server_config_dir(config, server) + "/ssl.d/" + certificate.name + '/' + certificate.file;
}

Result<void> check_names(const Model& model) {
  for (const registry::Server& server : model.servers) {
    if (Result<void> ok = check_name(server.name, "a server's name"); !ok) return ok;
  }
  for (const registry::Platform& platform : model.platforms) {
    if (Result<void> ok = check_name(platform.name, "a platform's name"); !ok) return ok;
    if (Result<void> ok = check_name(platform.server, "a platform's server"); !ok) return ok;
  }
  for (const registry::Block& block : model.blocks) {
    if (Result<void> ok = check_name(block.name, "a block's name"); !ok) return ok;
    if (Result<void> ok = check_name(block.server, "a block's server"); !ok) return ok;
  }
  for (const OwnSite& site : model.own_sites) {
    if (Result<void> ok = check_host(site.uri, "a site's uri"); !ok) return ok;
  }
  return {};
}

Result<std::vector<File>> emit_web(const Config& config, const Model& model, registry::Service kind) {
  if (Result<void> ok = check_names(model); !ok) return pass(ok);
  Files files;
  for (const registry::Server& server : model.servers) {
    for (const registry::WebService& web : server.web) {
      if (web.kind == kind) add_web_service(files, config, model, server, web);
    }
  }
  return std::move(files).take();
}

Result<void> emit_each(const Config& config, const Model& model,
                       const std::function<Result<void>(const File&)>& visit) {
  for (const registry::Service kind : {registry::kApache, registry::kNginx}) {
    const Result<std::vector<File>> files = emit_web(config, model, kind);
    if (!files) return std::unexpected(files.error());
    for (const File& file : *files) {
      if (Result<void> ok = visit(file); !ok) return ok;
    }
  }
  for (const registry::Block& block : model.blocks) {
    Result<std::string> text = fpm_block(config, block);
    if (!text) return pass(text);
    if (Result<void> ok = visit({fpm_block_path(config, block), 0640, *std::move(text)}); !ok) return ok;
  }
  return {};
}

Result<std::vector<File>> emit_all(const Config& config, const Model& model) {
  std::vector<File> files;
  Result<void> done = emit_each(config, model, [&](const File& file) -> Result<void> {
    files.push_back(file);
    return {};
  });
  if (!done) return pass(done);
  std::ranges::sort(files, {}, &File::path);
  return files;
}

}  // namespace aegir::emit
