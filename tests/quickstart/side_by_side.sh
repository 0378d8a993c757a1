#!/bin/bash
# Two demos at a time, each with its tour; a second run of one, also after some and after all of it has ended, as after a
# reboot; then both go, one after the other, and nothing of them may be left.
#
#   side_by_side.sh BUILD_DIR
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tools/quickstart/lib.sh
. tools/quickstart/lib.sh

one=$(realpath "$1")
work=$(mktemp -d)
two="$work/another clone ü/build"  # what that one would have built
fail() {
  echo "FAILED: $*" >&2
  exit 1
}
cleanup() {
  ./quickstart --build "$one" --down
  ./quickstart --build "$two" --down
  rm -rf "$work"
} >/dev/null
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

for file in aegir aegirc aegird aegird-worker mod_aegir_apache/mod_aegir.so ngx_aegir/ngx_http_aegir_module.so; do
  install -D "$one/$file" "$two/$file"
done
for arguments in --build "--build $work/none" --nonsense; do
  # shellcheck disable=SC2086  # two words
  status=$(./quickstart $arguments >"$work/usage.log" 2>&1 && echo 0 || echo $?)
  if [[ $status != 64 ]] || ! grep -q "see ./quickstart --help" "$work/usage.log"; then
    fail "quickstart $arguments: exit $status, $(<"$work/usage.log")"
  fi
done
users=$(md5sum /etc/passwd /etc/group)
mounts=$(sort /proc/mounts)
./quickstart --build "$one" --down

./quickstart --build "$one" >"$work/one.log" 2>&1 &
./quickstart --build "$two" >"$work/two.log" 2>&1 || { cat "$work/two.log"; fail "the second demo"; }
wait $! || { cat "$work/one.log"; fail "the first demo"; }
cat "$work/one.log"
# The line to try things by hand is a shell's own words, whatever folder the build is in.
by_hand=$(sed -n 's/^Try things by hand (as root): //p' "$work/two.log")
eval "$by_hand" | grep -q '^shop.localhost *demo *enabled' || fail "by hand: $by_hand"

by_hand=$(sed -n 's/^Stop and remove everything: //p' "$work/two.log")
[[ $by_hand == "./quickstart --build $(printf '%q' "$two") --down" ]] || fail "to end it by hand: $by_hand"
# Who names a build without a demo is told of the others.
mkdir "$work/none"
told=$(./quickstart --build "$work/none" --down)
[[ $told == *"Nothing of $work/none is running."*"$by_hand ends it."* ]] || fail "other demos: $told"

# The place that belongs to a build, as its folder.
place_of() {
  local file
  for file in /var/tmp/aegir-quickstart/*/build; do
    if [[ $(<"$file") == "$1" ]]; then echo "${file%/build}"; fi
  done
}
place_one=$(place_of "$one") place_two=$(place_of "$two")
[[ -n $place_one && -n $place_two && $place_one != "$place_two" ]] || fail "places: '$place_one' and '$place_two'"
for place in "$place_one" "$place_two"; do
  if grep -E ':(error|emerg|alert|crit)\]|\[(error|emerg|alert|crit)\]' "$place"/log/{apache,nginx}-error.log; then fail "errors in the logs"; fi
  if grep AH10159 "$place"/log/*; then fail "Apache's numbers of threads don't fit"; fi
done
# Both can be tried by https, each at its own ports.
for place in "$place_one" "$place_two"; do
  folder=$place/var/aegir/config/ssl.d/shop.localhost
  mkdir "$folder"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=shop.localhost \
    -addext subjectAltName=DNS:shop.localhost -keyout "$folder/openssl.key" -out "$folder/openssl.crt" 2>"$work/openssl.log"
  "$(<"$place/build")/aegir" --config "$place/etc/aegir/aegir.conf" server verify main >"$work/verify.log" 2>&1 ||
    fail "verify with a certificate: $(<"$work/verify.log")"
  read -r _ _ _ apache_port nginx_port <"$place/ports"
  for port in "$apache_port" "$nginx_port"; do
    curl --silent --show-error --fail --max-time 20 --cacert "$folder/openssl.crt" --output /dev/null \
      --retry 5 --retry-connrefused "https://shop.localhost:$port/" || fail "https at port $port of $place"
  done
done
./quickstart --build "$one" >"$work/again.log" 2>&1 || { cat "$work/again.log"; fail "the second run"; }
grep -q "running already" "$work/again.log" || fail "the second run did not see the first"

# What a person did in the demo is there after each of these.
kept=$place_one/var/aegir/platforms/demo/sites/shop.localhost/files/kept.txt
echo "a person's" >"$kept"
read -r apache_port nginx_port _ <"$place_one/ports"
# end SIGNAL PROGRAM...: as they end by a crash or a reboot.
end() {
  local name pid started signal=$1
  for name in "${@:2}"; do
    read -r pid started <"$place_one/processes/$name"
    kill -s "$signal" "$pid"
    await_end "$pid" "$started" || fail "$name does not end"
  done
}
# again WORDS ARGUMENT...: a run that finds the demo and brings it back.
again() {
  local words=$1 port
  shift
  ./quickstart --build "$one" "$@" >"$work/again.log" 2>&1 || { cat "$work/again.log"; fail "a run that $words"; }
  grep -qF "$words" "$work/again.log" || fail "a run did not say '$words': $(<"$work/again.log")"
  for port in "$apache_port" "$nginx_port"; do
    [[ $(curl --silent --max-time 20 "http://shop.localhost:$port/files/kept.txt") == "a person's" ]] ||
      fail "what a person did is gone after a run that said '$words'"
  done
}
again "running already" --no-tour
end TERM nginx
again "Starting what has ended since: nginx" --no-tour
end KILL aegird
again "Starting what has ended since: aegird" --no-tour
end TERM nginx apache php aegird mariadb
rm -rf "/dev/shm/aegir-quickstart-${place_one##*/}"
again "Starting what has ended since: mariadb aegird php apache nginx"
# Nor does a demo of another kind take its place.
mkdir -p "$work/drupal/"{core/lib,vendor/drush/drush}
echo "const VERSION = '10.0.0';" >"$work/drupal/core/lib/Drupal.php"
touch "$work/drupal/vendor/drush/drush/drush.php"
if ./quickstart --build "$one" --platform "$work/drupal" >"$work/other.log" 2>&1; then fail "another demo in its place"; fi
grep -q "is not that of .*/drupal; .*--down" "$work/other.log" || fail "another demo: $(<"$work/other.log")"
again "running already" --no-tour

# Prints what is left of a place: files, and processes with its uids or with its files in their command line.
remains_of() {
  local first=$((700000 + 100 * ${1##*/}))
  find "$1" "/dev/shm/aegir-quickstart-${1##*/}" -maxdepth 0 2>/dev/null || true
  ps -e -o pid=,uid=,args= | awk -v place="$1/" -v first="$first" -v last=$((first + 99)) \
    '($2 >= first && $2 <= last || index($0, place)) && $0 !~ /awk -v place|<defunct>/'
}
[[ -n $(remains_of "$place_one") ]] || fail "the search for remains sees nothing even while the demo runs"
./quickstart --build "$one" --down
left=$(remains_of "$place_one")
[[ -z $left ]] || fail "left of the first demo: $left"
read -r apache_port nginx_port _ <"$place_two/ports"
for port in "$apache_port" "$nginx_port"; do
  curl --silent --fail --output /dev/null "http://shop.localhost:$port/" || fail "the second demo went with the first"
done
./quickstart --build "$two" --down
left=$(remains_of "$place_two")
[[ -z $left ]] || fail "left of the second demo: $left"
[[ $(md5sum /etc/passwd /etc/group) == "$users" ]] || fail "passwd or group has changed"
[[ $(sort /proc/mounts) == "$mounts" ]] || fail "a mount is left"
