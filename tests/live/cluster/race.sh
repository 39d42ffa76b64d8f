#!/bin/bash
# A new pod is under its policies from its first packet on: no window in which it is open.
#
#   tests/live/cluster/race.sh CLUSTER    a kind cluster with at least two workers
#
# Pods that are denied all egress try to connect as their very first act. A control pod under no
# policy does the same and must succeed, or the denials would prove nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../lib/report.sh"
. "$here/../../lib/cluster.sh"
. "$here/pods.sh"

[ $# = 1 ] || { echo "usage: $0 CLUSTER" >&2; exit 2; }
pods=5
attempts=3

require_tools kind kubectl
use_cluster "$1"
load_test_image "$1"
create_pods "$1"

kubectl apply -f - > /dev/null << END
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: $other}
spec: {podSelector: {matchLabels: {denied: "yes"}}, policyTypes: [Egress]}
END
sleep 1

# racer NAME LABELS: connects $attempts times from its first instruction on, and says how it went.
racer() {
  pod "$1" "$other" "$node" "$2" 'for i in $(seq '$attempts'); do if printf "GET /index.html HTTP/1.0\r\n\r\n" | timeout 1 nc -w 1 '"$web1"' 8080 | grep -q "^page of "; then echo open; else echo shut; fi; done 2> /dev/null'
  echo '  restartPolicy: Never'
}

node=$1-worker2
racers=(control)
{
  racer control '{denied: "no"}'
  for i in $(seq "$pods"); do
    racer "racer$i" '{denied: "yes"}'
  done
} | kubectl apply -f - > /dev/null
for i in $(seq "$pods"); do racers+=("racer$i"); done
kubectl -n "$other" wait --for=jsonpath='{.status.phase}'=Succeeded "${racers[@]/#/pod/}" --timeout=60s > /dev/null ||
  missing "the racing pods did not end: $(kubectl -n "$other" get pods --no-headers | tr -s ' ' | tr '\n' ';')"

for racer in "${racers[@]}"; do
  want=shut
  [ "$racer" != control ] || want=open
  mapfile -t answers < <(kubectl -n "$other" logs "$racer")
  [ "${#answers[@]}" = "$attempts" ] || fail "$racer: ${#answers[@]} answers, expected $attempts"
  for i in "${!answers[@]}"; do
    label="$racer, attempt $((i + 1))"
    if [ "${answers[i]}" = "$want" ]; then pass "$label: $want"; else fail "$label: got ${answers[i]}, expected $want"; fi
  done
done
finish
