# Makes one component into a directory. Sourced by ../build, which sets here, cache, arch and go_version.
# shellcheck shell=bash

# make_one NAME DIR
make_one() {
  case $1 in
    pause) gcc -static -Os -Wall -Wextra -s -o "$2/pause" "$here/node-image/pause.c" ;;
    debian) make_debian "$2" ;;
    node-image) make_node_image "$2" ;;
    stand-ins) make_stand_ins "$2" ;;
    *) make_go "$1" "$2" ;;
  esac
}

make_go() {
  local module outputs ldflags tags buildmode cgo output made
  recipe "$1"
  cd "$module"
  CGO_ENABLED=$cgo go build -trimpath -mod=readonly -buildmode="$buildmode" -tags "$tags" \
    -ldflags "$ldflags" -o "$2/" "${outputs[@]%%=*}"
  for output in "${outputs[@]}"; do # Go names a binary after the last part of its path that is no version
    made=$(sed -E 's,/v[0-9]+$,,; s,.*/,,' <<< "${output%%=*}")
    [ "$made" = "${output#*=}" ] || mv "$2/$made" "$2/${output#*=}"
  done
}

# debian_mirror: where this machine gets Debian from, or nothing (then debootstrap knows a place).
debian_mirror() {
  apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL) $(COMPONENT)' 'Created-By: Packages' |
    awk '$2 == "Debian" && $3 == "Debian" && $4 == "main" {print $1; exit}'
}

make_debian() {
  local root=$1/root packages mirror
  packages=$(IFS=,; echo "${debian_packages[*]}")
  mirror=$(debian_mirror)
  debootstrap --variant=minbase --include="$packages" "$debian_suite" "$root" ${mirror:+"$mirror"}
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale,info}/*
  rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/* # the machine's mirror is nobody else's business
  tar -C "$root" --numeric-owner -cf "$1/root.tar" .
  rm -rf "$root"
}
