#include "compiler/emit/nginx_rules.hpp"

#include "compiler/emit/people.hpp"
#include "compiler/emit/rules.hpp"

namespace aegir::emit {
namespace {

// What belongs to the site itself: no rule of the platform is about it.
void own_places(Text& text, const NginxPlaces& places) {
  const Value& docroot = places.docroot;
  text.line("    # What the site's own PHP names in X-Accel-Redirect; the module closes it to everybody else.");
  text.line("    location ~ ^/sites/[^/]+/private/ {");
  text.line("        disable_symlinks if_not_owner ", Word{"from=", docroot}, ";");
  text.line("        log_not_found off;");
  text.line("    }");
  text.line("    location = /robots.txt {");
  text.line("        disable_symlinks if_not_owner ", Word{"from=", docroot}, ";");
  text.line("        try_files ", places.robots, " /robots.txt /index.php$is_args$args;");
  text.line("    }");
}

void files(Text& text, const Value& docroot, const Rules& rules) {
  text.line(
      "    # Drupal makes what is missing (image derivatives, css and js); a folder that is there is closed. Not by");
  text.line("    # try_files: it would log a link that the module refuses as [crit], and go on to Drupal.");
  text.line("    location ~ ^/sites/[^/]+/files/ {");
  text.line("        disable_symlinks if_not_owner ", Word{"from=", docroot}, ";");
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

std::string nginx_local_pattern(const Config& config, const registry::Platform& platform) {
  return may_be_missing(server_config_dir(config, platform.server) + "/nginx/platform.d/" + platform.name +
                        ".local.conf");
}

void nginx_rules(Text& text, const Config& config, const registry::Platform& platform, const NginxPlaces& places) {
  const Rules& rules = rules_of(platform.cms);
  const bool is_known = platform.cms != registry::Cms::kOther;
  text.line("    root ", places.docroot, ";");
  if (is_known) {
    text.line("    index index.php index.html index.htm;");
  } else {
    text.line("    index index.php index.html /index.php;  # a folder without an index is for the code to answer");
  }
  text.line("    absolute_redirect off;  # to a folder's slash: by path, whatever port and proxy the client came by");
  text.line("    client_max_body_size ", platform.body_limit, "m;");
  text.line("    access_log ", Value{config.log_dir + "/nginx-access.log", "log_dir"}, " aegir;");
  text.line("    add_header X-Content-Type-Options nosniff always;");
  if (places.local.text.empty()) {
    text.line("    # Your <platform>.local.conf is left out, since the server refuses it.");
  } else {
    text.line("    # Yours is looked at first. (In brackets: it need not be there.)");
    text.line("    include ", places.local, ";");
  }
  text.line();
  own_places(text, places);
  if (is_known) {
    drupal(text, places.docroot, rules, places.php);
  } else {
    unknown(text, places.docroot, rules, places.php);
  }
}

}  // namespace aegir::emit
