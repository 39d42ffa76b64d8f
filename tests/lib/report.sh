# PASS and FAIL lines with a closing count, for the shell tests. Source it, define `clean_up`, then
# call `pass`, `fail` or `check`, and `finish` at the end.
# shellcheck shell=bash

passed=0
failed=0
finished=""
trap on_exit EXIT
trap 'exit 130' INT TERM

pass() { passed=$((passed + 1)); echo "PASS $*"; }
fail() { failed=$((failed + 1)); echo "FAIL $*"; }

# check LABEL COMMAND...: passes if the command succeeds; shows what it printed if it does not.
check() {
  local label=$1 output
  shift
  if output=$("$@" 2>&1); then pass "$label"; else fail "$label: \`$*\` printed: ${output:-nothing}"; fi
}

# missing MESSAGE: without its environment a test fails; it never skips.
missing() {
  fail "$*"
  finish
}

# finish: the closing line; a run that checked nothing has failed too.
finish() {
  finished=yes
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
  exit
}

# on_exit: cleans up however the test ends; one that ends before `finish` has failed.
on_exit() {
  local status=$?
  [ -n "$finished" ] || fail "the test ended early, with exit status $status"
  echo "$passed passed, $failed failed"
  set +e
  clean_up
  [ -n "$finished" ] && exit "$status"
  exit 1
}
clean_up() { :; }
