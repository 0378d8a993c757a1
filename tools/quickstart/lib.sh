# shellcheck shell=bash
# What the parts of quickstart share: words for the person, a build's place below /var/tmp, its uids, its processes.
#
# A place is $places/<n>, 0711 of root; n also decides the uids, so that two clones never share one. Its file `build`
# names the build that it belongs to. Processes are known by pid and start time, so that a pid that was given to
# somebody else in the meantime is never touched.

places=/var/tmp/aegir-quickstart
uids_from=700000   # place n has the uids uids_from + 100 n and up; none of them stands in passwd
uids_a_place=100

# Prints lines.
say() { printf '%s\n' "$@"; }

# Ends the program with a sentence and the next step.
die() {
  printf 'quickstart: %s\n' "$*" >&2
  exit 1
}

# Prints the command line that runs quickstart on this demo again: again [ARGUMENT...]. named_build is --build's folder.
again() { printf './quickstart'; printf ' %q' ${named_build:+--build "$named_build"} "$@"; }

# Prints a word of letters and digits that nobody can guess.
random_word() {
  local word
  word=$(head -c 64 /dev/urandom | base64 -w 0 | tr -dc 'A-Za-z0-9')
  printf '%s' "${word:0:24}"
}

# Whether a range of uids is ours to take: inside this machine's map, and in no passwd entry and no subordinate range.
uids_are_free() {
  local first=$1 last=$(($1 + uids_a_place - 1))
  awk -v first="$first" -v last="$last" '$1 <= first && last < $1 + $3 {ok = 1} END {exit !ok}' /proc/self/uid_map &&
    ! awk -F: -v first="$first" -v last="$last" '$3 >= first && $3 <= last {hit = 1} END {exit !hit}' \
      /etc/passwd /etc/group &&
    ! cat /etc/subuid /etc/subgid 2>/dev/null |
    awk -F: -v first="$first" -v last="$last" '$2 <= last && first < $2 + $3 {hit = 1} END {exit !hit}'
}

# Holds the lock over all places until unlock_places. The lock is the folder itself, so that none is left behind.
lock_places() {
  while :; do
    mkdir -m 0711 "$places" 2>/dev/null || true
    [[ -d $places && ! -L $places && -O $places ]] || die "$places is not a folder of root; move it aside"
    exec 9<"$places"
    flock 9
    # Whoever held it before may have removed it.
    if [[ $places -ef /proc/self/fd/9 ]]; then return; fi
  done
}

unlock_places() { exec 9<&-; }

# Sets `state`, the place of this build, if it has one.
find_place() {
  local file
  state=
  for file in "$places"/*/build; do
    if [[ -f $file && $(<"$file") == "$build" ]]; then state=${file%/build}; fi
  done
  name_uids
}

# Tells of the demos of other builds, each with the command that ends it.
tell_others() {
  local file other
  for file in "$places"/*/build; do
    if [[ ! -f $file ]]; then continue; fi
    other=$(<"$file")
    say "There is a demo of another build in ${file%/build}: $(named_build=$other again --down) ends it."
  done
}

# Sets `state` to a new place for this build.
make_place() {
  local number
  for ((number = 0; number < 100; ++number)); do
    if [[ ! -e $places/$number ]] && uids_are_free $((uids_from + uids_a_place * number)); then
      mkdir -m 0711 "$places/$number"
      printf '%s\n' "$build" >"$places/$number/build"
      state=$places/$number
      name_uids
      return
    fi
  done
  die "found no 100 free uids from $uids_from on; is this a container with few uids (see /proc/self/uid_map)?"
}

# Sets the uids (and gids of the same numbers) of the place.
name_uids() {
  if [[ -z $state ]]; then return; fi
  uid_first=$((uids_from + uids_a_place * ${state##*/}))
  uid_last=$((uid_first + uids_a_place - 1))
  # The parts that are sourced beside this one use these.
  # shellcheck disable=SC2034
  uid_aegir=$uid_first uid_database=$((uid_first + 1)) uid_slots=$((uid_first + 10))
}

# Removes the place, and the folder of places when it was the last.
remove_place() {
  rm -rf --one-file-system "$state" "/dev/shm/aegir-quickstart-${state##*/}"
  rmdir --ignore-fail-on-non-empty "$places"
}

# Prints `count` different ports of 127.0.0.1 that the kernel says are free.
free_ports() {
  perl -MSocket -e '
    for (1 .. shift) {
      my $s;
      socket($s, PF_INET, SOCK_STREAM, 0) && bind($s, sockaddr_in(0, INADDR_LOOPBACK)) or die "no free port: $!\n";
      push @held, $s;
      print((sockaddr_in(getsockname($s)))[0], "\n");
    }' "$1"
}

# Prints when a process was started (ticks since boot); nothing when it is gone.
start_time() {
  local line fields
  { line=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
  read -ra fields <<<"${line##*) }"  # the name before may hold anything
  if [[ ${fields[0]} != Z ]]; then printf '%s' "${fields[19]}"; fi
}

# Starts a program that goes on when quickstart has ended: start NAME COMMAND...
start() {
  local name=$1
  shift
  setsid "$@" </dev/null >>"$state/log/$name.out" 2>&1 8<&- 9<&- &
  printf '%s %s\n' "$!" "$(start_time "$!")" >"$state/processes/$name"
  disown
}

# Prints the pid of a program of ours that runs; fails when it does not.
pid_of() {
  local pid started
  [[ -f $state/processes/$1 ]] && read -r pid started <"$state/processes/$1" &&
    [[ -n $started && $(start_time "$pid") == "$started" ]] && printf '%s' "$pid"
}

# Waits until a process has ended, for a minute: await_end PID START_TIME. Not by the pid alone: an init may take its
# time to bury the dead.
await_end() {
  local tries
  for ((tries = 0; tries < 1200; ++tries)); do
    if [[ -z $2 || $(start_time "$1") != "$2" ]]; then return; fi
    sleep 0.05
  done
  return 1
}

# Ends a program by its signal for an orderly end, and after a minute in any way: stop NAME SIGNAL.
stop() {
  local pid started
  if pid=$(pid_of "$1"); then
    started=$(start_time "$pid")
    kill -s "$2" "$pid"
    await_end "$pid" "$started" || true
    # Also what of its group has outlived it, as a child of PHP-FPM's can that was being made just then.
    kill -s KILL -- "-$pid" 2>/dev/null || true
  fi
  rm -f "$state/processes/$1"
}

# Ends what still runs with a uid of this place.
stop_strays() {
  local pid uid
  while read -r pid uid; do
    if ((uid >= uid_first && uid <= uid_last)); then kill -s KILL "$pid" 2>/dev/null || true; fi
  done < <(ps -e -o pid=,uid=)
}

# Waits until a command succeeds, while a program of ours runs: await NAME COMMAND...
await() {
  local name=$1 tries
  shift
  for ((tries = 0; tries < 600; ++tries)); do
    if "$@" >/dev/null 2>&1; then return; fi
    pid_of "$name" >/dev/null || break
    sleep 0.05
  done
  tail -n 20 "$state/log/$name"* >&2
  die "$name does not answer; its log is above and in $state/log. $(again --down) cleans up"
}

# Whether somebody listens on a port of 127.0.0.1.
port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
