#!/bin/bash
# Installs the Debian packages that quickstart ("run") or check ("test") needs and that are missing.
#
#   tools/prepare.sh run|test
#
# Quiet and quick when nothing is missing. Starts no service: for the time of the installation a policy-rc.d refuses
# it, and services that come with what is installed here are not enabled either, so that the next boot does not start
# them. Safe to run twice and from several clones at a time. As root, or through sudo.
set -euo pipefail

# What builds and runs the servers. Of Apache and MariaDB the programs alone: the packages apache2 and mariadb-server
# would add services to this machine.
run_packages=(
  g++ cmake ninja-build ccache pkg-config
  libsqlite3-dev libsodium-dev libssl-dev nlohmann-json3-dev libcli11-dev libidn2-dev libacl1-dev libboost-dev libyaml-dev libmariadb-dev
  nginx nginx-dev apache2-bin apache2-dev mariadb-server-core mariadb-client
  php8.2-fpm php8.2-cli php8.2-mysql php8.2-gd php8.2-xml php8.2-mbstring php8.2-curl
  acl curl iproute2 procps
)
# What else the checks need.
test_packages=(
  clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev shellcheck git ca-certificates python3-jsonschema python3-yaml
  libgtest-dev libgmock-dev librapidcheck-dev
  groff-base man-db systemd zsh valgrind wrk haproxy strace nghttp2-client mmdebstrap
)
# Packages above that bring a service, and its name.
declare -A services=([nginx]=nginx [php8.2-fpm]=php8.2-fpm [haproxy]=haproxy)

policy=/usr/sbin/policy-rc.d
kept=$policy.before-aegir  # an administrator's own policy, while ours stands in its place
marker='# aegir: no service starts while packages are installed'
lock=/run/aegir-prepare.lock

case ${1-} in
  run) packages=("${run_packages[@]}") ;;
  test) packages=("${run_packages[@]}" "${test_packages[@]}") ;;
  *) echo "usage: tools/prepare.sh run|test" >&2; exit 64 ;;
esac

# Prints the packages of the list that are not installed.
missing_packages() {
  local installed
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null |
    sed -n 's/^installed //p' | sort) || true
  comm -23 <(printf '%s\n' "${packages[@]}" | sort) <(echo "$installed")
}

policy_is_ours() { [[ -e $policy ]] && grep -qxF "$marker" "$policy"; }

refuse_services() {
  [[ ! -e $policy ]] || mv "$policy" "$kept"
  printf '#!/bin/sh\n%s\nexit 101\n' "$marker" >"$policy"
  chmod 755 "$policy"
}

allow_services() {
  ! policy_is_ours || rm -f "$policy"
  [[ ! -e $kept ]] || mv "$kept" "$policy"
}

if ! command -v apt-get >/dev/null; then
  echo "prepare: needs Debian 12 (there is no apt-get here)" >&2
  exit 69
fi
if [[ -z $(missing_packages) ]] && ! policy_is_ours; then exit 0; fi
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "prepare: these packages are missing: $(missing_packages | xargs). Run this as root, or install sudo" >&2
    exit 77
  fi
  exec sudo "$0" "$@"
fi

exec 9>"$lock"
if ! flock -n 9; then
  echo "prepare: another clone is installing packages; waiting for it"
  flock 9
fi
trap allow_services EXIT
trap 'exit 130' INT TERM HUP
allow_services  # what a killed run may have left
mapfile -t missing < <(missing_packages)  # another clone may have installed them meanwhile
if ((${#missing[@]} == 0)); then exit 0; fi

echo "prepare: installing ${missing[*]} (and what they depend on); no service is started"
refuse_services
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get -q update && apt-get -q -o DPkg::Lock::Timeout=600 install -y --no-install-recommends \
  "${missing[@]}"; } </dev/null >"$log" 2>&1; then
  tail -n 25 "$log" >&2
  echo "prepare: apt-get failed, the whole output is in $log; mend it with apt-get and run this again" >&2
  exit 69
fi
rm -f "$log"
for package in "${missing[@]}"; do
  service=${services[$package]-}
  if [[ -n $service ]] && command -v systemctl >/dev/null; then
    systemctl --quiet disable "$service" 2>/dev/null || echo "prepare: could not disable the service $service" >&2
  fi
done
echo "prepare: installed ${#missing[@]} packages"
