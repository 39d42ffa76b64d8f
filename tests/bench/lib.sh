# What the benchmarks share: times in files of `$work`, medians, bounds. Source it.
# shellcheck shell=bash disable=SC2034,SC2154 # `work` is the caller's, `missed` his exit code

missed=0

# measure COMMAND NAME...: runs it and appends the milliseconds it took to the file `COMMAND.NAME`.
measure() {
  local begun=$EPOCHREALTIME
  "$@"
  local ended=$EPOCHREALTIME
  awk -v a="$begun" -v b="$ended" 'BEGIN {printf "%.2f\n", (b - a) * 1000}' >> "$work/$1.$2"
}

median() { sort -n "$1" | awk '{v[NR] = $1} END {print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }

# bound LABEL VALUE UNIT LIMIT
bound() {
  local word=ok
  awk -v v="$2" -v limit="$4" 'BEGIN {exit !(v <= limit)}' || { word=MISSED && missed=1; }
  printf '%-44s %9.2f %-4s (bound %s) %s\n' "$1" "$2" "$3" "$4" "$word"
}
