#include "mod_aegir_apache/conf.hpp"

#include <arpa/inet.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <exception>
#include <string>

#include "mod_aegir_apache/body.hpp"
#include "mod_aegir_apache/sendfile.hpp"

namespace aegir::apache {
namespace {

/// The retained copy of the keys (see read_keys()). Another layout is another name.
constexpr char kRetainedKeys[] = "mod_aegir.keys.1";

[[nodiscard]] ServerConf& conf_of(const cmd_parms* cmd) noexcept {
  return *static_cast<ServerConf*>(ap_get_module_config(cmd->server->module_config, &aegir_module));
}

/// Sets a path that must be absolute. httpd's ServerRoot is no place for what belongs to Aegir.
[[nodiscard]] const char* set_path(const cmd_parms* cmd, const char* value, PathSetting& path) noexcept {
  if (value[0] != '/') {
    return apr_psprintf(cmd->pool, "%s: '%s' is not an absolute path", cmd->cmd->name, value);
  }
  if (path.value != nullptr) {
    return apr_psprintf(cmd->pool, "%s is said twice: %s:%d has it already", cmd->cmd->name, path.file, path.line);
  }
  path = {value, cmd->directive->filename, cmd->directive->line_num};
  return nullptr;
}

const char* set_map(cmd_parms* cmd, void* /*directory*/, const char* value) noexcept {
  const char* const problem = ap_check_cmd_context(cmd, GLOBAL_ONLY);
  return problem != nullptr ? problem : set_path(cmd, value, conf_of(cmd).shared->map_directory);
}

const char* set_key(cmd_parms* cmd, void* /*directory*/, const char* value) noexcept {
  const char* const problem = ap_check_cmd_context(cmd, GLOBAL_ONLY);
  return problem != nullptr ? problem : set_path(cmd, value, conf_of(cmd).shared->key_file);
}

const char* set_configuration(cmd_parms* cmd, void* /*directory*/, const char* value) noexcept {
  if (const char* const problem = ap_check_cmd_context(cmd, GLOBAL_ONLY)) return problem;
  if (!map::is_configuration_name(value)) {
    return apr_psprintf(cmd->pool, "AegirConfiguration: '%s' is not 1 to 64 letters and digits", value);
  }
  conf_of(cmd).shared->configuration = value;
  return nullptr;
}

const char* set_engine(cmd_parms* cmd, void* /*directory*/, int on) noexcept {
  if (cmd->server->is_virtual == 0) {
    return "AegirEngine belongs into the <VirtualHost> that serves the sites: no virtual host inherits it";
  }
  conf_of(cmd).engine = on != 0;
  return nullptr;
}

const char* set_site(cmd_parms* cmd, void* /*directory*/, const char* value) noexcept {
  if (cmd->server->is_virtual == 0) return "AegirSite belongs into the <VirtualHost> that is for one site alone";
  conf_of(cmd).site = value;
  return nullptr;
}

const char* set_acme_root(cmd_parms* cmd, void* /*directory*/, const char* value) noexcept {
  return set_path(cmd, value, conf_of(cmd).acme_root);
}

const char* set_https_port(cmd_parms* cmd, void* /*directory*/, const char* value) noexcept {
  char* end = nullptr;
  const long port = std::strtol(value, &end, 10);
  if (end == value || *end != '\0' || port < 1 || port > 65535) {
    return apr_psprintf(cmd->pool, "AegirHttpsPort: '%s' is not a port (1 to 65535)", value);
  }
  conf_of(cmd).https_port = static_cast<int>(port);
  return nullptr;
}

/// Whether a network "address/bits" that APR has taken has bits set below its mask.
[[nodiscard]] bool has_bits_below(const char* address, const char* bits) noexcept {
  std::array<unsigned char, 16> bytes{};
  std::size_t size = 4;
  if (::inet_pton(AF_INET, address, bytes.data()) != 1) {
    size = bytes.size();
    if (::inet_pton(AF_INET6, address, bytes.data()) != 1) return false;
  }
  char* end = nullptr;
  const unsigned long kept = std::strtoul(bits, &end, 10);
  if (*end != '\0') return false;  // a mask such as 255.0.0.0
  for (std::size_t bit = kept; bit < 8 * size; ++bit) {
    if ((bytes[bit / 8] & (0x80U >> bit % 8)) != 0) return true;
  }
  return false;
}

/// Adds "address" or "address/bits" to a list of subnets.
[[nodiscard]] const char* add_subnet(const cmd_parms* cmd, const char* value,
                                     const apr_array_header_t*& subnets) noexcept {
  char* const address = apr_pstrdup(cmd->pool, value);
  char* bits = ap_strchr(address, '/');
  if (bits != nullptr) *bits++ = '\0';
  apr_ipsubnet_t* subnet = nullptr;
  if (apr_ipsubnet_create(&subnet, address, bits, cmd->pool) != APR_SUCCESS) {
    return apr_psprintf(cmd->pool, "%s: '%s' is not an address or a network such as 192.0.2.0/24 or 2001:db8::/32",
                        cmd->cmd->name, value);
  }
  if (bits != nullptr && has_bits_below(address, bits)) {
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, cmd->server,
                 "%s at %s:%d: '%s' has bits below its mask; they are ignored", cmd->cmd->name,
                 cmd->directive->filename, cmd->directive->line_num, value);
  }
  if (subnets == nullptr) subnets = apr_array_make(cmd->pool, 4, sizeof(apr_ipsubnet_t*));
  *static_cast<apr_ipsubnet_t**>(apr_array_push(const_cast<apr_array_header_t*>(subnets))) = subnet;
  return nullptr;
}

const char* add_probe_peer(cmd_parms* cmd, void* /*directory*/, const char* value) noexcept {
  return add_subnet(cmd, value, conf_of(cmd).probe_peers);
}

const char* add_trusted_proxy(cmd_parms* cmd, void* /*directory*/, const char* value) noexcept {
  return add_subnet(cmd, value, conf_of(cmd).trusted_proxies);
}

void log_refusal(void* server, const char* message) noexcept {
  ap_log_error(APLOG_MARK, APLOG_ERR, 0, static_cast<server_rec*>(server), "%s", message);
}

/// The first virtual host with the engine on; null when there is none.
[[nodiscard]] const server_rec* first_with_engine(const server_rec* server) noexcept {
  while (server != nullptr && !server_conf(server).engine) server = server->next;
  return server;
}

/// An error as one line of the error log.
[[nodiscard]] std::string one_line(const Error& error) {
  std::string text = error.place.file + ": " + error.message;
  if (!error.hint.empty()) text += "; next: " + error.hint;
  return text;
}

/// Reads the key file. At a reload an unreadable file leaves the keys of the last one in use, since the alternative is
/// a server that is gone; at a start there is nothing to fall back to, and the server says so and ends, as a test of
/// the configuration does.
[[nodiscard]] bool read_keys(Shared& shared, server_rec* server) {
  auto* const retained = static_cast<KeyRing*>(ap_retained_data_get(kRetainedKeys));
  const PathSetting& file = shared.key_file;
  Result<KeyRing> keys = KeyRing::read(file.value);
  if (keys) {
    shared.keys = *keys;
    if (retained != nullptr) {
      *retained = *keys;
    } else {
      new (ap_retained_data_create(kRetainedKeys, sizeof(KeyRing))) KeyRing(*keys);
    }
    return true;
  }
  Error& error = keys.error();
  if (error.code == Code::kPermission && ::geteuid() != 0) {
    error.hint =
        "run it as root, who starts the server and reads the key for it; this is uid " + std::to_string(::geteuid());
  }
  const std::string problem = one_line(error);
  if (retained == nullptr) {
    ap_log_error(APLOG_MARK, APLOG_EMERG, 0, server, "AegirKey at %s:%d: %s", file.file, file.line, problem.c_str());
    return false;
  }
  ap_log_error(APLOG_MARK, APLOG_ERR, 0, server, "AegirKey at %s:%d: %s; the keys of the last start stay in use",
               file.file, file.line, problem.c_str());
  shared.keys = *retained;
  return true;
}

/// Finds what other modules are there, and says what does not work without them.
void look_around(Shared& shared, server_rec* server) noexcept {
  const module* const fcgi = ap_find_linked_module("mod_proxy_fcgi.c");
  if (fcgi == nullptr) {
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server,
                 "mod_proxy_fcgi is not loaded: requests for PHP will be answered with 500; a2enmod proxy_fcgi");
    return;
  }
  shared.fcgi_module = fcgi->module_index;
  for (const server_rec* host = server; host != nullptr; host = host->next) {
    if (server_conf(host).engine && ap_get_server_module_loglevel(host, fcgi->module_index) >= APLOG_TRACE8) {
      ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server,
                   "LogLevel trace8 of mod_proxy_fcgi would write database passwords into the error log: it is "
                   "taken down to trace7 for the requests of Aegir's sites");
      return;
    }
  }
}

/// Finds the virtual hosts that are for one site. The first of a site counts, as with names.
void find_sites(Shared& shared, apr_pool_t* pool, server_rec* server) noexcept {
  for (; server != nullptr; server = server->next) {
    const ServerConf& conf = server_conf(server);
    if (!conf.engine) continue;
    if (conf.site == nullptr) {
      if (shared.others == nullptr) shared.others = server;
      continue;
    }
    if (shared.sites == nullptr) shared.sites = apr_hash_make(pool);
    if (apr_hash_get(shared.sites, conf.site, APR_HASH_KEY_STRING) == nullptr) {
      apr_hash_set(shared.sites, conf.site, APR_HASH_KEY_STRING, server);
    }
  }
}

}  // namespace

server_rec* host_of(std::string_view site, server_rec* server) noexcept {
  const ServerConf& conf = server_conf(server);
  if (conf.shared->sites == nullptr || (conf.site != nullptr && site == conf.site)) return server;
  void* const own = apr_hash_get(conf.shared->sites, site.data(), static_cast<apr_ssize_t>(site.size()));
  if (own != nullptr) return static_cast<server_rec*>(own);
  return conf.site == nullptr || conf.shared->others == nullptr ? server : conf.shared->others;
}

char* join(apr_pool_t* pool, std::span<const std::string_view> pieces) noexcept {
  std::size_t size = 0;
  for (const std::string_view piece : pieces) size += piece.size();
  char* const text = static_cast<char*>(apr_palloc(pool, size + 1));
  char* end = text;
  for (const std::string_view piece : pieces) end += piece.copy(end, piece.size());
  *end = '\0';
  return text;
}

bool contains(const apr_array_header_t* subnets, apr_sockaddr_t* address) noexcept {
  if (subnets == nullptr || address == nullptr) return false;
  for (int i = 0; i < subnets->nelts; ++i) {
    if (apr_ipsubnet_test(reinterpret_cast<apr_ipsubnet_t**>(subnets->elts)[i], address) != 0) return true;
  }
  return false;
}

void* create_server_conf(apr_pool_t* pool, server_rec* server) noexcept {
  ServerConf* const conf = new (apr_palloc(pool, sizeof(ServerConf))) ServerConf;
  if (server->is_virtual == 0) conf->shared = make<Shared>(pool);
  return conf;
}

void* merge_server_conf(apr_pool_t* pool, void* base, void* own) noexcept {
  const ServerConf& outer = *static_cast<const ServerConf*>(base);
  const ServerConf& inner = *static_cast<const ServerConf*>(own);
  ServerConf* const conf = new (apr_palloc(pool, sizeof(ServerConf))) ServerConf(inner);
  if (conf->https_port == 0) conf->https_port = outer.https_port;
  if (conf->acme_root.value == nullptr) conf->acme_root = outer.acme_root;
  if (conf->probe_peers == nullptr) conf->probe_peers = outer.probe_peers;
  if (conf->trusted_proxies == nullptr) conf->trusted_proxies = outer.trusted_proxies;
  conf->shared = outer.shared;
  return conf;
}

const command_rec kDirectives[] = {
    AP_INIT_TAKE1("AegirMap", set_map, nullptr, RSRC_CONF, "directory of the site map"),
    AP_INIT_TAKE1("AegirKey", set_key, nullptr, RSRC_CONF, "file with the keys of sealed credentials"),
    AP_INIT_TAKE1("AegirConfiguration", set_configuration, nullptr, RSRC_CONF,
                  "name of this configuration, for the status"),
    AP_INIT_FLAG("AegirEngine", set_engine, nullptr, RSRC_CONF, "On: this virtual host serves the sites of the map"),
    AP_INIT_ITERATE("AegirProbePeer", add_probe_peer, nullptr, RSRC_CONF, "networks that may send probe tokens"),
    AP_INIT_ITERATE("AegirTrustedProxy", add_trusted_proxy, nullptr, RSRC_CONF,
                    "networks whose X-Forwarded-Proto is believed"),
    AP_INIT_TAKE1("AegirHttpsPort", set_https_port, nullptr, RSRC_CONF, "port that redirects to https name"),
    AP_INIT_TAKE1("AegirSite", set_site, nullptr, RSRC_CONF, "uri of the one site that this virtual host is for"),
    AP_INIT_TAKE1("AegirAcmeRoot", set_acme_root, nullptr, RSRC_CONF, "directory with .well-known/acme-challenge"),
    {}};

int check_config(apr_pool_t* /*pool*/, apr_pool_t* /*log_pool*/, apr_pool_t* /*temp_pool*/, server_rec* server) noexcept
    try {
  ap_version_t running;
  ap_get_server_revision(&running);
  if (running.major != AP_SERVER_MAJORVERSION_NUMBER || running.minor != AP_SERVER_MINORVERSION_NUMBER ||
      running.patch < AP_SERVER_PATCHLEVEL_NUMBER) {
    ap_log_error(APLOG_MARK, APLOG_EMERG, 0, server,
                 "mod_aegir was built for httpd %s and this is httpd %d.%d.%d, which may lack what it calls: build "
                 "it again with this server's apxs",
                 AP_SERVER_BASEREVISION, running.major, running.minor, running.patch);
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  const server_rec* const user = first_with_engine(server);
  if (user == nullptr) return OK;

  Shared& shared = *server_conf(server).shared;
  const bool no_map = shared.map_directory.value == nullptr;
  if (no_map || shared.key_file.value == nullptr) {
    ap_log_error(APLOG_MARK, APLOG_EMERG, 0, server,
                 "AegirEngine is On at %s:%u, but there is no %s: name the %s outside of all virtual hosts",
                 user->defn_name, user->defn_line_number, no_map ? "AegirMap" : "AegirKey",
                 no_map ? "directory that `aegirc publish` writes" : "file that `aegirc keygen` made");
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  return read_keys(shared, server) ? OK : HTTP_INTERNAL_SERVER_ERROR;
} catch (const std::exception& problem) {
  ap_log_error(APLOG_MARK, APLOG_EMERG, 0, server, "mod_aegir can't check the configuration: %s", problem.what());
  return HTTP_INTERNAL_SERVER_ERROR;
}

int post_config(apr_pool_t* pool, apr_pool_t* /*log_pool*/, apr_pool_t* /*temp_pool*/, server_rec* server) noexcept {
  if (first_with_engine(server) == nullptr) return OK;
  apr_shm_t* memory = nullptr;
  const apr_status_t status = apr_shm_create(&memory, sizeof(map::Counters), nullptr, pool);
  if (status != APR_SUCCESS) {
    ap_log_error(APLOG_MARK, APLOG_EMERG, status, server, "no shared memory for mod_aegir's counters");
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  Shared& shared = *server_conf(server).shared;
  shared.counters = new (apr_shm_baseaddr_get(memory)) map::Counters{};
  find_sites(shared, pool, server);
  look_around(shared, server);
  return OK;
}

void child_init(apr_pool_t* pool, server_rec* server) noexcept try {
  if (first_with_engine(server) == nullptr) return;
  // The kernel does this by itself when a process gives up root, and CoreDumpDirectory undoes it: then every process
  // of the same user could read the keys in /proc/<pid>/mem.
  ::prctl(PR_SET_DUMPABLE, 0);
  Shared& shared = *server_conf(server).shared;
  shared.includes = ap_get_output_filter_handle("INCLUDES");
  shared.sendfile = ap_get_output_filter_handle(kSendfileFilter);
  shared.body = ap_get_input_filter_handle(kBodyFilter);
  shared.memo = make<map::CredentialMemo>(pool, shared.keys);  // before live: without a map nobody asks for it
  shared.live =
      make<map::LiveMap>(pool, std::string(shared.map_directory.value), log_refusal, static_cast<void*>(server));
  (void)shared.live->snapshot(static_cast<std::uint64_t>(apr_time_sec(apr_time_now())));
} catch (const std::exception& problem) {
  ap_log_error(APLOG_MARK, APLOG_EMERG, 0, server, "mod_aegir can't serve from this child: %s", problem.what());
}

}  // namespace aegir::apache
