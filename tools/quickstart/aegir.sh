# shellcheck shell=bash
# aegird with its worker, and what the demo asks of them. Everything about platforms and sites goes through `aegir`, as
# it will for anybody else; what must be there before aegird can start, configuration, keys, server and block, is made
# with `aegirc`.

aegirc() { "$build/aegirc" --config "$state/etc/aegir/aegir.conf" "$@"; }
aegir() { "$build/aegir" --config "$state/etc/aegir/aegir.conf" "$@"; }

# Prints how a person asks aegird by hand.
aegir_by_hand() { printf '%q --config %q' "$build/aegir" "$state/etc/aegir/aegir.conf"; }

# Runs aegirc and says what it did only when it fails.
must_aegirc() {
  local output
  output=$(aegirc "$@" 2>&1) || die "aegirc $* failed: $output"
}

# Runs aegir, and shows command and steps as a part of the tour.
must_aegir() {
  local output
  output=$(aegir "$@" 2>&1) || die "aegir $* failed: $output"
  if [[ $telling == yes ]]; then printf '   aegir %s\n      %s\n' "$*" "${output//$'\n'/$'\n      '}"; fi
}
telling=no

# The live map, in memory as on a real server.
map_dir() { printf '/dev/shm/aegir-quickstart-%s/map' "${state##*/}"; }

# write_aegir_conf APACHE_PORT NGINX_PORT; for a codebase without a Drush of its own, `tool` is "drush = …" or "bee = …".
write_aegir_conf() {
  cat >"$state/etc/aegir/aegir.conf" <<EOF
# The demo's own paths and accounts; aegir.conf(5) has every key.
prefix = $state
log_dir = $state/log
map_dir = $(map_dir)
aegir_user = $uid_aegir
uid_first = $uid_slots
uid_last = $uid_last
database_socket = $(database_socket)
apache_module = "$build/mod_aegir_apache/mod_aegir.so"
nginx_module = "$build/ngx_aegir/ngx_http_aegir_module.so"
apache_listen = 127.0.0.1:$1
nginx_listen = 127.0.0.1:$2
apache_test = /usr/sbin/apache2 -t -f $state/etc/httpd.conf
nginx_test = /usr/sbin/nginx -t -e $state/log/nginx-error.log -c $state/etc/nginx.conf
apache_reload = signal $state/run/apache.pid
nginx_reload = signal $state/run/nginx.pid
$tool
EOF
}
tool=

# Prints the document that the registry starts with: one server, one client, one block.
# base_document APACHE_PORT NGINX_PORT DATABASE_PORT APACHE_HTTPS_PORT NGINX_HTTPS_PORT
base_document() {
  cat <<EOF
{
  "servers": {"$server_name": {
    "web": {"apache": {"http_port": $1, "https_port": $4}, "nginx": {"http_port": $2, "https_port": $5}},
    "database": {"type": "mysql", "host": "127.0.0.1", "port": $3}}},
  "clients": {"demo": {"title": "The quickstart"}},
  "blocks": {"$block_name": {"server": "$server_name", "php_version": "$php_version",
                             "first_uid": $uid_slots, "slots": 64}}
}
EOF
}

# Starts aegird, unless it runs, and waits until it answers.
aegird_start() {
  if pid_of aegird >/dev/null; then return; fi
  # The worker is not root: it is started from where it can be read, since a clone may lie in a folder of root's alone.
  install -D -m 0755 "$build/aegird-worker" "$state/libexec/aegird-worker"
  start aegird "$build/aegird" --config "$state/etc/aegir/aegir.conf" --worker "$state/libexec/aegird-worker"
  await aegird aegir queue show
}

aegird_stop() { stop aegird TERM; }

# Copies a codebase to where platforms lie, as aegir's own: copy_codebase FROM TO.
copy_codebase() {
  mkdir -p "$(dirname "$2")"
  cp -a --reflink=auto "$1" "$2"
  chown -R "$uid_aegir:$uid_aegir" "$2"
  chmod -R u=rwX,go=rX "$2"
}

add_platform() { must_aegir platform add demo --docroot "$docroot"; }

# new_site URI OPTION...: installs a site on the demo's platform.
new_site() { must_aegir site install "$1" --platform demo --client demo "${@:2}"; }

# Prints how https can be tried.
tell_https() {
  say "For https put a certificate (openssl.crt, openssl.key) into $state/var/aegir/config/ssl.d/$1 and run" \
    "aegir server verify $server_name: https://$1:$apache_https_port/  https://$1:$nginx_https_port/"
}
