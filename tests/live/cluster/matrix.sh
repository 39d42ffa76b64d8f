#!/bin/bash
# NetworkPolicy, proved by real connections between real pods on two nodes.
#
#   tests/live/cluster/matrix.sh CLUSTER    a kind cluster with at least two workers
#
# It works in its own namespaces and removes them and everything else at the end.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../lib/report.sh"
. "$here/../../lib/cluster.sh"
. "$here/pods.sh"

[ $# = 1 ] || { echo "usage: $0 CLUSTER" >&2; exit 2; }
require_tools kind kubectl
use_cluster "$1"
load_test_image "$1"
create_pods "$1"
create_outside

# expect yes|no POD HOST PORT LABEL: a connection from a pod gets the page, or does not. Expectations
# of one state of the policies are put to the test together, by `judge`.
expected=()
expect() { expected+=("$*"); }

# try N WANT POD HOST PORT LABEL: writes the verdict to a file. A change may take a moment to reach
# both nodes, so a wrong answer is asked again.
try() {
  local n=$1 want=$2 pod=$3 host=$4 port=$5 got attempt
  shift 5
  for attempt in 1 2 3; do
    if fetch "$pod" "$host" "$port" "$want"; then got=yes; else got=no; fi
    [ "$got" != "$want" ] || break
    sleep 0.5
  done
  if [ "$got" = "$want" ]; then
    echo "pass $*: $want"
  else
    echo "fail $*: got $got, expected $want ($pod to $host:$port, $attempt attempts)"
  fi > "$work/verdict-$n"
}

judge() {
  local n verdict
  for n in "${!expected[@]}"; do
    # shellcheck disable=SC2086 # words of an expectation
    try "$n" ${expected[n]} &
  done
  wait
  for n in "${!expected[@]}"; do
    verdict=$(cat "$work/verdict-$n")
    "${verdict%% *}" "${verdict#* }"
    rm "$work/verdict-$n"
  done
  expected=()
}

section() {
  judge
  echo "# $*"
}

resolves() { kubectl -n "$ns" exec good -- timeout 3 nslookup web."$ns".svc.cluster.local > /dev/null 2>&1; }
both_web_ready() {
  [ "$(kubectl -n "$ns" get pods -l app=web -o jsonpath='{.items[*].status.containerStatuses[0].ready}')" = "true true" ]
}

# policy NAME SPEC: applies a NetworkPolicy in the first namespace.
policy() {
  judge
  kubectl apply -f - > /dev/null <<< "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: $1, namespace: $ns}, spec: $2}"
  sleep 0.5
}
no_policies() {
  judge
  kubectl -n "$ns" delete networkpolicy --all > /dev/null
  sleep 0.5
}

section "no policy"
expect yes good "$web1" 8080 "same node"
expect yes good "$web2" 8080 "other node"
expect yes good web."$ns" 80 "Service by name"
expect yes good "$web1" 9090 "second port"
expect yes stranger "$web1" 8080 "other namespace, other node"
expect yes web1 headless."$ns" 8080 "itself through a headless Service"
expect yes good "$outside" 8080 "a server outside the cluster"

judge
check "a name that only Docker's DNS knows" kubectl -n "$ns" exec good -- timeout 5 nslookup "$outside_container".

section "ingress: deny all"
policy deny '{podSelector: {}, policyTypes: [Ingress]}'
expect no good "$web1" 8080 "denied, same node"
expect no good "$web2" 8080 "denied, other node"
expect no good web."$ns" 80 "denied, Service"
expect no stranger "$web1" 8080 "denied, other namespace"
expect yes web1 "$web1" 8080 "a denied pod reaches itself"
judge
sleep 3 # three probe periods
check "probes pass under deny: both web pods ready" both_web_ready

section "ingress: + allow role=good to the port named http"
policy allow '{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {role: good}}}], ports: [{port: http}]}]}'
expect yes good "$web1" 8080 "allowed pod, same node"
expect no bad "$web1" 8080 "other pod, same node"
expect yes good "$web2" 8080 "allowed pod, other node"
expect no bad "$web2" 8080 "other pod, other node"
expect yes good web."$ns" 80 "allowed pod, Service"
expect no bad web."$ns" 80 "other pod, Service"
expect no good "$web1" 9090 "allowed pod, other port"
expect no stranger "$web1" 8080 "same labels in another namespace"

section "labels change under a policy"
kubectl -n "$ns" label pod bad role=good --overwrite > /dev/null
expect yes bad "$web2" 8080 "a pod that gets the label"
judge
kubectl -n "$ns" label pod bad role=bad --overwrite > /dev/null
expect no bad "$web2" 8080 "a pod that loses the label"

section "ingress: + allow namespace team=b and role in (good), ports 8000-8090"
policy range '{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: b}}, podSelector: {matchExpressions: [{key: role, operator: In, values: [good]}]}}], ports: [{port: 8000, endPort: 8090}]}]}'
expect yes stranger "$web1" 8080 "pod of the allowed namespace, other node"
expect no stranger "$web1" 9090 "pod of the allowed namespace, outside the range"
expect no bad "$web1" 8080 "pod of no allowed namespace"
judge
kubectl label namespace "$other" team=c --overwrite > /dev/null
expect no stranger "$web1" 8080 "a namespace that loses the label"
judge
kubectl label namespace "$other" team=b --overwrite > /dev/null
no_policies
expect yes bad "$web1" 8080 "restored, same node"
expect yes stranger "$web2" 9090 "restored, other namespace"

section "egress: deny all from role=good"
policy egress '{podSelector: {matchLabels: {role: good}}, policyTypes: [Egress]}'
expect no good "$web1" 8080 "egress denied, same node"
expect no good "$web2" 8080 "egress denied, other node"
expect no good web."$ns" 80 "egress denied, Service"
expect no good "$outside" 8080 "egress denied, outside"
expect yes bad "$web1" 8080 "unselected pod"
check "egress denied, DNS" not resolves

section "egress: DNS and app=web on http"
policy egress '{podSelector: {matchLabels: {role: good}}, policyTypes: [Egress], egress: [
  {to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {k8s-app: kube-dns}}}], ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]},
  {to: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: http}]}]}'
check "egress allowed, DNS" resolves
expect yes good web."$ns" 80 "egress allowed, Service by name"
expect no good "$web2" 9090 "egress, other port"
check "egress, API server blocked" not api_reachable

section "ipBlock"
policy egress "{podSelector: {matchLabels: {role: good}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: $outside/32}}]}]}"
expect yes good "$outside" 8080 "egress to a block outside"
expect no good "$web1" 8080 "egress beside the block"
policy egress "{podSelector: {matchLabels: {role: good}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [$web1/32, $web1/32]}}], ports: [{port: http}]}]}"
expect yes good "$web2" 8080 "egress to a block on a named port"
expect no good "$web1" 8080 "egress to an exception on a named port"
no_policies
policy block "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [$(pod_ip bad)/32]}}]}]}"
expect yes good "$web1" 8080 "ingress from a block"
expect no bad "$web1" 8080 "ingress from an exception, same node"
expect no bad "$web2" 8080 "ingress from an exception, other node"
no_policies
expect yes bad "$web2" 8080 "restored"

section "a pod under full deny reaches itself through its own Service"
policy deny '{podSelector: {}, policyTypes: [Ingress, Egress]}'
expect no web1 "$web2" 8080 "full deny holds"
expect yes web1 "$only1" 80 "own Service"
no_policies
finish
