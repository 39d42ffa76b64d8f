# Debian packages the tests need. Source it.
# shellcheck shell=bash

static_packages=(chromium chromium-driver gcc git jq openssl postgresql redis-server)
live_packages=(busybox-static curl debootstrap docker.io iptables libc6-dev libseccomp-dev pkg-config time)

# install_packages static|all: installs what is missing, and nothing else.
install_packages() {
  local wanted=("${static_packages[@]}") missing=() package
  [ "$1" = static ] || wanted+=("${live_packages[@]}")
  for package in "${wanted[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return
  apt-get update || return
  # Installing a server must not start it: tests start their own, on ports of their own.
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y --no-install-recommends "${missing[@]}"
}
