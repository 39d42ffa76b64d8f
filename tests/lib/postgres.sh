# A PostgreSQL server of Debian's for a shell test, on a loopback port. Source it.
# shellcheck shell=bash

postgres_pid=""

# start_postgres DIR: makes and starts one in DIR, which is new; sets postgres_address. Root starts it as
# `postgres`, because the server refuses to be root.
start_postgres() {
  local dir=$1 bin port as=() password
  bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
  [ -x "$bin/initdb" ] || { echo "there is no initdb: apt-get install postgresql" >&2; return 1; }
  mkdir -p "$dir"
  password=$(head -c 18 /dev/urandom | base64 | tr '+/' 'ab')
  printf %s "$password" > "$dir/password"
  if [ "$(id -u)" = 0 ]; then
    chmod a+x "$(dirname "$dir")"
    chown -R postgres:postgres "$dir"
    as=(setpriv --reuid postgres --regid postgres --clear-groups)
  fi
  "${as[@]}" "$bin/initdb" --username grader --pwfile "$dir/password" --auth scram-sha-256 --locale C --encoding UTF8 \
    --no-sync "$dir/data" > /dev/null || return
  for port in $(shuf -i 20000-30000 -n 5); do
    "${as[@]}" "$bin/postgres" -D "$dir/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
      > "$dir/log" 2>&1 &
    postgres_pid=$!
    for ((turn = 0; turn < 100; turn++)); do
      kill -0 "$postgres_pid" 2> /dev/null || break
      if PGPASSWORD=$password "$bin/psql" -XAtq -h 127.0.0.1 -p "$port" -U grader -d postgres -c 'CREATE DATABASE class' 2> /dev/null; then
        postgres_address="postgres://grader:$password@127.0.0.1:$port/class?sslmode=disable"
        return
      fi
      sleep 0.1
    done
    stop_postgres
  done
  cat "$dir/log" >&2
  return 1
}

stop_postgres() {
  [ -n "$postgres_pid" ] || return 0
  kill -INT "$postgres_pid" 2> /dev/null
  wait "$postgres_pid" 2> /dev/null
  postgres_pid=""
}
