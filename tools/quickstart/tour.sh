# shellcheck shell=bash
# The tour: what the demo shows by itself, on both servers. Every answer is compared with what is promised; the tour
# fails when one differs. It leaves the sites as it found them, so that it can be taken again.

unkept=0  # promises that were not kept

# promise TEXT ACTUAL EXPECTED: one line of the tour.
promise() {
  if [[ $2 == "$3" ]]; then
    printf '   %-64s %s\n' "$1" "$2"
  else
    printf ' ! %-64s %s (expected: %s)\n' "$1" "$2" "$3"
    unkept=$((unkept + 1))
  fi
}

# Prints the status of a GET and where it redirects to.
answer() { curl --silent --show-error --max-time 20 --output /dev/null --write-out '%{http_code} %{redirect_url}' "$1" |
  sed 's/ $//'; }

# ask HOST[/PATH] EXPECTED: asks both servers. PORT in EXPECTED stands for the server's own port.
ask() {
  local port
  for port in "$apache_port" "$nginx_port"; do
    local url=http://${1%%/*}:$port/${1#"${1%%/*}"}
    url=${url/$port\/\//$port/}
    promise "GET $url" "$(answer "$url")" "${2//PORT/$port}"
  done
}

# Prints the uid that a site's PHP runs as: the owner of its files.
uid_of() { stat --format=%u "$docroot/sites/$1/files"; }

tour_sites() {
  say "" "The three sites"
  ask shop.localhost 200
  ask www.shop.localhost "301 http://shop.localhost:PORT/"
  ask blog.localhost 200
  ask diary.localhost 200
  ask old.localhost 503
  ask nobody.localhost 404
}

# Prints the end of a site's log.
tell_log() { aegir site log "$1" | tail -n 6 | sed 's/^/   /'; }

# login_link URI: prints a new one-time link for the site's administrator.
login_link() { aegir site login "$1" 2>/dev/null; }

# Prints what the site's own PHP sees of its database: database_seen_at PORT.
database_seen_at() { curl --silent --max-time 20 "http://new.localhost:$1/?show=database"; }

tour_life() {
  local workers link cookies=$state/log/tour-cookies database left
  # A reload that came before may still be under way.
  until workers=$(web_workers) && sleep 1.5 && [[ $(web_workers) == "$workers" ]]; do :; done
  # Of a tour that was broken off.
  if [[ $(aegir site list) == *new.localhost* ]]; then
    aegir site disable new.localhost >/dev/null 2>&1 || true
    must_aegir site delete new.localhost --yes
  fi
  say "" "A fourth site, installed while the servers run"
  ask new.localhost 404
  ask fresh.localhost 404
  new_site new.localhost --alias fresh.localhost
  ask new.localhost 200
  ask fresh.localhost 200
  say "" "Its database, as the site's own PHP sees it"
  database_seen_at "$apache_port" | sed 's/^/   /'
  promise "through nginx the same" \
    "$(diff <(database_seen_at "$apache_port") <(database_seen_at "$nginx_port") && echo yes)" yes
  database=$(database_seen_at "$apache_port" | sed -n 's/^db_name=//p')
  say "" "The end of its log (aegir site log new.localhost)"
  tell_log new.localhost
  say "" "A link to log in (aegir site login new.localhost)"
  link=$(login_link new.localhost)
  rm -f "$cookies"
  promise "GET ${link%/*/*}/…" "$(curl --silent --max-time 20 --output /dev/null --write-out '%{http_code}' \
    --cookie-jar "$cookies" "$link")" 200
  promise "the administration with its cookie" "$(curl --silent --max-time 20 --output /dev/null \
    --write-out '%{http_code}' --cookie "$cookies" "http://new.localhost:$nginx_port/admin")" 200
  promise "the same link a second time" "$(answer "$link")" 403
  say "" "Disabled, enabled, deleted"
  must_aegir site disable new.localhost
  ask new.localhost 503
  must_aegir site enable new.localhost
  ask new.localhost 200
  must_aegir site disable new.localhost
  must_aegir site delete new.localhost --yes
  ask new.localhost 404
  left=$(find "$docroot/sites/new.localhost" -maxdepth 0 2>/dev/null || true)$(database_sql "SHOW DATABASES LIKE '$database'")
  promise "left of its directory and its database $database" "${left:-nothing}" nothing
  promise "its history stays" "$(aegir task list --site new.localhost --limit 6 | awk '{print $4}' | xargs)" \
    "delete disable enable disable login install"
  promise "reloads meanwhile (the web servers' workers are the same)" \
    "$([[ $(web_workers) == "$workers" ]] && echo none || echo some)" none
}

# Prints the pids of both servers and of their workers.
web_workers() {
  local name pid
  for name in apache nginx; do
    pid=$(pid_of "$name")
    echo "$pid"
    pgrep --parent "$pid" | sort
  done | xargs
}

# Prints what of a kind a site must not get at, as arguments of intruder.php: targets KIND OTHER_SITE SITE.
targets() {
  local pid what slot
  slot=$(($(uid_of "$2") - uid_slots))
  case $1 in
    "the map's key and aegird's account at the database")
      printf 'read:%s\n' "$state/etc/aegir/map.key" "$(database_options)"
      ;;
    "the site map") find "$(map_dir)" -printf 'read:%p\n' ;;
    "registry, its key, the map's durable copy") find "$state/var/lib/aegir" -printf 'read:%p\n' ;;
    "configuration of servers and sites")
      # But for the names of PHP's programs, which are in every site's PATH, and what its own command line reads.
      find "$state/var/aegir/config" -mindepth 2 ! -path "$state/var/aegir/config/php/*" \
        ! -path "$state/var/aegir/config/cli/$3.php" -printf 'read:%p\n'
      ;;
    "the databases' files and their root's socket")
      find "$state/mysql" ! -type s -printf 'read:%p\n'
      echo "connect:$(database_socket)"
      ;;
    "/proc of the web servers, of PHP's master and of aegird")
      for pid in $(web_workers) $(pid_of php) $(pid_of aegird) $(pgrep --parent "$(pid_of aegird)"); do
        for what in environ maps mem fd; do echo "read:/proc/$pid/$what"; done
      done
      ;;
    "the other site's PHP socket") echo "connect:$state/run/aegir/fpm/$block_name/$slot.sock" ;;
    "the other site's directory, files/ and private/") find "$docroot/sites/$2" -printf 'read:%p\n' ;;
    "the other site's home, sessions and temporary files")
      find "$state/var/lib/aegir-slots/$block_name/$slot" -printf 'read:%p\n'
      ;;
  esac
}

# intrude UID TARGET...: tries as that uid; prints a line a try.
intrude() {
  local uid=$1
  shift
  setpriv --reuid "$uid" --regid "$uid" --clear-groups --no-new-privs \
    "php$php_version" -n -- "$@" <"$clone/tools/quickstart/intruder.php"
}

# tour_isolation SITE OTHER_SITE: every try as the site's uid is refused, and the same tries as root are not.
tour_isolation() {
  local uid kind list refused tries
  uid=$(uid_of "$1")
  say "" "What $1's uid ($uid) gets at, and what root gets at with the same tries"
  for kind in "the map's key and aegird's account at the database" "the site map" "registry, its key, the map's durable copy" \
    "configuration of servers and sites" "the databases' files and their root's socket" \
    "/proc of the web servers, of PHP's master and of aegird" "the other site's PHP socket" \
    "the other site's directory, files/ and private/" "the other site's home, sessions and temporary files"; do
    mapfile -t list < <(targets "$kind" "$2" "$1")
    # A search that finds nothing to try would keep every promise.
    if ((${#list[@]} == 0)); then die "found nothing to try of: $kind"; fi
    tries="${#list[@]} tries"
    if ((${#list[@]} == 1)); then tries="1 try"; fi
    refused=$(intrude "$uid" "${list[@]}" | tee "$state/log/intruder.out" | grep -c '^refused') || true
    promise "$kind: $tries" "$refused refused; root: $(intrude 0 "${list[@]}" | grep -c '^OPEN') open" \
      "${#list[@]} refused; root: ${#list[@]} open"
    grep '^OPEN' "$state/log/intruder.out" || true
  done
}

# Says how it went, and fails when a promise was not kept.
end_of_tour() {
  say ""
  if ((unkept)); then die "$unkept promises of the tour were not kept (marked with !); logs are in $state/log"; fi
  say "The tour is over: everything answered as promised."
}

tour() {
  tour_sites
  tour_life
  tour_isolation shop.localhost blog.localhost
  tour_isolation blog.localhost shop.localhost
  end_of_tour
}
