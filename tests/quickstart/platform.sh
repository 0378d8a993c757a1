#!/bin/bash
# The demo with a real codebase, once for each that lies on this machine, with its tour and a login by its link; and
# what it says to folders that are none.
#
#   platform.sh BUILD_DIR
#
# AEGIR_DRUPAL, AEGIR_DRUSH8 and AEGIR_BEE as in tests/drupal/codebase.hpp.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tools/quickstart/lib.sh
. tools/quickstart/lib.sh

one=$(realpath "$1")
cache=/var/cache/aegir-drupal
work=$(mktemp -d)
build=$work/build  # a demo of its own beside others of this build
fail() {
  echo "FAILED: $*" >&2
  exit 1
}
cleanup() {
  ./quickstart --build "$build" --down
  rm -rf "$work"
} >/dev/null
trap cleanup EXIT
trap 'exit 130' INT TERM HUP
for file in aegir aegirc aegird aegird-worker mod_aegir_apache/mod_aegir.so ngx_aegir/ngx_http_aegir_module.so; do
  install -D "$one/$file" "$build/$file"
done

# refused WORDS ARGUMENT...: the demo does not begin, and says why.
refused() {
  local words=$1 status
  shift
  status=$(./quickstart --build "$build" "$@" >"$work/refused.log" 2>&1 && echo 0 || echo $?)
  if [[ $status != 64 ]] || ! grep -qF "$words" "$work/refused.log"; then
    fail "quickstart $*: exit $status, $(<"$work/refused.log")"
  fi
}
refused "is no docroot of Drupal" --platform tests/fixtures/hunt
refused "needs a folder that is there" --platform "$work/none"
refused "goes with --platform" --drush quickstart
fixture=tests/fixtures/platform
refused "brings its own Drush" --platform "$fixture" --drush "$fixture/vendor/drush/drush/drush.php"
mkdir -p "$work"/{drupal/core/lib,drupal7/includes,backdrop/core/includes}
echo "const VERSION = '10.0.0';" >"$work/drupal/core/lib/Drupal.php"
echo "define('VERSION', '7.103');" >"$work/drupal7/includes/bootstrap.inc"
echo "define('BACKDROP_VERSION', '1.30.0');" >"$work/backdrop/core/includes/bootstrap.inc"
refused "require drush/drush in it" --platform "$work/drupal"
refused "needs Drush 8" --platform "$work/drupal7"
refused "needs bee" --platform "$work/backdrop" --drush "$fixture/vendor/drush/drush/drush.php"
# Every command that it prints is for this demo.
ours="./quickstart --build $(printf '%q' "$build")"

if [[ -v AEGIR_DRUPAL ]]; then
  IFS=: read -ra docroots <<<"$AEGIR_DRUPAL"
else
  docroots=()
  for folder in d106/web d104/web d7 backdrop; do
    if [[ -d $cache/$folder ]]; then docroots+=("$cache/$folder"); fi
  done
fi
if ((${#docroots[@]} == 0)); then
  echo "drupal: no codebase in $([[ -v AEGIR_DRUPAL ]] && echo AEGIR_DRUPAL || echo "$cache"), so these tests are skipped"
  exit 0
fi
# As after a reboot: what runs ends, and a run that names no platform brings back this one and no other.
comes_back() {
  local place name pid started
  for place in /var/tmp/aegir-quickstart/*; do if [[ $(<"$place/build") == "$build" ]]; then break; fi; done
  for name in nginx apache php aegird mariadb; do
    read -r pid started <"$place/processes/$name"
    kill -TERM "$pid"
    await_end "$pid" "$started" || fail "$name does not end"
  done
  ./quickstart --build "$build" >"$work/log" 2>&1 || { cat "$work/log"; fail "a second run after all has ended"; }
  grep -q "everything answered as promised" "$work/log" || fail "no tour of what came back: $(<"$work/log")"
}
echo "drupal: quickstart ran with ${docroots[*]}"
for docroot in "${docroots[@]}"; do
  drush=()
  if [[ -f $docroot/includes/bootstrap.inc && -v AEGIR_DRUSH8 ]]; then drush=(--drush "$AEGIR_DRUSH8"); fi
  if [[ -v AEGIR_BEE ]] && grep -qs BACKDROP_VERSION "$docroot/core/includes/bootstrap.inc"; then drush=(--drush "$AEGIR_BEE"); fi
  ./quickstart --build "$build" --platform "$docroot" "${drush[@]}" >"$work/log" 2>&1 ||
    { cat "$work/log"; fail "the demo with $docroot"; }
  cat "$work/log"
  grep -q "everything answered as promised" "$work/log" || fail "no tour of $docroot"
  grep -qxF "Stop and remove everything: $ours --down" "$work/log" || fail "the command that ends it is not told"
  links=$(grep -c '^ *to log in, once: ' "$work/log" || true)
  [[ $links == 1 ]] || fail "$links links, of which one works"
  while read -r link; do
    rm -f "$work/cookies"
    code=$(curl --silent --location --cookie "$work/cookies" --cookie-jar "$work/cookies" --output "$work/page" \
      --write-out '%{http_code}' "$link")
    [[ $code == 200 ]] || fail "the login link $link: $code"
  done < <(sed -n 's/^ *to log in, once: //p' "$work/log")
  if [[ $docroot == "${docroots[0]}" ]]; then comes_back; fi
  ./quickstart --build "$build" --down >/dev/null
done
