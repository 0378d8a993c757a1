# shellcheck shell=bash
# What the demo tells aegirc: its configuration file, the registry document, changes of single sites. Everything about
# sites goes through these functions and so through aegirc, as it will for anybody else.

aegirc() { "$build/aegirc" --config "$state/etc/aegir/aegir.conf" "$@"; }

# Runs aegirc and shows what it did, as a part of the tour.
say_aegirc() {
  local output
  output=$(aegirc "$@" 2>&1) || die "aegirc $* failed: $output"
  if [[ $telling == yes ]]; then sed "1s/^/   aegirc $1: /; 2,\$s/^/      /" <<<"$output"; fi
}
telling=no

# The live map, in memory as on a real server.
map_dir() { printf '/dev/shm/aegir-quickstart-%s/map' "${state##*/}"; }

# write_aegir_conf APACHE_PORT NGINX_PORT
write_aegir_conf() {
  cat >"$state/etc/aegir/aegir.conf" <<EOF
# The demo's own paths and accounts; compiler/core/config.hpp names every key.
prefix = $state
log_dir = $state/log
map_dir = $(map_dir)
aegir_user = $uid_aegir
uid_first = $uid_slots
uid_last = $uid_last
apache_module = "$build/mod_aegir_apache/mod_aegir.so"
nginx_module = "$build/ngx_aegir/ngx_http_aegir_module.so"
apache_listen = 127.0.0.1:$1
nginx_listen = 127.0.0.1:$2
apache_test = /usr/sbin/apache2 -t -f $state/etc/httpd.conf
nginx_test = /usr/sbin/nginx -t -e $state/log/nginx-error.log -c $state/etc/nginx.conf
apache_reload = signal $state/run/apache.pid
nginx_reload = signal $state/run/nginx.pid
EOF
}

# Prints the document that the registry starts with: one server, one client, one block, one platform.
# base_document APACHE_PORT NGINX_PORT DATABASE_PORT APACHE_HTTPS_PORT NGINX_HTTPS_PORT CMS
base_document() {
  cat <<EOF
{
  "servers": {"$server_name": {
    "web": {"apache": {"http_port": $1, "https_port": $4}, "nginx": {"http_port": $2, "https_port": $5}},
    "database": {"type": "mysql", "host": "127.0.0.1", "port": $3}}},
  "clients": {"demo": {"title": "The quickstart"}},
  "blocks": {"$block_name": {"server": "$server_name", "php_version": "$php_version",
                             "first_uid": $uid_slots, "slots": 64}},
  "platforms": {"demo": {"server": "$server_name", "docroot": "$docroot", "services": ["apache", "nginx"],
                         "cms": "$6", "block": "$block_name"}}
}
EOF
}

# Prints how https can be tried.
tell_https() {
  say "For https put a certificate (openssl.crt, openssl.key) into $state/var/aegir/config/ssl.d/$1 and run" \
    "aegirc verify --server $server_name: https://$1:$apache_https_port/  https://$1:$nginx_https_port/"
}

# change_site URI MEMBERS: changes what is named, such as '"state": "disabled"', in the registry and in the map.
change_site() {
  printf '{"sites": {"%s": {%s}}}\n' "$1" "$2" | say_aegirc import -
  say_aegirc publish
}

# new_site URI MEMBERS: a database, and a site that uses it.
new_site() {
  local database=${1%%.*} password
  password=$(random_word)
  database_for_site "$database" "$password"
  say_aegirc import - <<EOF
{"sites": {"$1": {"platform": "demo", "client": "demo", $2,
  "database": {"server": "$server_name", "name": "$database", "user": "$database", "password": "$password"}}}}
EOF
  say_aegirc publish
}
