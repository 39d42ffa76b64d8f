# Makes stand-ins for upstream images from Debian packages. Sourced by ../build, which sets here, cache, arch and go_version.
# shellcheck shell=bash

stand_ins_source=$here/../compose/stand-ins
# One Debian root for all of them: in Docker its layer is stored once.
stand_in_packages=(redis-server redis-tools postgresql nginx-light curl busybox-static)

# stand_ins: the images, each with the package that stands in, one to a line.
stand_ins() {
  echo "redis:7.4-alpine redis-server"
  echo "postgres:17-alpine postgresql"
  echo "nginx:1.27-alpine nginx-light"
}

make_stand_ins() {
  local root=$1/root packages mirror bin package
  packages=$(IFS=,; echo "${stand_in_packages[*]}")
  mirror=$(debian_mirror)
  debootstrap --variant=minbase --include="$packages" "$debian_suite" "$root" ${mirror:+"$mirror"}
  bin=$(cd "$root" && echo usr/lib/postgresql/*/bin)
  for package in $(stand_ins | cut -d' ' -f2); do
    chroot "$root" dpkg-query -W -f "$package \${Version}\n" "$package"
  done > "$1/versions"
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale,info}/*
  rm -rf "$root"/var/lib/postgresql/* "$root"/etc/postgresql/* "$root"/etc/nginx/{sites-enabled,modules-enabled}/*
  rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/* # the machine's mirror is nobody else's business
  mkdir -p "$root"/usr/lib/stand-in "$root"/data "$root"/var/lib/postgresql/data "$root"/docker-entrypoint-initdb.d "$root"/usr/share/nginx/html
  # In Debian it is a link to another of redis' programs, which goes by the name it is called.
  cp -L "$root/usr/bin/redis-server" "$root/usr/lib/stand-in/redis-server"
  rm "$root/usr/bin/redis-server"
  for package in "$root/$bin"/*; do ln -sf "/$bin/${package##*/}" "$root/usr/local/bin/${package##*/}"; done
  [ -e "$root/usr/bin/wget" ] || ln -s /bin/busybox "$root/usr/bin/wget"
  [ -e "$root/usr/bin/nc" ] || ln -s /bin/busybox "$root/usr/bin/nc"
  install -m 755 "$stand_ins_source/redis-server" "$root/usr/bin/"
  install -m 755 "$stand_ins_source"/{redis,postgres}-entrypoint "$root/usr/local/bin/"
  install -m 644 "$stand_ins_source/nginx.conf" "$root/etc/nginx/nginx.conf"
  install -m 644 "$stand_ins_source/default.conf" "$root/etc/nginx/conf.d/default.conf"
  echo "a stand-in from Debian packages" > "$root/usr/share/nginx/html/index.html"
  tar -C "$root" --numeric-owner -cf "$1/root.tar" .
  rm -rf "$root"
}
