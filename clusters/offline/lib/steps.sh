# Runs the steps of a build: locks, progress, disk and tools. Sourced by ../build, which sets here, cache, arch and go_version.
# shellcheck shell=bash

say() { echo "$*" >&2; }
die() { echo "clusters/offline/build: $*" >&2; exit 1; }

# need TOOL PACKAGE: a clear error instead of a failure half-way.
need() { command -v "$1" > /dev/null || die "\`$1\` is missing: apt-get install $2"; }

need_root() { [ "$(id -u)" = 0 ] || die "the node image is made with debootstrap and chroot: run as root"; }

check_tools() {
  local component version
  need go golang-go
  need sha256sum coreutils
  need flock util-linux
  version=$(go env GOVERSION)
  [ "$(printf '%s\n' "go$go_minimum" "$version" | sort -V | head -n 1)" = "go$go_minimum" ] ||
    die "go is $version, the modules ask for go$go_minimum or later: install a newer toolchain (Debian backports: golang-$go_minimum-go)"
  for component in "$@"; do
    [ -d "$(built "$component")" ] && continue
    case $component in
      runc)
        need gcc gcc
        [ -f /usr/include/seccomp.h ] || die "\`seccomp.h\` is missing: apt-get install libseccomp-dev"
        ;;
      pause) need gcc gcc ;;
      debian | stand-ins)
        need debootstrap debootstrap
        need apt-get apt
        need_root
        ;;
      node-image)
        need_root
        need docker docker.io
        need jq jq
        ;;
    esac
  done
}

# disk_needed NAME: MiB that building it adds at its peak: sources, compiler cache, result (measured).
disk_needed() {
  case $1 in
    kubernetes) echo 5000 ;;
    node-image) echo 4000 ;;
    coredns) echo 3000 ;;
    containerd | local-path | buildx) echo 1300 ;;
    pause | netagent | kind | cni | runc) echo 100 ;;
    *) echo 1000 ;;
  esac
}

check_disk() {
  local component needed=0 free
  for component in "$@"; do
    [ -d "$(built "$component")" ] || needed=$((needed + $(disk_needed "$component")))
  done
  free=$(df --output=avail -BM "$cache" | tail -n 1 | tr -dc 0-9)
  [ "$free" -ge "$needed" ] ||
    die "\`$cache\` has $free MiB free, the build needs $needed MiB: make room, or set LABCHECK_CACHE to a directory on a larger disk"
}

# make_component NAME NUMBER TOTAL: builds it unless it is cached; one process at a time per component.
# The result appears whole by a rename, so a build that is killed leaves nothing that looks finished.
make_component() {
  local name=$1 label dir log started job last=0
  label=$(printf '[%2d/%d] %s' "$2" "$3" "$name")
  dir=$(built "$name")
  log=$cache/log/$name.log
  exec 8> "$cache/locks/$name-$(key "$name")"
  if ! flock -n 8; then
    say "$label: another build is making it, waiting"
    flock 8
  fi
  if [ -d "$dir" ]; then
    say "$label: cached"
    exec 8>&-
    return
  fi
  say "$label: building"
  rm -rf "$dir.part"
  mkdir -p "$dir.part"
  started=$SECONDS
  # In the background, because the shell heeds `set -e` there and not in a condition.
  make_one "$name" "$dir.part" > "$log" 2>&1 &
  job=$!
  while kill -0 "$job" 2> /dev/null; do
    sleep 0.2
    if [ $((SECONDS - started - last)) -ge 60 ]; then # so that silence means something
      last=$((SECONDS - started))
      say "$label: still building, $last s"
    fi
  done
  if ! wait "$job"; then
    tail -n 30 "$log" >&2
    die "$name could not be built ($((SECONDS - started)) s); its last lines are above, all of them in $log"
  fi
  [ "$(inputs "$name" | sha256sum | cut -c1-12)" = "$(key "$name")" ] ||
    die "the recipe of $name changed while it was built: start again"
  mv "$dir.part" "$dir"
  say "$label: built in $((SECONDS - started)) s"
  exec 8>&-
}
