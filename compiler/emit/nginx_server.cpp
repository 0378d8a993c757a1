// nginx: one catch-all server, whose sites come from the site map.
#include "compiler/emit/emit.hpp"
#include "compiler/emit/escape.hpp"
#include "compiler/emit/parts.hpp"
#include "compiler/emit/text.hpp"

namespace aegir::emit {
namespace {

std::vector<std::string> listen_addresses(const Config& config, const registry::WebService& web) {
  if (config.nginx_listen.empty())
    return {address_of({"", web.http_port}, ""), address_of({"", web.http_port}, "[::]")};
  std::vector<std::string> addresses;
  addresses.reserve(config.nginx_listen.size());
  for (const Listen& listen : config.nginx_listen) addresses.push_back(address_of(listen, ""));
  return addresses;
}

// How a request finds its file, and what PHP gets to know. Each parameter once and by us: nginx appends, it does not
// replace. HTTP_HOST is the host that was accepted, never the raw header, with the port that the client named, since
// Drupal builds links from it. No REMOTE_USER: nobody has looked at the password that comes with $remote_user.
constexpr Literal kLocations = R"(    location / {
        try_files $uri $uri/ /index.php$is_args$args;
    }
    # Drupal makes what is missing (image derivatives); a folder that is there is closed. Not by try_files: it would log a link that the module
    # refuses as [crit], and go on to Drupal. That nothing runs here is the module's business.
    location ~ ^/sites/[^/]+/(?:files|private)/ {
        log_not_found off;
        error_page 404 = @aegir_index;
    }
    location @aegir_index {
        rewrite ^ /index.php last;
    }
    location ~ \.php(?:/|$) {
        fastcgi_split_path_info ^(.+?\.php)(/.*)?$;
        set $aegir_path_info $fastcgi_path_info;  # try_files empties the other one
        try_files $fastcgi_script_name =404;
        fastcgi_pass aegir_fpm;
        fastcgi_buffers 16 32k;  # the headers of a Drupal with debugging on are large
        fastcgi_buffer_size 64k;
        fastcgi_param GATEWAY_INTERFACE CGI/1.1;
        fastcgi_param SERVER_SOFTWARE nginx;
        fastcgi_param SERVER_PROTOCOL $server_protocol;
        fastcgi_param SERVER_NAME $aegir_host;
        fastcgi_param SERVER_ADDR $server_addr;
        fastcgi_param SERVER_PORT $server_port;
        fastcgi_param REMOTE_ADDR $remote_addr;
        fastcgi_param REMOTE_PORT $remote_port;
        fastcgi_param REQUEST_METHOD $request_method;
        fastcgi_param REQUEST_SCHEME $scheme;
        fastcgi_param REQUEST_URI $request_uri;
        fastcgi_param QUERY_STRING $query_string;
        fastcgi_param CONTENT_TYPE $content_type;
        fastcgi_param CONTENT_LENGTH $content_length;
        fastcgi_param DOCUMENT_ROOT $document_root;
        fastcgi_param DOCUMENT_URI $document_uri;
        fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
        fastcgi_param SCRIPT_NAME $fastcgi_script_name;
        fastcgi_param PATH_INFO $aegir_path_info if_not_empty;
        fastcgi_param REDIRECT_STATUS 200;
        fastcgi_param HTTPS $aegir_https if_not_empty;
        fastcgi_param HTTP_HOST $aegir_http_host;
        # Headers that PHP must not see: a proxy for its own requests (httpoxy), and the token of a probe.
        fastcgi_param HTTP_PROXY "" if_not_empty;
        fastcgi_param HTTP_X_AEGIR_PROBE "" if_not_empty;
        fastcgi_param AEGIR_SITE $aegir_site;
        fastcgi_param AEGIR_SITE_DIR $aegir_site_dir;
        fastcgi_param AEGIR_HOST $aegir_host;
        fastcgi_param AEGIR_PROBE $aegir_probe if_not_empty;
        fastcgi_param PHP_ADMIN_VALUE $aegir_php_admin_value;
        fastcgi_param db_type $aegir_db_type if_not_empty;
        fastcgi_param db_name $aegir_db_name if_not_empty;
        fastcgi_param db_user $aegir_db_user if_not_empty;
        fastcgi_param db_passwd $aegir_db_passwd if_not_empty;
        fastcgi_param db_host $aegir_db_host if_not_empty;
        fastcgi_param db_port $aegir_db_port if_not_empty;
    })";

}  // namespace

Result<std::string> nginx_module(const Config& config) {
  Text text(nginx);
  text.line("# Written by aegirc. Changes are lost.");
  text.line("load_module ", Value{config.nginx_module, "nginx_module"}, ";");
  return std::move(text).take();
}

Result<std::string> nginx_server(const Config& config, const registry::Server& server,
                                 const registry::WebService& web) {
  if (Result<void> ok = check_name(server.name, "a server's name"); !ok) return pass(ok);
  const std::string directory = server_config_dir(config, server.name) + "/nginx/";
  const std::vector<std::string> addresses = listen_addresses(config, web);
  Text text(nginx);
  text.line(
      "# Written by aegirc from the registry. Changes are lost: what you add belongs into *.conf files in pre.d,");
  text.line("# vhost.d and post.d beside this file. A server of your own with a server_name wins over the catch-all.");
  text.line("aegir_map ", Value{config.map_dir, "map_dir"}, ";");
  text.line("aegir_key ", Value{config.map_key, "map_key"}, ";");
  text.line("log_format aegir '$host:$server_port $remote_addr - $remote_user [$time_local] \"$request\" $status '");
  text.line("                 '$body_bytes_sent \"$http_referer\" \"$http_user_agent\" $aegir_site';");
  text.line("include ", Value{directory + "pre.d/*.conf", "config_dir"}, ";");
  text.line();
  text.line("# Every host name that no other server claims.");
  text.line("server {");
  for (const std::string& address : addresses)
    text.line("    listen ", Value{address, "nginx_listen"}, " default_server;");
  text.line("    server_name _;");
  text.line("    aegir on;");
  text.line("    aegir_probe_peer ", Values{config.probe_peers, "probe_peers"}, ";");
  if (!config.trusted_proxies.empty()) {
    text.line("    aegir_trusted_proxy ", Values{config.trusted_proxies, "trusted_proxies"}, ";");
  }
  text.line("    aegir_https_port ", web.https_port, ";");
  text.line("    aegir_acme_root ", Value{config.acme_root, "acme_root"}, ";");
  text.line("    absolute_redirect off;  # to a folder's slash: by path, whatever port and proxy the client came by");
  text.line("    root $aegir_docroot;");
  text.line("    index index.php index.html /index.php;  # a folder without an index is Drupal's to answer");
  text.line("    client_max_body_size ", registry::kDefaultBodyLimit, "m;");
  text.line("    access_log ", Value{config.log_dir + "/nginx-access.log", "log_dir"}, " aegir;");
  text.line();
  text.line(kLocations);
  text.line("}");
  text.line();
  text.line("server {");
  for (const std::string& address : addresses) text.line("    listen ", Value{address, "nginx_listen"}, ";");
  text.line("    server_name ", Value{kStatusHost, "status"}, " 127.0.0.1;");
  text.line("    location / {");
  text.line("        return 404;");
  text.line("    }");
  text.line("    location = /aegir-status {");
  for (const std::string& peer : config.probe_peers) text.line("        allow ", Value{peer, "probe_peers"}, ";");
  text.line("        deny all;");
  text.line("        aegir_status;");
  text.line("    }");
  text.line("}");
  text.line();
  text.line("include ", Value{directory + "vhost.d/*.conf", "config_dir"}, ";");
  text.line("include ", Value{directory + "post.d/*.conf", "config_dir"}, ";");
  return std::move(text).take();
}

}  // namespace aegir::emit
