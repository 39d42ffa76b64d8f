# Makes the node image out of built components. Sourced by ../build; part of the image's key.
# shellcheck shell=bash

# archive TAG ENTRYPOINT ROOT: a container image of one uncompressed layer as a `docker save` archive
# on standard output. Written by hand, so that no tag appears in (or is taken from) the user's Docker.
archive() {
  local tag=$1 entrypoint=$2 root=$3 dir layer config
  dir=$(mktemp -d -p "$scratch")
  tar -C "$root" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf "$dir/layer.tar" .
  layer=$(sha256sum "$dir/layer.tar" | cut -d' ' -f1)
  jq -nc --arg arch "$arch" --arg entrypoint "$entrypoint" --arg layer "sha256:$layer" '{
    architecture: $arch, os: "linux", created: "1970-01-01T00:00:00Z",
    config: {Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
    rootfs: {type: "layers", diff_ids: [$layer]}, history: [{created: "1970-01-01T00:00:00Z"}]
  } | if $entrypoint == "" then . else .config.Entrypoint = [$entrypoint] end' > "$dir/config.json"
  config=$(sha256sum "$dir/config.json" | cut -d' ' -f1)
  mv "$dir/config.json" "$dir/$config.json"
  jq -nc --arg tag "$tag" --arg config "$config.json" \
    '[{Config: $config, RepoTags: [$tag], Layers: ["layer.tar"]}]' > "$dir/manifest.json"
  tar -C "$dir" -c .
  rm -rf "$dir"
}

# binary_image TAG BINARY PATH [BINARY...]: one static binary at PATH, further ones in /usr/local/bin.
binary_image() {
  local tag=$1 binary=$2 path=$3 root
  shift 3
  root=$(mktemp -d -p "$scratch")
  chmod 755 "$root"
  mkdir -p "$root/usr/local/bin" "$root/etc/ssl/certs"
  mkdir -m 1777 "$root/tmp"
  cp "$binary" "$root$path"
  [ $# = 0 ] || cp "$@" "$root/usr/local/bin/"
  archive "$tag" "$path" "$root"
  rm -rf "$root"
}

# with_libraries DEBIAN_ROOT ROOT FILE...: copies programs and the libraries they load.
with_libraries() {
  local from=$1 to=$2 file
  shift 2
  for file in "$@"; do
    echo "$file"
    chroot "$from" ldd "$file" | awk '{for (i = 1; i <= NF; i++) if ($i ~ /^\//) print $i}'
  done | sort -u | while read -r file; do
    mkdir -p "$to${file%/*}"
    cp -L "$from$file" "$to$file"
  done
}

# kube_proxy_image TAG DEBIAN_ROOT: kube-proxy with the few Debian programs it calls.
kube_proxy_image() {
  local tag=$1 debian=$2 root name
  root=$(mktemp -d -p "$scratch")
  chmod 755 "$root"
  mkdir -p "$root/usr/local/bin" "$root/usr/sbin" "$root/usr/lib" "$root/run" "$root/var/lib" "$root/etc"
  mkdir -m 1777 "$root/tmp"
  for name in bin sbin lib lib64; do # as on Debian, where the loader's path begins with /lib64
    [ -d "$debian/usr/$name" ] && mkdir -p "$root/usr/$name" && ln -s "usr/$name" "$root/$name"
  done
  cp "$(built kubernetes)/kube-proxy" "$root/usr/local/bin/"
  (cd "$debian" && find usr/lib -path '*/xtables/*.so') | while read -r name; do
    with_libraries "$debian" "$root" "/$name"
  done
  with_libraries "$debian" "$root" /usr/sbin/xtables-nft-multi /usr/sbin/nft /usr/sbin/conntrack /usr/sbin/ipset /bin/kmod
  for name in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
    ln -s xtables-nft-multi "$root/usr/sbin/$name"
  done
  ln -s ../bin/kmod "$root/usr/sbin/modprobe"
  archive "$tag" /usr/local/bin/kube-proxy "$root"
  rm -rf "$root"
}

# image_named NAME: the full reference under which kubeadm will ask for an image.
image_named() {
  local reference
  reference=$(grep -E "/$1:" "$scratch/kubeadm-images") || { echo "kubeadm asks for no image called $1"; return 1; }
  echo "$reference"
}

# cluster_images DEBIAN_ROOT DIR: every image that a fresh cluster runs, one archive each.
cluster_images() {
  local debian=$1 dir=$2 kubernetes command root
  kubernetes=$(built kubernetes)
  "$kubernetes/kubeadm" config images list --kubernetes-version "$kubernetes_version" > "$scratch/kubeadm-images"
  for command in kube-apiserver kube-controller-manager kube-scheduler; do
    binary_image "$(image_named "$command")" "$kubernetes/$command" "/usr/local/bin/$command" > "$dir/$command.tar"
  done
  kube_proxy_image "$(image_named kube-proxy)" "$debian" > "$dir/kube-proxy.tar"
  binary_image "$(image_named etcd)" "$(built etcd)/etcd" /usr/local/bin/etcd "$(built etcd)/etcdctl" > "$dir/etcd.tar"
  binary_image "$(image_named coredns)" "$(built coredns)/coredns" /coredns > "$dir/coredns.tar"
  binary_image "$(image_named pause)" "$(built pause)/pause" /pause > "$dir/pause.tar"
  binary_image "labcheck/netagent:$(key netagent)" "$(built netagent)/netagent" /netagent > "$dir/netagent.tar"
  binary_image "labcheck/local-path-provisioner:$(key local-path)" \
    "$(built local-path)/local-path-provisioner" /local-path-provisioner > "$dir/local-path.tar"
  root=$(mktemp -d -p "$scratch")
  chmod 755 "$root"
  mkdir -p "$root/bin" "$root/etc"
  mkdir -m 1777 "$root/tmp"
  cp "$debian/bin/busybox" "$root/bin/"
  chroot "$debian" /bin/busybox --list | while read -r command; do
    [ "$command" = busybox ] || ln -s busybox "$root/bin/$command"
  done
  archive "labcheck/busybox:$(key debian)" "" "$root" > "$dir/busybox.tar"
}

# node_root ROOT: adds to the unpacked Debian root what makes it a kind node.
node_root() {
  local root=$1 unit
  # Owner and mode are ours, whoever checked the sources out under whatever umask.
  tar -C "$here/node" --owner=0 --group=0 --mode=u=rwX,go=rX -c . | tar -C "$root" --no-overwrite-dir -xp
  cp "$(built kubernetes)"/{kubeadm,kubelet,kubectl} "$root/usr/bin/"
  cp "$(built containerd)"/{containerd,ctr,containerd-shim-runc-v2} "$(built runc)/runc" "$root/usr/local/bin/"
  mkdir -p "$root/opt/cni/bin" "$root/kind/manifests"
  cp "$(built cni)"/* "$root/opt/cni/bin/"
  sed "s|image: labcheck/netagent$|&:$(key netagent)|" "$here/netagent/daemonset.yaml" > "$root/kind/manifests/default-cni.yaml"
  sed -e "s|image: labcheck/local-path-provisioner$|&:$(key local-path)|" -e "s|image: labcheck/busybox$|&:$(key debian)|" \
    "$here/node-image/local-path.yaml" > "$root/kind/manifests/default-storage.yaml"
  grep -qF "sandbox = '$(image_named pause)'" "$root/etc/containerd/config.toml" ||
    { echo "node/etc/containerd/config.toml must pin $(image_named pause)"; return 1; }
  chroot "$root" systemctl enable containerd kubelet
  chroot "$root" systemctl set-default multi-user.target
  for unit in getty.target console-getty.service systemd-logind.service systemd-remount-fs.service \
    dev-hugepages.mount sys-fs-fuse-connections.mount systemd-modules-load.service systemd-sysctl.service; do
    chroot "$root" systemctl mask "$unit"
  done
  : > "$root/etc/resolv.conf"
}

# make_node_image DIR: node image in the Docker daemon, and `docker save`d as DIR/image.tar.
make_node_image() {
  local dir=$1 container base entrypoint archive
  container=labcheck-node-build-$(key node-image)
  base=labcheck/node-build:$(key node-image)
  entrypoint='ENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]'
  scratch=$dir/scratch
  mkdir -p "$scratch/images" "$scratch/root"
  # Runs at the end of make_one's own shell, when the variables of this function are gone.
  # shellcheck disable=SC2064
  trap "docker rm -f -v $container > /dev/null 2>&1 || true; docker rmi $base > /dev/null 2>&1 || true; rm -rf '$scratch'" EXIT
  docker rm -f -v "$container" # of a build that was killed
  tar -C "$scratch/root" -xpf "$(built debian)/root.tar"
  cluster_images "$scratch/root" "$scratch/images"
  node_root "$scratch/root"
  tar -C "$scratch/root" --numeric-owner -c . | docker import -c "$entrypoint" -c 'ENV container=docker' - "$base"
  rm -rf "$scratch/root"
  # Imported but not unpacked: overlay on overlay fails here. On a node, /var is a volume and unpacking works.
  docker run -d --name "$container" --privileged --entrypoint /usr/local/bin/containerd "$base"
  for _ in $(seq 100); do
    docker exec "$container" ctr version > /dev/null 2>&1 && break
    sleep 0.1
  done
  for archive in "$scratch"/images/*.tar; do
    docker exec -i "$container" ctr -n k8s.io images import --all-platforms --no-unpack - < "$archive"
  done
  docker stop -t 10 "$container"
  docker commit -c "$entrypoint" "$container" "$(node_image)"
  docker save -o "$dir/image.tar" "$(node_image)"
}

# node_image: the reference of the node image, for `kind create cluster --image`.
node_image() { echo "labcheck/node:$kubernetes_version-$(key node-image | cut -c1-8)"; }
