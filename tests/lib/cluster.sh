# What the shell tests against a kind cluster share. Source it after report.sh.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PATH=$("$root/clusters/offline/build" --print-bin):$PATH
test_image=labcheck-test/busybox:1
work=$(mktemp -d)

require_tools() {
  local tool
  for tool in "$@"; do
    command -v "$tool" > /dev/null || missing "\`$tool\` is not installed, nor built by clusters/offline/build"
  done
  docker version > /dev/null 2>&1 || missing "no docker daemon answers: run clusters/offline/dockerd start"
}

# use_cluster NAME: KUBECONFIG becomes a private file for this kind cluster; the user's stays untouched.
use_cluster() {
  kind get clusters 2> /dev/null | grep -qx "$1" || missing "there is no kind cluster called \`$1\`"
  export KUBECONFIG=$work/kubeconfig-$1
  kind get kubeconfig --name "$1" > "$KUBECONFIG"
  kubectl get --raw /readyz > /dev/null || missing "the API server of cluster \`$1\` is not ready"
}

# make_test_image: Debian's static busybox as an image in Docker, under the name $test_image.
make_test_image() {
  local busybox layer=$work/busybox
  [ ! -d "$layer" ] || return 0
  busybox=$(command -v busybox) || missing "\`busybox\` is missing: apt-get install busybox-static"
  ! ldd "$busybox" > /dev/null 2>&1 || missing "\`$busybox\` is not static: apt-get install busybox-static"
  mkdir -p "$layer/bin" "$layer/tmp"
  chmod 1777 "$layer/tmp"
  "$busybox" --list | while read -r name; do ln -sfn busybox "$layer/bin/$name"; done
  cp --remove-destination "$busybox" "$layer/bin/busybox"
  tar -C "$layer" -c . | docker import -c 'ENV PATH=/bin' - "$test_image" > /dev/null
}

# load_test_image NAME: the test image on every node of a kind cluster.
load_test_image() {
  make_test_image
  kind load docker-image --name "$1" "$test_image" > "$work/load.log" 2>&1 || missing "kind load: $(cat "$work/load.log")"
}

drop_test_image() { docker rmi "$test_image" > /dev/null 2>&1; }
