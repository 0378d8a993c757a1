// Directives of mod_aegir, and what a configuration holds once the server runs: map, key and counters.
#pragma once

#include <cstdint>
#include <string_view>

#include "compiler/core/secret_box.hpp"
#include "compiler/map/answer.hpp"
#include "compiler/map/credential_memo.hpp"
#include "compiler/map/reader.hpp"
#include "mod_aegir_apache/httpd.hpp"

namespace aegir::apache {

/// A path that a directive names, and where it stands in the configuration. Null: not said.
struct PathSetting {
  const char* value = nullptr;
  const char* file = nullptr;
  int line = 0;
};

/// What all virtual hosts of one configuration share. Made when the configuration is read, gone when the next one is.
struct Shared {
  PathSetting map_directory;
  PathSetting key_file;
  KeyRing keys;                         ///< read as root before the children start; they inherit it
  map::Counters* counters = nullptr;    ///< in memory that all children share
  map::LiveMap* live = nullptr;         ///< each child's own
  map::CredentialMemo* memo = nullptr;  ///< each child's own
  int fcgi_module = -1;                 ///< index of mod_proxy_fcgi, whose log level matters; -1: not loaded
  ap_filter_rec_t* includes = nullptr;  ///< the filter of mod_include; null: not loaded
  ap_filter_rec_t* sendfile = nullptr;  ///< our filter for X-Sendfile
  ap_filter_rec_t* body = nullptr;      ///< our filter for bodies in chunks
  const char* configuration = "";       ///< its name, for the status
  apr_hash_t* sites = nullptr;          ///< uri of a site to its own virtual host (server_rec); null: none has one
  server_rec* others = nullptr;         ///< the first virtual host with the engine on that is no site's own
};

/// What a virtual host is told. Null and 0 mean "not said": the main server's value, then the default. The engine is
/// not inherited, as hand-written virtual hosts beside ours stay what they are.
struct ServerConf {
  bool engine = false;
  const char* site = nullptr;  ///< the one site that this virtual host is for; null: all
  int https_port = 0;
  PathSetting acme_root;
  const apr_array_header_t* probe_peers = nullptr;  ///< of apr_ipsubnet_t*
  const apr_array_header_t* trusted_proxies = nullptr;
  Shared* shared = nullptr;  ///< the main server's, once the configuration is read
};

[[nodiscard]] inline const ServerConf& server_conf(const server_rec* server) noexcept {
  return *static_cast<const ServerConf*>(ap_get_module_config(server->module_config, &aegir_module));
}

/// Whether one of `subnets` (may be null) holds `address`.
[[nodiscard]] bool contains(const apr_array_header_t* subnets, apr_sockaddr_t* address) noexcept;

void* create_server_conf(apr_pool_t* pool, server_rec* server) noexcept;
void* merge_server_conf(apr_pool_t* pool, void* base, void* own) noexcept;
extern const command_rec kDirectives[];

/// check_config: refuses a configuration that can't work, and reads the key. Runs in `apache2 -t`, twice at a start and
/// once at each reload, with another instance of the module each time; as root but for a test by another user. An error
/// ends a server that reloads, so a test before the reload has to find what this finds.
int check_config(apr_pool_t* pool, apr_pool_t* log_pool, apr_pool_t* temp_pool, server_rec* server) noexcept;

/// The virtual host whose settings hold for a site, for a request that came to `server`: the site's own, whatever name
/// led here, and never another site's own.
[[nodiscard]] server_rec* host_of(std::string_view site, server_rec* server) noexcept;

/// post_config: makes the counters, finds the sites' own virtual hosts, and tells what else is missing. Not in a test.
int post_config(apr_pool_t* pool, apr_pool_t* log_pool, apr_pool_t* temp_pool, server_rec* server) noexcept;

/// child_init: opens the map as the user that will serve from it, and closes the child's memory to others.
void child_init(apr_pool_t* pool, server_rec* server) noexcept;

}  // namespace aegir::apache
