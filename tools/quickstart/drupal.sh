# shellcheck shell=bash
# A real Drupal or Backdrop in place of the demo's own platform: a copy of somebody's codebase, with one site. The
# codebase is only read.

drupal_site=drupal.localhost

# The first words between quotes that follow a pattern in a file; nothing when it is not there.
version_in() { sed -nE "s/.*$2[ ,]*'([^']+)'.*/\1/p" "$1" 2>/dev/null | head -n 1; }

# recognise DIR: sets platform_docroot, platform_project (the composer project around it, or itself), platform_cms and
# platform_title. DIR is a docroot, or a composer project with its docroot in web/, docroot/ or html/. Fails for others.
recognise() {
  local below version
  for below in . web docroot html; do
    platform_docroot=$(realpath -e -- "$1/$below" 2>/dev/null) || continue
    version=$(version_in "$platform_docroot/core/lib/Drupal.php" "const VERSION =")
    if [[ $version ]]; then platform_cms=drupal8 platform_title="Drupal $version"; break; fi
    version=$(version_in "$platform_docroot/core/includes/bootstrap.inc" "define\('BACKDROP_VERSION'")
    if [[ $version ]]; then platform_cms=backdrop platform_title="Backdrop $version"; break; fi
    version=$(version_in "$platform_docroot/includes/bootstrap.inc" "define\('VERSION'")
    if [[ $version ]]; then platform_cms=drupal7 platform_title="Drupal $version"; break; fi
  done
  [[ $version ]] || return 1
  platform_project=$platform_docroot
  if [[ -f ${platform_docroot%/*}/vendor/autoload.php ]]; then platform_project=${platform_docroot%/*}; fi
}

# find_tool [PATH]: sets platform_tool, what aegird has to run for a codebase that brings none: PATH (a vendor/bin/drush,
# a drush.php or a bee.php), else for Drupal 7 the Drush in a folder called drush8 beside the codebase, for Backdrop the
# bee in one called bee. Empty for a codebase that brings its Drush. Fails when there is none.
find_tool() {
  local candidate vendor
  platform_tool=
  if [[ $platform_cms == backdrop ]]; then
    for candidate in ${1:+"$1"} "${platform_project%/*}/bee/bee.php"; do
      if [[ $candidate == *bee.php && -f $candidate ]]; then platform_tool=$(realpath "$candidate"); return; fi
    done
    return 1
  fi
  for vendor in "$platform_docroot/vendor" "$platform_project/vendor"; do
    if [[ -f $vendor/drush/drush/drush.php ]]; then return; fi
  done
  for vendor in ${1:+"${1%/bin/*}" "${1%/drush/drush/*}"} "${platform_project%/*}/drush8/vendor"; do
    if [[ -f $vendor/drush/drush/drush.php ]]; then platform_tool=$(realpath "$vendor")/drush/drush/drush.php; return; fi
  done
  return 1
}

# Copies what was recognised to the demo's platform; sets docroot, and tool to what aegir.conf says of platform_tool.
copy_platform() {
  local project=$state/var/aegir/platforms/demo
  docroot=$project${platform_docroot#"$platform_project"}
  copy_codebase "$platform_project" "$project"
  # Every site must be able to read its tool, wherever it lies.
  case $platform_tool in
    */bee.php)
      copy_codebase "${platform_tool%/bee.php}" "$state/tools/bee"
      tool="bee = $state/tools/bee/bee.php"
      ;;
    */drush.php)
      copy_codebase "${platform_tool%/drush/drush/drush.php}" "$state/tools/vendor"
      tool="drush = $state/tools/vendor/drush/drush/drush.php"
      ;;
  esac
  printf '%s\n' "$platform_title" "$platform_cms" "$docroot" "$(realpath "$platform")" >"$state/platform"
}

# Sets the same for a demo that is there already, and platform_source, the folder that --platform named.
name_platform() {
  {
    read -r platform_title
    read -r platform_cms
    read -r docroot
    read -r platform_source
  } <"$state/platform"
}

show_platform() {
  say "" "$platform_title:" \
    "   http://$drupal_site:$apache_port/  (Apache)" "   http://$drupal_site:$nginx_port/  (nginx)"
  # One: a second would make the first invalid.
  say "   to log in, once: $(login_link "$drupal_site")"
  tell_by_hand "site login $drupal_site"
  tell_https "$drupal_site"
  say "Stop and remove everything: $(again --down)"
}

# What of the tour holds for any codebase.
tour_platform() {
  say "" "The site"
  ask "$drupal_site" 200
  ask www.drupal.localhost 200
  ask nobody.localhost 404
  ask "$drupal_site$([[ $platform_cms == drupal7 ]] || echo /core)/install.php" 403
  say "" "What was done with it"
  must_aegir task list --site "$drupal_site"
  say "" "Disabled and enabled while the servers run"
  must_aegir site disable "$drupal_site"
  ask "$drupal_site" 503
  must_aegir site enable "$drupal_site"
  ask "$drupal_site" 200
  end_of_tour
}
