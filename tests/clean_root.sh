#!/bin/bash
# A newcomer's first quarter of an hour, played on a Debian 12 that has nothing: makes a minimal root with mmdebstrap,
# clones this repository's last commit into it, runs ./quickstart and ./check there, and holds both to their time. What
# quickstart has built is then installed as README says of a real server.
#
#   tests/clean_root.sh [quickstart|check]    (both when none is named)
#
# Codebases of Drupal that this machine has (/var/cache/aegir-drupal) are there too, so that the check's time is with
# them. Packages come from this machine's own apt sources. The root is a mount point of its own in namespaces of its own,
# so that everything in it ends with this script. Needs root.
set -euo pipefail
cd "$(dirname "$0")/.."

parts=("${@:-quickstart check}")
read -ra parts <<<"${parts[*]}"
# Seconds on 2 cores, from a clean clone. The second is what every change may cost who checks it, real Drupal included.
declare -A limits=([quickstart]=600 [check]=1500)
for part in "${parts[@]}"; do
  [[ -n ${limits[$part]-} ]] || { echo "usage: tests/clean_root.sh [quickstart|check]" >&2; exit 64; }
done
if ((EUID != 0)); then echo "clean_root: needs root" >&2; exit 77; fi
if [[ -n $(git status --porcelain) ]]; then echo "clean_root: what is not committed is not tested"; fi

root=$(mktemp -d /var/tmp/aegir-clean-root.XXXXXX)
trap 'rm -rf --one-file-system "$root"' EXIT
trap 'exit 130' INT TERM HUP

# The machine's sources, and what of its apt configuration decides how packages are fetched.
sources=$(find /etc/apt -maxdepth 2 -type f \( -name '*.list' -o -name '*.sources' \))
[[ -n $sources ]] || { echo "clean_root: found no sources in /etc/apt" >&2; exit 78; }
echo "clean_root: making a minimal Debian 12 in $root"
# shellcheck disable=SC2086 # one word a file
mmdebstrap --quiet --variant=minbase bookworm "$root/debian" $sources
grep -lsE '^ *Acquire' /etc/apt/apt.conf.d/* | xargs -r cp --target-directory="$root/debian/etc/apt/apt.conf.d"
cp /etc/hosts /etc/resolv.conf "$root/debian/etc/"
git clone --quiet --no-local . "$root/debian/root/aegir"

# Runs a command in the root.
inside() {
  # shellcheck disable=SC2016 # the inner shell's variables
  unshare --mount --pid --fork --kill-child bash -c '
    set -euo pipefail
    root=$1
    shift
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    codebases=/var/cache/aegir-drupal
    if [[ -d $codebases ]]; then
      mkdir -p "$root$codebases"
      mount --bind "$codebases" "$root$codebases"
      mount -o remount,bind,ro "$root$codebases"
    fi
    mount --rbind /sys "$root/sys"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for device in null zero full random urandom tty; do
      touch "$root/dev/$device"
      mount --bind "/dev/$device" "$root/dev/$device"
    done
    mkdir "$root/dev/shm" "$root/dev/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    ln -s fd/0 "$root/dev/stdin"
    ln -s fd/1 "$root/dev/stdout"
    ln -s fd/2 "$root/dev/stderr"
    exec chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"' \
    _ "$root/debian" "$@" </dev/null
}

failures=0
complain() {
  echo "clean_root: FAILED: $*" >&2
  failures=$((failures + 1))
}

# timed NAME COMMAND...: runs it inside and holds it to its limit.
timed() {
  local name=$1 started=$SECONDS took
  shift
  inside "$@" || complain "$name ended with $?"
  took=$((SECONDS - started))
  echo "clean_root: $name took $took s (at most ${limits[$name]})"
  if ((took > limits[$name])); then complain "$name took too long"; fi
}

# Packages first, from two sides at a time and beside an administrator's own policy-rc.d, which must come back and under
# which no service may have started. That is part of what quickstart takes.
read -r -d '' quickstart_script <<'END' || true
set -euo pipefail
cd /root/aegir
printf '#!/bin/sh\n# the administrator'"'"'s\nexit 104\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
cp /usr/sbin/policy-rc.d /root/policy
tools/prepare.sh run &
tools/prepare.sh run
wait $!
cmp /root/policy /usr/sbin/policy-rc.d
services=$(ps -e -o args= | grep -E 'nginx|apache|php|maria|mysql' | grep -v grep || true)
[[ -z $services ]] || { echo "these were started: $services" >&2; exit 1; }
./quickstart
END
# Once more up, twice down: then nothing may be there that was not there before. The first run's processes ended with
# its namespaces; its files are what this one finds "left half done".
read -r -d '' down_script <<'END' || true
set -euo pipefail
cd /root/aegir
remains() {
  echo "processes: $(ps -e -o args= | grep -vE '^(bash|ps|grep|sort|find)( |$)|<defunct>' || true)"
  echo "mounts: $(cut -d ' ' -f 2,3 /proc/mounts | sort)"
  echo "users: $(md5sum /etc/passwd /etc/group)"
  echo "files: $(find /var/tmp /tmp /dev/shm /run /etc /var/lib /var/log | sort)"
}
./quickstart --down
remains >/root/before
./quickstart
./quickstart
./quickstart --down
./quickstart --down
remains >/root/after
diff /root/before /root/after
END

# A real server by README's own steps, but for systemd, which is not here, and with a network of its own for port 80.
read -r -d '' server_script <<'END' || true
set -euo pipefail
cd /root/aegir
ip link set lo up
cmake --install build/demo --prefix /usr >/dev/null
adduser --quiet --system --group --home /var/aegir --no-create-home aegir
addgroup --quiet aegir-admin
mkdir /etc/aegir
echo 'nginx_reload = signal /run/nginx.pid' >/etc/aegir/aegir.conf
aegirc keygen map
aegirc keygen registry
sed -n 's/^       //; /^{"servers"/,/^ *"blocks"/p' README.md | aegirc import -
aegirc compile
rm /etc/nginx/sites-enabled/default
ln -s /var/aegir/config/server_main/nginx/module.load /etc/nginx/modules-enabled/90-aegir.conf
ln -s /var/aegir/config/server_main/nginx/aegir.conf /etc/nginx/conf.d/aegir.conf
nginx
mkdir -p /run/mysqld
mariadb-install-db --user=root --skip-test-db >/dev/null
mariadbd --user=root --socket=/run/mysqld/mysqld.sock >/root/mariadbd.log 2>&1 &
until mariadb -e 'SELECT 1' >/dev/null 2>&1; do kill -0 $!; sleep 0.1; done
command=$(sed -n "s/^ExecStart=.bin.sh -c '\(.*\)'\$/\1/p" '/usr/lib/systemd/system/aegir-fpm@.service')
CONFIG_DIR=/var/aegir/config sh -c "${command//%i/b1}" 2>/dev/null &
aegird &
until aegir queue show >/dev/null 2>&1; do kill -0 $!; sleep 0.1; done
mariadb -e "$(aegir server verify main 2>&1 | grep -o 'GRANT .*' | head -n 1)"
aegir server verify main
cp -r tests/fixtures/platform /var/aegir/platforms/p1
aegir platform add p1 --docroot /var/aegir/platforms/p1
aegir site install shop.example --platform p1
[[ $(curl -s -o /dev/null -w '%{http_code}' -H 'Host: shop.example' http://127.0.0.1/) == 200 ]]
su -s /bin/sh aegir -c 'aegir site login shop.example'
aegir site disable shop.example
aegir site delete shop.example --yes
END

for part in "${parts[@]}"; do
  case $part in
    quickstart)
      timed quickstart bash -c "$quickstart_script"
      inside bash -c "$down_script" || complain "quickstart --down left something, or a second run failed"
      inside unshare --net bash -c "$server_script" || complain "a real server, as README sets it up"
      ;;
    check) timed check bash -c 'cd /root/aegir && ./check' ;;
  esac
done
if ((failures)); then exit 1; fi
echo "clean_root: ok"
