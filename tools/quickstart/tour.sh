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

tour_live_changes() {
  local workers
  workers=$(web_workers)
  say "" "A fourth site, added while the servers run"
  ask new.localhost 404
  new_site new.localhost '"state": "enabled"'
  ask new.localhost 200
  say "" "An alias for it"
  ask fresh.localhost 404
  change_site new.localhost '"aliases": {"fresh.localhost": {}}'
  ask fresh.localhost 200
  say "" "Its database, as the site's own PHP sees it"
  curl --silent --max-time 20 "http://new.localhost:$apache_port/?show=database" | sed 's/^/   /'
  promise "through nginx the same" \
    "$(diff <(curl --silent --max-time 20 "http://new.localhost:$apache_port/?show=database") \
      <(curl --silent --max-time 20 "http://new.localhost:$nginx_port/?show=database") && echo yes)" yes
  say "" "Disabled, then deleted"
  change_site new.localhost '"state": "disabled"'
  ask new.localhost 503
  change_site new.localhost '"state": "deleted"'
  database_drop new
  rm -rf --one-file-system "$docroot/sites/new.localhost"
  ask new.localhost 404
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

# Prints what of a kind a site must not get at, as arguments of intruder.php: targets KIND OTHER_SITE.
targets() {
  local pid what slot
  slot=$(($(uid_of "$2") - uid_slots))
  case $1 in
    "the map's key") echo "read:$state/etc/aegir/map.key" ;;
    "the site map") find "$(map_dir)" -printf 'read:%p\n' ;;
    "registry, its key, the map's durable copy") find "$state/var/lib/aegir" -printf 'read:%p\n' ;;
    "configuration of the servers")  # but for the names of PHP's programs, which are in every site's PATH
      find "$state/var/aegir/config" -mindepth 2 ! -path "$state/var/aegir/config/php/*" -printf 'read:%p\n'
      ;;
    "the databases' files and their root's socket")
      find "$state/mysql" ! -type s -printf 'read:%p\n'
      echo "connect:$(database_socket)"
      ;;
    "/proc of the web servers and of PHP's master")
      for pid in $(web_workers) $(pid_of php); do
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
  for kind in "the map's key" "the site map" "registry, its key, the map's durable copy" \
    "configuration of the servers" "the databases' files and their root's socket" \
    "/proc of the web servers and of PHP's master" "the other site's PHP socket" \
    "the other site's directory, files/ and private/" "the other site's home, sessions and temporary files"; do
    mapfile -t list < <(targets "$kind" "$2")
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
  tour_live_changes
  tour_isolation shop.localhost blog.localhost
  tour_isolation blog.localhost shop.localhost
  end_of_tour
}
