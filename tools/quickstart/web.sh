# shellcheck shell=bash
# The servers around what aegirc writes: a main configuration of their own for PHP-FPM, Apache and nginx, as Debian's
# files are on a real server. Everything about sites and platforms is included from the emitted files.

# Where aegirc puts the emitted files of the registry's one server.
emitted() { printf '%s' "$state/var/aegir/config/server_$server_name/$1"; }

# Where aegirc has put the PHP of the block: php and php-fpm.
php_dir() { printf '%s' "$state/var/aegir/config/php/$block_name"; }

write_httpd_conf() {
  local module
  {
    cat <<EOF
ServerRoot "$state/etc"
DefaultRuntimeDir "$state/run"
PidFile "$state/run/apache.pid"
ServerName localhost
ErrorLog "$state/log/apache-error.log"
LogLevel warn
User www-data
Group www-data
TypesConfig /etc/mime.types
TraceEnable Off
ServerTokens Prod
StartServers 2
ServerLimit 2
ThreadsPerChild 16
MaxRequestWorkers 32
MinSpareThreads 8
MaxSpareThreads 32
EOF
    for module in mpm_event authz_core authz_host alias dir env headers mime proxy proxy_fcgi rewrite setenvif; do
      echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
    done
    # For https, once there is a certificate.
    for module in socache_shmcb ssl; do
      if [[ -f /usr/lib/apache2/modules/mod_$module.so ]]; then
        echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
      fi
    done
    echo "Include \"$(emitted apache/module.load)\""
    echo "Include \"$(emitted apache/aegir.conf)\""
  } >"$state/etc/httpd.conf"
}

write_nginx_conf() {
  local kind
  {
    echo "include $(emitted nginx/module.load);"
    cat <<EOF
user www-data;
worker_processes 2;
daemon off;
pid $state/run/nginx.pid;
error_log $state/log/nginx-error.log warn;
events { worker_connections 512; }
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    server_tokens off;
EOF
    for kind in client_body proxy fastcgi uwsgi scgi; do echo "    ${kind}_temp_path $state/run/nginx-$kind;"; done
    echo "    include $(emitted nginx/aegir.conf);"
    echo "}"
  } >"$state/etc/nginx.conf"
}

# Starts PHP when it does not run.
php_start() {
  # A site's programs keep the standard error of their FPM master, so it has none; what is wrong with its
  # configuration is told by the test before.
  local -a fpm=("$(php_dir)/php-fpm" --nodaemonize --fpm-config "$(emitted "php/$block_name.conf")")
  local sockets=$state/run/aegir/fpm/$block_name
  if pid_of php >/dev/null; then return; fi
  "${fpm[@]}" --test >>"$state/log/php.out" 2>&1 || { cat "$state/log/php.out" >&2; return 1; }
  rm -f "$sockets"/*.sock  # of a master that was killed
  # shellcheck disable=SC2016  # for the shell that becomes FPM
  start php sh -c 'exec "$@" 2>/dev/null' sh "${fpm[@]}"
  await php test -S "$sockets/0.sock"
}

# web_start APACHE_PORT NGINX_PORT: starts those of the three that do not run.
web_start() {
  php_start
  if ! pid_of apache >/dev/null; then
    start apache apache2 -f "$state/etc/httpd.conf" -DFOREGROUND
    await apache port_answers "$1"
  fi
  if ! pid_of nginx >/dev/null; then
    start nginx nginx -p "$state/run" -e "$state/log/nginx-error.log" -c "$state/etc/nginx.conf"
    await nginx port_answers "$2"
  fi
}

web_stop() {
  stop nginx QUIT
  stop apache TERM
  stop php TERM  # no request is left when the web servers are gone; QUIT would wait 10 seconds for idle children
  stop_php_of_aegird
}

# Ends the PHP that aegird has started: of blocks that were added, or that had ended. To be called when aegird is gone.
stop_php_of_aegird() {
  local file pid started
  for file in "$state"/run/aegir/fpm/*.pid; do
    if [[ ! -f $file ]]; then continue; fi
    pid=$(<"$file")
    # A master says in its title whose configuration it has.
    if [[ $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") != *"$state/"* ]]; then continue; fi
    started=$(start_time "$pid")
    kill -s TERM "$pid"
    await_end "$pid" "$started" || true
  done
}
