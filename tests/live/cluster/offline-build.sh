#!/bin/bash
# clusters/offline/build survives being killed, being run twice at once, and a machine that lacks
# something. Works in a cache of its own, on its two quickest components.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../lib/report.sh"
build=$(cd "$here/../../.." && pwd)/clusters/offline/build
work=$(mktemp -d)
export LABCHECK_CACHE=$work/cache
clean_up() { chmod -R u+w "$work" && rm -rf "$work"; } # Go's module cache is read-only

command -v go > /dev/null || missing "\`go\` is missing: apt-get install golang-go"

# refuses LABEL PATTERN COMMAND...: fails, and says why in words that match.
refuses() {
  local label=$1 pattern=$2 output
  shift 2
  if output=$("$@" 2>&1); then
    fail "$label: it succeeded"
  elif grep -q "$pattern" <<< "$output"; then
    pass "$label: $(grep -m 1 "$pattern" <<< "$output")"
  else
    fail "$label: expected a message with \`$pattern\`, got: $output"
  fi
}

refuses "an unknown set" 'no set is called `nginx`' "$build" nginx

# A machine with no debootstrap: a directory of links to every other program, alone in PATH.
mkdir "$work/bin"
find -L /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin "$(dirname "$(readlink -f "$(command -v go)")")" -maxdepth 1 -type f -perm -u+x ! -name debootstrap \
  -exec ln -s -t "$work/bin" {} + 2> /dev/null || true # a name in two directories is linked once
refuses "a missing tool" 'debootstrap. is missing: apt-get install debootstrap' env PATH="$work/bin" "$build" debian

mkdir "$work/bin-df"
printf '#!/bin/sh\nprintf "Avail\\n 512M\\n"\n' > "$work/bin-df/df"
chmod +x "$work/bin-df/df"
refuses "a full disk" 'has 512 MiB free, the build needs' env PATH="$work/bin-df:$PATH" "$build" kubernetes

# Killed in the middle: nothing that looks finished is left, and the next run finishes.
setsid "$build" kind > "$work/killed.log" 2>&1 &
victim=$!
for _ in $(seq 300); do
  [ -z "$(find "$LABCHECK_CACHE" -maxdepth 3 -name 'kind-*.part' 2> /dev/null)" ] || break
  sleep 0.1
done
sleep 0.5
kill -KILL -- "-$victim" # it leads a process group of its own, with the compiler in it
wait "$victim" 2> /dev/null || true
check "killed: a partial directory is left" test -n "$(find "$LABCHECK_CACHE/offline/built" -name '*.part')"
check "killed: nothing looks finished" test -z "$(find "$LABCHECK_CACHE/offline/built" -mindepth 1 -maxdepth 1 ! -name '*.part')"

# Two at once: one builds, the other waits for it and says so, and both end well.
"$build" kind > "$work/first.log" 2>&1 &
first=$!
for _ in $(seq 50); do
  ! grep -q building "$work/first.log" || break
  sleep 0.05
done
"$build" kind > "$work/second.log" 2>&1 &
second=$!
status=0
wait "$first" || status=$?
check "two at once: the first ends well" test "$status" = 0
wait "$second" || status=$?
check "two at once: the second ends well" test "$status" = 0
check "two at once: the first built" grep -q 'kind: built in' "$work/first.log"
check "two at once: the second waited" grep -q 'another build is making it' "$work/second.log"
check "two at once: the second found it cached" grep -q 'kind: cached' "$work/second.log"
check "the result runs" "$("$build" --print-bin)/kind" version
check "no partial directory is left" test -z "$(find "$LABCHECK_CACHE/offline/built" -name '*.part')"
check "sources and compiler cache are gone" test ! -e "$LABCHECK_CACHE/offline/go-mod" -a ! -e "$LABCHECK_CACHE/offline/go-build"

# The key follows the recipe and nothing else.
before=$("$build" --list)
copy=$work/copy/offline
mkdir "$work/copy"
# The recipe has parts in clusters/compose too.
cp -r "$(dirname "$build")" "$(dirname "$build")/../compose" "$work/copy"
check "the same recipe elsewhere has the same keys" test "$before" = "$("$copy/build" --list)"
echo '// a change' >> "$copy/netagent/network.go"
changed=$(diff <(echo "$before") <("$copy/build" --list) | awk '/^>/ {print $3}' | sort | tr '\n' ' ' || true) # diff exits 1
check "a change to netagent changes netagent and the node image only (changed: $changed)" test "$changed" = "netagent node-image "
finish
