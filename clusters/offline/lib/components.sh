# What is built from what. Sourced by ../build, which sets here, cache, arch and go_version.
#
# A component is a directory <cache>/built/<name>-<key>, where the key is a hash of everything the
# component is made from. Changing one component therefore never rebuilds another.
# shellcheck shell=bash

kubernetes_version=$(cat "$here/node/kind/version")
debian_suite=bookworm
# What systemd, kubelet, containerd, kube-proxy and the network agent call on a node.
debian_packages=(
  systemd systemd-sysv dbus iproute2 iptables nftables ipset conntrack ethtool ebtables socat kmod
  procps openssl ca-certificates util-linux mount hostname findutils tar curl busybox-static
)

# members SET: the components of a set, in the order in which they are built. A component is a set of one.
members() {
  case $1 in
    cluster) echo kind kubernetes containerd runc cni etcd coredns local-path netagent pause debian node-image ;;
    compose) echo compose buildx ;;
    stand-ins) echo stand-ins ;;
    kind | kubernetes | containerd | runc | cni | etcd | coredns | local-path | netagent | pause | debian | \
      buildx | helm | metrics-server | kwok) echo "$1" ;;
    *) return 1 ;;
  esac
}
all_sets=(cluster compose stand-ins helm metrics-server kwok)

# recipe NAME: how a component is built; sets the variables below.
#   module    directory with go.mod, empty for components that are not one Go build
#   outputs   package=binary, one for each binary
#   ldflags, tags, buildmode, cgo    as `go build` and CGO_ENABLED know them
recipe() {
  module=$here/modules/$1 outputs=() ldflags="-s -w" tags="" buildmode=default cgo=0
  case $1 in
    kind)
      outputs=(sigs.k8s.io/kind=kind)
      ;;
    kubernetes)
      # kubeadm refuses to work with a kubelet whose version it cannot read.
      local minor command version=k8s.io/component-base/version
      minor=$(cut -d. -f2 <<< "$kubernetes_version")
      ldflags+=" -X $version.gitVersion=$kubernetes_version -X $version.gitMajor=1 -X $version.gitMinor=$minor"
      ldflags+=" -X $version.gitTreeState=clean -X k8s.io/client-go/pkg/version.gitVersion=$kubernetes_version"
      for command in kubeadm kubectl kubelet kube-apiserver kube-controller-manager kube-scheduler kube-proxy; do
        outputs+=("k8s.io/kubernetes/cmd/$command=$command")
      done
      ;;
    containerd)
      local command
      ldflags+=" -X github.com/containerd/containerd/v2/version.Version=v$(required github.com/containerd/containerd/v2)"
      for command in containerd ctr containerd-shim-runc-v2; do
        outputs+=("github.com/containerd/containerd/v2/cmd/$command=$command")
      done
      ;;
    runc)
      # Without the seccomp tag every pod sandbox fails. Static, so that the C library and libseccomp
      # of this machine need not match the node's.
      outputs=(github.com/opencontainers/runc=runc)
      tags="seccomp netgo osusergo" buildmode=pie cgo=1
      ldflags+=" -linkmode external -extldflags -static-pie"
      ;;
    cni)
      local plugin
      ldflags+=" -X github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion=v$(required github.com/containernetworking/plugins)"
      for plugin in main/ptp main/bridge main/loopback ipam/host-local meta/portmap; do
        outputs+=("github.com/containernetworking/plugins/plugins/$plugin=${plugin#*/}")
      done
      ;;
    etcd)
      outputs=(go.etcd.io/etcd/server/v3=etcd go.etcd.io/etcd/etcdctl/v3=etcdctl go.etcd.io/etcd/etcdutl/v3=etcdutl)
      ;;
    coredns)
      outputs=(github.com/coredns/coredns=coredns)
      ;;
    local-path)
      outputs=(github.com/rancher/local-path-provisioner=local-path-provisioner)
      ldflags+=" -X main.VERSION=v$(required github.com/rancher/local-path-provisioner)"
      ;;
    netagent)
      module=$here/netagent
      outputs=(clusters/netagent=netagent)
      ;;
    compose)
      outputs=(github.com/docker/compose/v5/cmd=docker-compose)
      ldflags+=" -X github.com/docker/compose/v5/internal.Version=v$(required github.com/docker/compose/v5)"
      ;;
    buildx)
      # Compose refuses to build images unless buildx reports 0.17 or later.
      outputs=(github.com/docker/buildx/cmd/buildx=docker-buildx)
      ldflags+=" -X github.com/docker/buildx/version.Version=v$(required github.com/docker/buildx)"
      ldflags+=" -X github.com/docker/buildx/version.Package=github.com/docker/buildx"
      ;;
    helm)
      outputs=(helm.sh/helm/v4/cmd/helm=helm)
      ldflags+=" -X helm.sh/helm/v4/internal/version.version=v$(required helm.sh/helm/v4)"
      ;;
    metrics-server)
      outputs=(sigs.k8s.io/metrics-server/cmd/metrics-server=metrics-server)
      ldflags+=" -X k8s.io/client-go/pkg/version.gitVersion=v$(required sigs.k8s.io/metrics-server)"
      ;;
    kwok)
      outputs=(sigs.k8s.io/kwok/cmd/kwok=kwok)
      ;;
    pause | debian | node-image | stand-ins) module="" ;;
    *) die "no component is called \`$1\`" ;;
  esac
}

# required MODULE: its version in the go.mod of the recipe at hand, without the v.
required() { awk -v m="$1" '$1 == m && $2 ~ /^v/ {print substr($2, 2)}' "$module/go.mod"; }

# inputs NAME: everything that decides what a component becomes, as text.
inputs() {
  local part module outputs ldflags tags buildmode cgo
  recipe "$1"
  case $1 in
    pause)
      cat "$here/node-image/pause.c"
      ;;
    debian)
      echo "$debian_suite $arch ${debian_packages[*]}"
      ;;
    stand-ins)
      echo "$debian_suite $arch ${stand_in_packages[*]}"
      cat "$here/lib/stand-ins.sh"
      (cd "$stand_ins_source" && find . -type f | LC_ALL=C sort | xargs cat)
      ;;
    node-image)
      for part in kubernetes containerd runc cni etcd coredns local-path netagent pause debian; do
        echo "$part $(key "$part")"
      done
      cat "$here/lib/image.sh" "$here/node-image/local-path.yaml" "$here/netagent/daemonset.yaml"
      (cd "$here/node" && find . -type f | LC_ALL=C sort | while read -r part; do
        echo "$part $([ ! -x "$part" ] || echo executable)"
        cat "$part"
      done)
      ;;
    *)
      printf '%s\n' "$go_version linux/$arch cgo=$cgo" "$tags" "$buildmode" "$ldflags" "${outputs[@]}"
      (cd "$module" && find . -maxdepth 1 -name 'go.*' -o -name '*.go' ! -name '*_test.go' | LC_ALL=C sort | xargs cat)
      ;;
  esac
}

# key NAME: the first 12 hexadecimal digits of the hash of its inputs.
key() {
  if [ -z "${keys[$1]:-}" ]; then
    keys[$1]=$(inputs "$1" | sha256sum | cut -c1-12)
  fi
  echo "${keys[$1]}"
}
declare -A keys=()

# built NAME: the directory of a component, whether or not it exists yet.
built() { echo "$cache/built/$1-$(key "$1")"; }
