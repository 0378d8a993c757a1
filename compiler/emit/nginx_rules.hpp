// nginx: the rules of a platform, the same in the platform's own server block and in the static server of a site.
#pragma once

#include "compiler/core/config.hpp"
#include "compiler/emit/text.hpp"
#include "compiler/registry/model.hpp"

namespace aegir::emit {

/// Where the two forms differ.
struct NginxPlaces {
  Value docroot;
  Value php;       ///< the file that a location includes whose scripts PHP runs
  Value local;     ///< the platform's <p>.local.conf, as a pattern: it need not be there; empty: left out
  Literal robots;  ///< files that are looked for before /robots.txt
};

/// Pattern of the file that a person may write for a platform: it need not be there.
[[nodiscard]] std::string nginx_local_pattern(const Config& config, const registry::Platform& platform);

/// Everything of a server block but what finds the site.
void nginx_rules(Text& text, const Config& config, const registry::Platform& platform, const NginxPlaces& places);

/// How a script runs, and what PHP gets to know of any request. Each parameter once and by us: nginx appends, it does
/// not replace. No REMOTE_USER: nobody has looked at the password that comes with $remote_user.
inline constexpr Literal kNginxPhp = R"(fastcgi_split_path_info ^(.+?\.php)(/.*)?$;
set $aegir_path_info $fastcgi_path_info;  # try_files empties the other one
try_files $fastcgi_script_name =404;
fastcgi_buffers 16 32k;  # the headers of a Drupal with debugging on are large
fastcgi_buffer_size 64k;
fastcgi_hide_header X-Content-Type-Options;  # nginx sends it
fastcgi_param GATEWAY_INTERFACE CGI/1.1;
fastcgi_param SERVER_SOFTWARE nginx;
fastcgi_param SERVER_PROTOCOL $server_protocol;
fastcgi_param SERVER_ADDR $server_addr;
fastcgi_param SERVER_PORT $server_port;
fastcgi_param REMOTE_ADDR $remote_addr;
fastcgi_param REMOTE_PORT $remote_port;
fastcgi_param REQUEST_METHOD $request_method;
fastcgi_param REQUEST_SCHEME $scheme;
fastcgi_param QUERY_STRING $query_string;
fastcgi_param CONTENT_TYPE $content_type;
fastcgi_param CONTENT_LENGTH $content_length;
fastcgi_param DOCUMENT_ROOT $document_root;
fastcgi_param DOCUMENT_URI $document_uri;
fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
fastcgi_param SCRIPT_NAME $fastcgi_script_name;
fastcgi_param PATH_INFO $aegir_path_info if_not_empty;
fastcgi_param REDIRECT_STATUS 200;
# Headers that PHP must not see: a proxy for its own requests (httpoxy), and the token of a probe.
fastcgi_param HTTP_PROXY "" if_not_empty;
fastcgi_param HTTP_X_AEGIR_PROBE "" if_not_empty;)";

}  // namespace aegir::emit
