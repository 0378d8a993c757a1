// The static form: the whole registry as text, one virtual host a site, for servers without our modules. For reading,
// for machines where no module may be loaded, and for proof: the behaviour table is put to both forms.
//
//   <config_dir>/server_<name>/<apache|nginx>/static.conf         http or server level: what all sites share, includes
//   <config_dir>/server_<name>/<apache|nginx>/vhost.d/<uri>       a site's virtual hosts
//   <config_dir>/server_<name>/<apache|nginx>/vhost.d/<uri>@php   how its PHP is reached, and its credentials: 0600
//   <config_dir>/server_<name>/apache/vhost.d/<uri>@<suffix>      its virtual host for *.<suffix>: Apache takes the
//   first
//                                                                 one that fits, so these come last, longest first
//   <config_dir>/server_<name>/<apache|nginx>/vhost.d/<uri>@users the user of its HTTP authentication; the web servers'
//                                                                 user must be able to read it
//   <config_dir>/server_<name>/nginx/static_php.conf              what all PHP locations include
//   <config_dir>/server_<name>/ssl.d/<certificate>/<file>         certificate, chain and key: 0600
//
// and a platform's Apache fragment with its accepted .htaccess, as in the modules' form.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "compiler/emit/emit.hpp"

namespace aegir::emit {

/// One name of a site.
struct StaticName {
  std::string host;    ///< canonical, or *.suffix
  std::string target;  ///< where it redirects to: a host name or an origin; empty: it is served in place
};

/// A site with all that its virtual hosts say. The references must outlive it.
struct StaticSite {
  const registry::Site& site;
  const registry::Platform& platform;
  std::vector<StaticName> names;           ///< the uri first
  std::array<std::string, 6> credentials;  ///< db_type, db_name, db_user, db_passwd, db_host, db_port; none: all empty
  std::string socket;                      ///< of its PHP; empty: none
  std::string console;                     ///< origin; where a disabled site leads to; empty: a page of its own
  /// The platform's .htaccess, as Apache has accepted it; none: null.
  const std::string* htaccess = nullptr;
};

/// The end of the names of the files with users, which the web servers' user has to read.
inline constexpr std::string_view kUsersEnd = "@users";

/// Everything for one web service of a server; `sites` are those that it serves, `certificates` as in Surroundings. The
/// files of a site that can't be said in the server's language make it fail, naming site and field.
[[nodiscard]] Result<std::vector<File>> static_nginx(const Config& config, const registry::Server& server,
                                                     const registry::WebService& web, std::span<const StaticSite> sites,
                                                     const std::vector<Certificate>& certificates = {});
[[nodiscard]] Result<std::vector<File>> static_apache(const Config& config, const registry::Server& server,
                                                      const registry::WebService& web,
                                                      std::span<const StaticSite> sites,
                                                      const std::vector<Certificate>& certificates = {});

}  // namespace aegir::emit
