# Puts stand-ins for upstream images into Docker. Sourced by ../build, which sets here, cache, arch and go_version.
# shellcheck shell=bash

# stand_in_changes IMAGE: what `docker import` is told of the image, an option to a line.
stand_in_changes() {
  case $1 in
    redis:*)
      echo 'ENTRYPOINT ["/usr/local/bin/redis-entrypoint"]'
      echo 'CMD ["redis-server"]'
      echo 'EXPOSE 6379'
      echo 'VOLUME /data'
      echo 'WORKDIR /data'
      ;;
    postgres:*)
      echo 'ENTRYPOINT ["/usr/local/bin/postgres-entrypoint"]'
      echo 'CMD ["postgres"]'
      echo 'EXPOSE 5432'
      echo 'VOLUME /var/lib/postgresql/data'
      echo 'ENV PGDATA=/var/lib/postgresql/data'
      ;;
    nginx:*)
      echo 'CMD ["nginx","-g","daemon off;"]'
      echo 'EXPOSE 80'
      ;;
  esac
}

# import_stand_ins PREFIX: puts them into Docker as PREFIXredis:7.4-alpine and so on, labelled as what they are;
# one line `IMAGE PACKAGE VERSION` for each.
import_stand_ins() {
  local prefix=$1 image package version options line dir made
  dir=$(built stand-ins)
  need docker docker.io
  made=$(key stand-ins)-$(sha256sum "$here/lib/import.sh" | cut -c1-8)
  while read -r image package; do
    version=$(awk -v p="$package" '$1 == p {print $2}' "$dir/versions")
    options=(-c "LABEL org.labcheck.stand-in=\"Debian $package $version\"" -c "LABEL org.labcheck.key=$made")
    while read -r line; do options+=(-c "$line"); done < <(stand_in_changes "$image")
    if [ "$(docker image inspect -f '{{index .Config.Labels "org.labcheck.key"}}' "$prefix$image" 2> /dev/null)" != "$made" ]; then
      docker import -m "a stand-in for $image" "${options[@]}" "$dir/root.tar" "$prefix$image" > /dev/null
    fi
    echo "$prefix$image $package $version"
  done < <(stand_ins)
}
