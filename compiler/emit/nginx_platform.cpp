// nginx: the server block of a platform, and what its PHP locations include.
#include "compiler/emit/emit.hpp"
#include "compiler/emit/escape.hpp"
#include "compiler/emit/parts.hpp"
#include "compiler/emit/rules.hpp"
#include "compiler/emit/text.hpp"

namespace aegir::emit {
namespace {

// How a script runs, and what PHP gets to know. Each parameter once and by us: nginx appends, it does not replace.
// HTTP_HOST is the host that was accepted, never the raw header, with the port that the client named, since Drupal
// builds links from it. No REMOTE_USER: nobody has looked at the password that comes with $remote_user.
constexpr Literal kPhp = R"(fastcgi_split_path_info ^(.+?\.php)(/.*)?$;
set $aegir_path_info $fastcgi_path_info;  # try_files empties the other one
try_files $fastcgi_script_name =404;
fastcgi_pass aegir_fpm;
fastcgi_buffers 16 32k;  # the headers of a Drupal with debugging on are large
fastcgi_buffer_size 64k;
fastcgi_hide_header X-Content-Type-Options;  # nginx sends it
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
fastcgi_param db_port $aegir_db_port if_not_empty;)";

// What belongs to the site itself: no rule of the platform is about it.
void own_places(Text& text, const Value& docroot) {
  text.line("    # What the site's own PHP names in X-Accel-Redirect; the module closes it to everybody else.");
  text.line("    location ~ ^/sites/[^/]+/private/ {");
  text.line("        disable_symlinks if_not_owner from=", docroot, ";");
  text.line("        log_not_found off;");
  text.line("    }");
  text.line("    location = /robots.txt {");
  text.line("        disable_symlinks if_not_owner from=", docroot, ";");
  text.line(
      "        try_files /sites/$aegir_site_dir/files/$aegir_host.robots.txt /sites/$aegir_site_dir/files/robots.txt");
  text.line("                  /robots.txt /index.php$is_args$args;");
  text.line("    }");
}

void files(Text& text, const Value& docroot, const Rules& rules) {
  text.line(
      "    # Drupal makes what is missing (image derivatives, css and js); a folder that is there is closed. Not by");
  text.line("    # try_files: it would log a link that the module refuses as [crit], and go on to Drupal.");
  text.line("    location ~ ^/sites/[^/]+/files/ {");
  text.line("        disable_symlinks if_not_owner from=", docroot, ";");
  text.line("        log_not_found off;");
  text.line("        error_page 404 = @aegir_index;");
  if (rules.kept_days != 0) text.line("        expires ", rules.kept_days, "d;");
  text.line("        location ~ ^/sites/[^/]+/files/(?:css|js)/ {");
  text.line("            gzip_static on;  # Drupal writes them packed, too");
  text.line("            gzip_vary on;");
  text.line("        }");
  text.line("    }");
  text.line("    location @aegir_index {");
  text.line("        rewrite ^ /index.php last;");
  text.line("    }");
}

void closed(Text& text, const Rules& rules) {
  text.line("    location ~ \"", rules.closed_paths, "\" {");
  text.line("        return 403;");
  text.line("    }");
  text.line("    location ~ \"", rules.closed_ends, "\" {");
  text.line("        return 403;");
  text.line("    }");
}

// Scripts that are no entries: closed when they are there. Else the CMS answers, which may know where an old address
// has gone.
void other_scripts(Text& text) {
  text.line("    location ~* \"", kAnyScript, "\" {");
  text.line("        if (-f $request_filename) {");
  text.line("            return 403;");
  text.line("        }");
  text.line("        rewrite ^ /index.php last;");
  text.line("    }");
}

void drupal(Text& text, const Value& docroot, const Rules& rules, const Value& php) {
  text.line("    location ~ \"", rules.scripts, "\" {");
  text.line("        include ", php, ";");
  text.line("    }");
  text.line("    location ~ \"", kHandedOut, "\" {");
  text.line("        rewrite ^ /index.php last;");
  text.line("    }");
  if (!rules.moved_to_core.view().empty()) {
    text.line("    location ~ \"", rules.moved_to_core, "\" {");
    text.line("        return 301 /core/$1.php$is_args$args;");
    text.line("    }");
  }
  closed(text, rules);
  other_scripts(text);
  files(text, docroot, rules);
  text.line("    location = /favicon.ico {");
  text.line("        log_not_found off;");
  text.line("        try_files $uri =404;");
  text.line("    }");
  text.line("    location ~ \\.svgz$ {");
  text.line("        add_header X-Content-Type-Options nosniff always;");
  text.line("        add_header Content-Encoding gzip;");
  text.line("        expires ", rules.kept_days, "d;");
  text.line("        try_files $uri /index.php$is_args$args;");
  text.line("    }");
  text.line("    location / {");
  text.line("        expires ", rules.kept_days, "d;");
  text.line("        try_files $uri $uri/ /index.php$is_args$args;");
  text.line("    }");
}

void unknown(Text& text, const Value& docroot, const Rules& rules, const Value& php) {
  closed(text, rules);
  files(text, docroot, rules);
  text.line("    location ~ \"", rules.scripts, "\" {");
  text.line("        include ", php, ";");
  text.line("    }");
  text.line("    location / {");
  text.line("        try_files $uri $uri/ /index.php$is_args$args;");
  text.line("    }");
}

}  // namespace

std::string nginx_php_path(const Config& config, std::string_view server) {
  return server_config_dir(config, server) + "/nginx/php.conf";
}

Result<std::string> nginx_php() {
  Text text(nginx);
  text.line(
      "# Written by aegirc. Changes are lost. What a location includes whose scripts PHP runs: those of platforms,");
  text.line("# and yours in <platform>.local.conf.");
  text.line(kPhp);
  return std::move(text).take();
}

Result<std::string> nginx_platform(const Config& config, const registry::Platform& platform) {
  if (Result<void> ok = check_name(platform.name, "a platform's name"); !ok) return pass(ok);
  const std::string field = "platform " + platform.name + ": docroot";
  if (Result<void> ok = check_path(platform.docroot, field); !ok) return pass(ok);
  const std::string local =
      server_config_dir(config, platform.server) + "/nginx/platform.d/" + platform.name + ".local.con[f]";
  const std::string php_path = nginx_php_path(config, platform.server);
  const Value docroot{platform.docroot, field};
  const Value php{php_path, "config_dir"};
  const Rules& rules = rules_of(platform.cms);
  const bool is_known = platform.cms != registry::Cms::kOther;
  Text text(nginx);
  text.line(
      "# Written by aegirc from the registry. Changes are lost: what you add belongs into <platform>.local.conf.");
  text.line("# No listener leads here: requests come from the catch-all server, once the module knows their site.");
  text.line("server {");
  text.line("    aegir_platform ", platform.id, ";");
  text.line("    root ", docroot, ";");
  if (is_known) {
    text.line("    index index.php index.html index.htm;");
  } else {
    text.line("    index index.php index.html /index.php;  # a folder without an index is for the code to answer");
  }
  text.line("    absolute_redirect off;  # to a folder's slash: by path, whatever port and proxy the client came by");
  text.line("    client_max_body_size ", platform.body_limit, "m;");
  text.line("    access_log ", Value{config.log_dir + "/nginx-access.log", "log_dir"}, " aegir;");
  text.line("    add_header X-Content-Type-Options nosniff always;");
  text.line("    # Yours is looked at first. (In brackets: it need not be there.)");
  text.line("    include ", Value{local, "config_dir"}, ";");
  text.line();
  own_places(text, docroot);
  if (is_known) {
    drupal(text, docroot, rules, php);
  } else {
    unknown(text, docroot, rules, php);
  }
  text.line("}");
  return std::move(text).take();
}

}  // namespace aegir::emit
