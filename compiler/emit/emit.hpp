// Model to text: what Apache, nginx and PHP-FPM are given for a registry. Pure functions; one model gives one text,
// byte for byte. A site never appears in any of these files: sites live in the site map.
//
//   <config_dir>/server_<name>/apache/aegir.conf         server level: catch-all virtual host, includes
//   <config_dir>/server_<name>/apache/platform.d/<p>.conf  one platform's <Directory>s
//   <config_dir>/server_<name>/apache/tls.conf           where https is served: a virtual host for each certificate
//   <config_dir>/server_<name>/apache/module.load        LoadModule
//   <config_dir>/server_<name>/nginx/aegir.conf          http level: catch-all server, includes
//   <config_dir>/server_<name>/nginx/platform.d/<p>.conf   one platform's server block
//   <config_dir>/server_<name>/nginx/tls.conf            where https is served: a server block for each certificate
//   <config_dir>/server_<name>/nginx/php.conf            what a location includes that runs PHP
//   <config_dir>/server_<name>/nginx/module.load         load_module, main level
//   <config_dir>/server_<name>/php/<block>.conf          one PHP-FPM master with all its slots
#pragma once

#include <sys/types.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "compiler/registry/model.hpp"

namespace aegir::emit {

/// Host name under which both servers answer the status at /aegir-status, to the probe peers only.
inline constexpr std::string_view kStatusHost = "aegir-status.localhost";

/// A *.conf file in pre.d, vhost.d or post.d, or a *.local.conf: written by a person, included by us.
struct PersonsFile {
  std::string path;
  bool left_out = false;  ///< its server refuses it
};

/// A certificate on this machine. Servers read a copy (certificate_path()), whose name tells its content: so another
/// certificate is another configuration, and the last one's copy is there for as long as a configuration names it.
struct Certificate {
  std::string name;                ///< of its folder in config/ssl.d
  std::string file;                ///< of its copy, in the server's ssl.d/<name>
  std::vector<std::string> hosts;  ///< the names that it is shown for, *.suffix too; sorted
  std::string pem;                 ///< the copy's content: certificate, chain and key. Secret
};

/// The certificate for every name that no other one is for. Its folder in config/ssl.d is called so too.
inline constexpr std::string_view kDefaultCertificate = "default";
/// The file of its copy when it is one of our own making, which names nobody.
inline constexpr std::string_view kSelfSigned = "self-signed.pem";

/// What the files depend on beside the registry: what there is on the machine. Empty when nothing is known of it.
struct Surroundings {
  std::set<std::string> accepted;   ///< names of platforms whose accepted .htaccess lies beside their Apache fragment
  std::vector<PersonsFile> people;  ///< sorted by path
  std::vector<Certificate> certificates;  ///< the default one first, the others by name. Empty: no https
  std::string apache;                     ///< name of the whole set of Apache's files, for its status; empty: none
  std::string nginx;                      ///< the same of nginx
};

/// A site that differs from its platform: with a body limit of its own, or a vhost.d/<uri>.local.conf that a person has
/// written. Its names are none of a fragment's business: the module knows them, those too that were added since.
struct OwnSite {
  std::string uri;
  std::string platform;
  std::uint32_t body_limit = 0;  ///< MiB; 0: the platform's
};

/// A site for which config/ssl.d has a folder, called like it.
struct CertifiedSite {
  std::string uri;
  std::vector<std::string> names;  ///< all that it has, the uri too, as stored: canonical, or *.suffix
};

/// A site that is served by https alone.
struct HttpsSite {
  std::string uri;
  std::string platform;
};

/// What of the registry the files depend on, each list sorted as the store gives it.
struct Model {
  std::vector<registry::Server> servers;
  std::vector<registry::Platform> platforms;
  std::vector<registry::Block> blocks;
  std::vector<OwnSite> own_sites = {};
  std::vector<CertifiedSite> certified_sites = {};
  std::vector<HttpsSite> https_sites = {};
  Surroundings surroundings = {};
};

/// One file to be installed as root with group aegir.
struct File {
  std::string path;  ///< absolute
  mode_t mode = 0640;
  std::string content;
  bool operator==(const File&) const = default;
};

/// `platforms` are those of this server that Apache serves.
[[nodiscard]] Result<std::string> apache_server(const Config& config, const registry::Server& server,
                                                const registry::WebService& web,
                                                const std::vector<registry::Platform>& platforms, const Model& model);
/// Virtual hosts for https, but for the catch-all, which apache_server() has.
[[nodiscard]] Result<std::string> apache_tls(const Config& config, const registry::Server& server,
                                             const registry::WebService& web,
                                             const std::vector<Certificate>& certificates);
[[nodiscard]] Result<std::string> apache_platform(const Config& config, const registry::Platform& platform,
                                                  const Surroundings& surroundings);
/// The virtual host of one site.
[[nodiscard]] Result<std::string> apache_site(const Config& config, const registry::Server& server,
                                              const registry::WebService& web, const OwnSite& site,
                                              const Surroundings& surroundings);
/// Path of a platform's accepted .htaccess.
[[nodiscard]] std::string accepted_htaccess_path(const Config& config, const registry::Platform& platform);
[[nodiscard]] Result<std::string> apache_module(const Config& config);

/// `platforms` are those of this server that nginx serves.
[[nodiscard]] Result<std::string> nginx_server(const Config& config, const registry::Server& server,
                                               const registry::WebService& web,
                                               const std::vector<registry::Platform>& platforms, const Model& model);
/// Server blocks for https, but for the catch-all, which nginx_server() has.
[[nodiscard]] Result<std::string> nginx_tls(const Config& config, const registry::Server& server,
                                            const registry::WebService& web,
                                            const std::vector<Certificate>& certificates);
[[nodiscard]] Result<std::string> nginx_platform(const Config& config, const registry::Platform& platform,
                                                 const Surroundings& surroundings);
/// The server block of one site, which goes before its platform's.
[[nodiscard]] Result<std::string> nginx_site(const Config& config, const registry::Platform& platform,
                                             const OwnSite& site, const Surroundings& surroundings);
/// How PHP runs and what it is told; the same for all platforms.
[[nodiscard]] Result<std::string> nginx_php();
/// Path of that file.
[[nodiscard]] std::string nginx_php_path(const Config& config, std::string_view server);
[[nodiscard]] Result<std::string> nginx_module(const Config& config);

/// The master's configuration with a pool for every slot, given or free: adding a site never touches it.
[[nodiscard]] Result<std::string> fpm_block(const Config& config, const registry::Block& block);

/// Whether all names in the model can be parts of paths: those in the registry's file may be anything, when somebody
/// else than aegirc has written it (kInvalid). emit_web(), emit_each() and emit_all() demand it.
[[nodiscard]] Result<void> check_names(const Model& model);

/// The files of one kind of web server, sorted by path. Fails as emit_all() does.
[[nodiscard]] Result<std::vector<File>> emit_web(const Config& config, const Model& model, registry::Service kind);

/// Everything, one after the other: those of each kind of web server together, and a block's, which is long, alone.
/// Ends with the first error of `visit`, or as emit_all() fails.
[[nodiscard]] Result<void> emit_each(const Config& config, const Model& model,
                                     const std::function<Result<void>(const File&)>& visit);

/// Everything, sorted by path. Fails with the first value that a language can't say, naming object and field.
[[nodiscard]] Result<std::vector<File>> emit_all(const Config& config, const Model& model);

/// Path of a server's copy of a certificate.
[[nodiscard]] std::string certificate_path(const Config& config, std::string_view server,
                                           const Certificate& certificate);

/// Path of a block's master configuration.
[[nodiscard]] std::string fpm_block_path(const Config& config, const registry::Block& block);
/// Path of the master's pid file.
[[nodiscard]] std::string fpm_block_pid(const Config& config, const registry::Block& block);

}  // namespace aegir::emit
