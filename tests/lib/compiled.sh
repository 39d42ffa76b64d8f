# Compiled dependencies are kept outside the tree, beside the offline cluster's parts. Source it.
# shellcheck shell=bash

# build_for_tests PROGRAM...: builds programs of the workspace as target/debug/PROGRAM. Beside a test, because a
# test's dependencies choose features of their own: without it everything is compiled once more.
build_for_tests() {
  cargo build --quiet --locked --workspace --test cli "${@/#/--bin=}"
}

# Makes cargo put what is not a final artifact into one folder for all checkouts. What was compiled of the
# workspace itself is thrown away first: cargo tells it from another checkout's by time stamps only. One run
# uses the folder at a time; another one compiles everything in its own tree.
keep_compiled_dependencies() {
  local folder=${LABCHECK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/labcheck}/compiled host
  mkdir -p "$folder" || return
  exec 9> "$folder.lock"
  if ! flock -n 9; then
    echo "another run uses $folder; dependencies are compiled in target/"
    return
  fi
  export CARGO_BUILD_BUILD_DIR=$folder CARGO_INCREMENTAL=0
  # Old versions of dependencies are never removed by cargo.
  if [ "$(du -sm "$folder" | cut -f1)" -gt 12000 ]; then
    rm -rf "${folder:?}"/*
  fi
  host=$(rustc -vV | sed -n 's/^host: //p')
  cargo clean --quiet --workspace
  cargo clean --quiet --workspace --release
  cargo clean --quiet --workspace --profile image --target "$host"
}
