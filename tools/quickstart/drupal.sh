# shellcheck shell=bash
# A real Drupal or Backdrop in place of the demo's own platform: a copy of somebody's codebase, with one site, installed
# by the codebase's own Drush (Backdrop: by its installer) as the uid of the site's slot. The codebase is only read.

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

# Sets platform_drush, drush.php of the Drush to be used: the one that was named (a vendor/bin/drush or a drush.php), the
# codebase's own, or for Drupal 7 one in a folder called drush8 beside it. Backdrop needs none.
find_drush() {
  local vendor
  platform_drush=
  if [[ $platform_cms == backdrop ]]; then return; fi
  for vendor in ${1:+"${1%/bin/*}" "${1%/drush/drush/*}"} "$platform_project/vendor" "${platform_project%/*}/drush8/vendor"; do
    if [[ -f $vendor/drush/drush/drush.php ]]; then platform_drush=$(realpath "$vendor")/drush/drush/drush.php; return; fi
  done
  return 1
}

# Copies what was recognised to the demo's platform; sets docroot, and drush to the copy of the Drush.
copy_platform() {
  local project=$state/var/aegir/platforms/demo
  docroot=$project${platform_docroot#"$platform_project"}
  drush=$project${platform_drush#"$platform_project"}
  cp -a --reflink=auto "$platform_project" "$project"
  chown -R "$uid_aegir:$uid_aegir" "$project"
  chmod -R u=rwX,go=rX "$project"
  if [[ $platform_drush && $platform_drush != "$platform_project"/* ]]; then
    # Sites' uids must be able to read it, wherever it lies.
    drush=$state/drush/vendor/drush/drush/drush.php
    mkdir -p "$state/drush"
    cp -a --reflink=auto "${platform_drush%/drush/drush/drush.php}" "$state/drush/vendor"
    chmod -R u=rwX,go=rX "$state/drush"
  fi
  printf '%s\n' "$platform_title" "$platform_cms" "$docroot" "$drush" "$(realpath "$platform")" >"$state/platform"
}

# Sets the same for a demo that is there already, and platform_source, the folder that --platform named.
name_platform() {
  {
    read -r platform_title
    read -r platform_cms
    read -r docroot
    read -r drush
    read -r platform_source
  } <"$state/platform"
}

# php_of_site ARGUMENT...: PHP's command line in the docroot as the site's uid, with nothing in the environment but its
# own places: settings.php finds the credentials by itself.
php_of_site() {
  local uid home
  uid=$(uid_of "$drupal_site")
  home=$state/var/lib/aegir-slots/$block_name/$((uid - uid_slots))
  (cd "$docroot" && exec env -i PATH="$(php_dir):/usr/local/bin:/usr/bin:/bin" LANG=C.UTF-8 HOME="$home/home" TMP="$home/tmp" \
    TEMP="$home/tmp" TMPDIR="$home/tmp" setpriv --reuid "$uid" --regid "$uid" --clear-groups --no-new-privs \
    php -d memory_limit=512M "$@")
}

# drush_of_site COMMAND...
drush_of_site() { php_of_site "$drush" --root="$docroot" --uri="http://$drupal_site" "$@"; }

# Makes the site's record and files and installs it. The administrator's password is what the installer makes up;
# login_link is the way in.
install_platform_site() {
  local log=$state/log/install.out
  local -a command=(site:install standard --sites-subdir="$drupal_site" --site-name="$drupal_site" --account-name=admin)
  new_site "$drupal_site" '"aliases": {"www.drupal.localhost": {}}'
  aegirc verify --site "$drupal_site" >"$log" 2>&1 || die "aegirc verify failed: $(<"$log")"
  say "Installing $platform_title as the site's own uid"
  if [[ $platform_cms == backdrop ]]; then
    install -m 0644 "$clone/tools/quickstart/install_backdrop.php" "$state/install_backdrop.php"
    php_of_site "$state/install_backdrop.php" "$drupal_site" "$drupal_site"
  else
    [[ $platform_cms != drupal7 ]] || command[0]=site-install
    drush_of_site --yes "${command[@]}"
  fi >>"$log" 2>&1 || { tail -n 20 "$log" >&2; die "the installation failed; its whole output is $log"; }
}

# login_link PORT: prints a new one-time link for the administrator.
login_link() {
  local url=http://$drupal_site:$1
  if [[ $platform_cms != backdrop ]]; then
    drush_of_site user:login --uid=1 --no-browser --uri="$url" 2>/dev/null | grep -o 'http://[^ ]*'
  fi
}

show_platform() {
  local link
  say "" "$platform_title:" \
    "   http://$drupal_site:$apache_port/  (Apache)" "   http://$drupal_site:$nginx_port/  (nginx)"
  # One: a second would make the first invalid.
  link=$(login_link "$apache_port") || true
  if [[ $link ]]; then say "   to log in, once: $link" "   another link:    $(again --no-tour)"; fi
  say "" "Try things by hand (as root): $(printf '%q ' "$build/aegirc" --config "$state/etc/aegir/aegir.conf")--help"
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
  say "" "An alias, added while the servers run"
  ask live.localhost 404
  change_site "$drupal_site" '"aliases": {"live.localhost": {}}'
  ask live.localhost 200
  change_site "$drupal_site" '"aliases": {"live.localhost": null}'
  ask live.localhost 404
  end_of_tour
}
