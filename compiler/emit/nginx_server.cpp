// nginx: one catch-all server, whose sites come from the site map.
#include "compiler/emit/checks.hpp"
#include "compiler/emit/emit.hpp"
#include "compiler/emit/escape.hpp"
#include "compiler/emit/text.hpp"

namespace aegir::emit {
namespace {

std::vector<std::string> listen_addresses(const Config& config, const registry::WebService& web) {
  if (config.nginx_listen.empty()) {
    const std::string port = std::to_string(web.http_port);
    return {port, "[::]:" + port};
  }
  std::vector<std::string> addresses;
  for (const Listen& listen : config.nginx_listen) {
    const bool v6 = listen.address.find(':') != std::string::npos;
    const std::string address = v6 ? '[' + listen.address + ']' : listen.address;
    addresses.push_back(address + (address.empty() ? "" : ":") + std::to_string(listen.port));
  }
  return addresses;
}

// What PHP gets to know. Each parameter once and by us: nginx appends, it does not replace. HTTP_HOST is the host that
// nginx chose by, never the raw header, with the port that the client named, since Drupal builds links from it.
void fastcgi_parameters(Text& text) {
  text.line("        fastcgi_param GATEWAY_INTERFACE CGI/1.1;");
  text.line("        fastcgi_param SERVER_SOFTWARE nginx;");
  text.line("        fastcgi_param SERVER_PROTOCOL $server_protocol;");
  text.line("        fastcgi_param SERVER_NAME $host;");
  text.line("        fastcgi_param SERVER_ADDR $server_addr;");
  text.line("        fastcgi_param SERVER_PORT $server_port;");
  text.line("        fastcgi_param REMOTE_ADDR $remote_addr;");
  text.line("        fastcgi_param REMOTE_PORT $remote_port;");
  text.line("        fastcgi_param REMOTE_USER $remote_user if_not_empty;");
  text.line("        fastcgi_param REQUEST_METHOD $request_method;");
  text.line("        fastcgi_param REQUEST_SCHEME $scheme;");
  text.line("        fastcgi_param REQUEST_URI $request_uri;");
  text.line("        fastcgi_param QUERY_STRING $query_string;");
  text.line("        fastcgi_param CONTENT_TYPE $content_type;");
  text.line("        fastcgi_param CONTENT_LENGTH $content_length;");
  text.line("        fastcgi_param DOCUMENT_ROOT $document_root;");
  text.line("        fastcgi_param DOCUMENT_URI $document_uri;");
  text.line("        fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;");
  text.line("        fastcgi_param SCRIPT_NAME $fastcgi_script_name;");
  text.line("        fastcgi_param PATH_INFO $aegir_path_info if_not_empty;");
  text.line("        fastcgi_param REDIRECT_STATUS 200;");
  text.line("        fastcgi_param HTTPS $https if_not_empty;");
  text.line("        fastcgi_param HTTP_HOST $host$aegir_host_port;");
  text.line(
      "        # Headers that PHP must not see: a proxy for its own requests (httpoxy), and the token of a probe.");
  text.line("        fastcgi_param HTTP_PROXY \"\" if_not_empty;");
  text.line("        fastcgi_param HTTP_X_AEGIR_PROBE \"\" if_not_empty;");
  text.line("        fastcgi_param AEGIR_SITE $aegir_site;");
  text.line("        fastcgi_param AEGIR_SITE_DIR $aegir_site_dir;");
  text.line("        fastcgi_param AEGIR_HOST $aegir_host;");
  text.line("        fastcgi_param AEGIR_PROBE $aegir_probe if_not_empty;");
  text.line("        fastcgi_param PHP_ADMIN_VALUE $aegir_php_admin_value;");
  text.line("        fastcgi_param db_type $aegir_db_type if_not_empty;");
  text.line("        fastcgi_param db_name $aegir_db_name if_not_empty;");
  text.line("        fastcgi_param db_user $aegir_db_user if_not_empty;");
  text.line("        fastcgi_param db_passwd $aegir_db_passwd if_not_empty;");
  text.line("        fastcgi_param db_host $aegir_db_host if_not_empty;");
  text.line("        fastcgi_param db_port $aegir_db_port if_not_empty;");
}

void locations(Text& text) {
  text.line("    location / {");
  text.line("        try_files $uri $uri/ /index.php$is_args$args;");
  text.line("    }");
  text.line(
      "    # What a site's own PHP can write: data, and links only to data of the same owner. Drupal makes what is "
      "missing");
  text.line("    # (image derivatives). No try_files here: it would log a refused link as [crit] and go on.");
  text.line("    location ~ ^(?<aegir_tenant_dir>/sites/[^/]+/(?:files|private))/ {");
  text.line("        disable_symlinks if_not_owner from=$document_root$aegir_tenant_dir;");
  text.line("        log_not_found off;");
  text.line("        error_page 404 = @aegir_index;");
  text.line("    }");
  text.line("    location @aegir_index {");
  text.line("        rewrite ^ /index.php last;");
  text.line("    }");
  text.line("    location ~ \\.php(?:/|$) {");
  text.line("        fastcgi_split_path_info ^(.+?\\.php)(/.*)?$;");
  text.line("        set $aegir_path_info $fastcgi_path_info;  # try_files empties the other one");
  text.line("        try_files $fastcgi_script_name =404;");
  text.line("        fastcgi_pass $aegir_fpm;");
  text.line("        fastcgi_buffers 16 32k;  # the headers of a Drupal with debugging on are large");
  text.line("        fastcgi_buffer_size 64k;");
  fastcgi_parameters(text);
  text.line("    }");
}

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
  text.line("map $http_host $aegir_host_port {");
  text.line("    \"~(:[0-9]+)$\" $1;");
  text.line("}");
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
  text.line("    root $aegir_docroot;");
  text.line("    index index.php index.html;");
  text.line("    client_max_body_size ", kMaxBody, "m;");
  text.line("    access_log ", Value{config.log_dir + "/nginx-access.log", "log_dir"}, " aegir;");
  text.line();
  locations(text);
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
