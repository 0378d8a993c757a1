#!/bin/bash
# Runs clang-tidy over sources of a configured build.
#
#   tools/tidy.sh BUILD_DIR all|changed
#
# "changed" is what differs from origin/main, committed or not; where that is nothing (the clone is origin/main), the
# last 5 commits. A changed header is seen through the first source that includes it. What has passed in this build
# before, with all that it includes as it is now, is not looked at again.
set -euo pipefail
cd "$(dirname "$0")/.."

build=$1
which=$2
jobs=$(nproc)

# g++ has options that clang does not know; everything else it takes.
database=$build/tidy
mkdir -p "$database/passed"
sed -E 's/ (-fno-gnu-unique|-Wno-maybe-uninitialized|-Wno-restrict)//g' "$build/compile_commands.json" >"$database/compile_commands.json"
sources=$(sed -n "s|^ *\"file\": \"$PWD/\(.*\)\".*|\1|p" "$database/compile_commands.json" | grep -v '^build/' | sort -u)

# Prints the commit that a change is counted from.
base_commit() {
  local base
  if base=$(git merge-base HEAD origin/main 2>/dev/null) && [[ $base != $(git rev-parse HEAD) ]]; then
    echo "$base"
  else
    git rev-list --max-count=6 HEAD | tail -n 1
  fi
}

# Prints, for a header, the first source that includes it.
source_of() {
  local header=$1 twin=${1%.hpp}.cpp
  if grep -qxF "$twin" <<<"$sources"; then
    echo "$twin"
  else
    # `ninja -t deps` prints an object and, below it, first its source and then every header. All of it is read: ninja
    # ends with an error when nobody does.
    ninja -C "$build" -t deps 2>/dev/null |
      awk -v header="$PWD/$header" '/^[^ ]/ {source = ""; next} source == "" {source = $1} $1 == header && !told {print source; told = 1}' |
      sed "s|^$PWD/||; s|^\.\./\.\./||"
  fi
}

case $which in
  all) files=$sources ;;
  changed)
    base=$(base_commit)
    root=$(git rev-list --max-parents=0 HEAD | tail -n 1)
    # The very first commit has no parent to differ from: everything is new since the empty tree.
    if [[ $base == "$root" ]]; then base=$(git hash-object -t tree /dev/null); fi
    changed=$({ git diff --name-only --diff-filter=d "$base" -- '*.cpp' '*.hpp'; git ls-files -o --exclude-standard -- '*.cpp' '*.hpp'; } | sort -u)
    files=$(while read -r file; do
      case $file in
        *.hpp) source_of "$file" ;;
        ?*) grep -xF "$file" <<<"$sources" || true ;;
      esac
    done <<<"$changed" | sort -u)
    ;;
  *) echo "usage: tools/tidy.sh BUILD_DIR all|changed" >&2; exit 64 ;;
esac

if [[ -z $files ]]; then
  echo "tidy: no source has changed"
  exit 0
fi
echo "tidy: $(wc -l <<<"$files") sources"
# One process a file, so that the cores stay busy; a file's findings are printed in one piece.
tidy_one() {
  local output status=0 key
  key=$(tools/tidy_key.py "$1" "$2") || return 1
  if [[ -e $1/passed/$key ]]; then return 0; fi
  output=$(clang-tidy-19 -p "$1" --quiet "$2" 2>&1) || status=$?
  if ((status == 0)); then
    touch "$1/passed/$key"
  else
    grep -vE '^[0-9]+ warnings?( and [0-9]+ errors?)? generated' <<<"$output" || true
  fi
  return "$status"
}
export -f tidy_one
xargs -P "$jobs" -I{} bash -c 'tidy_one "$@"' _ "$database" {} <<<"$files"
