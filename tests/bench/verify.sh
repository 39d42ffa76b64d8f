#!/bin/bash
# Lab 01 as such labs are usually checked: one kubectl call per check. It is what labcheck is measured
# against, not a model: see what it says when the API server is down.
#
#   KUBECONFIG=FILE tests/bench/verify.sh NAMESPACE [KUBECTL]
set -uo pipefail
namespace=${1:?the lab\'s namespace}
kubectl=${2:-kubectl}
passed=0 checks=0

k() { "$kubectl" -n "$namespace" "$@" 2> /dev/null; }

check() {
  checks=$((checks + 1))
  if eval "$2" > /dev/null 2>&1; then
    passed=$((passed + 1))
    echo "PASS $1"
  else
    echo "FAIL $1"
  fi
}

check "no node is cordoned" '! k get nodes -o jsonpath="{.items[*].spec.unschedulable}" | grep -q true'
check "kubelet version" 'k get nodes -o jsonpath="{.items[*].status.nodeInfo.kubeletVersion}" | grep -q "v1\."'
check "current context" '"$kubectl" config current-context | grep -q .'
check "context namespace" '"$kubectl" config view --minify -o jsonpath="{..namespace}" | grep -q .'
check "cgroup version" 'k get configmap setup -o jsonpath="{.data.cgroup}" | grep -q "^v[12]$"'
check "kubernetes version" 'k get configmap setup -o jsonpath="{.data.kubernetes}" | grep -q "v1\."'
check "image" 'k get deployment api -o jsonpath="{..image}" | grep -q "ms:v1"'
check "not always pulled" '! k get deployment api -o yaml | grep -q "imagePullPolicy: Always"'
check "image on the node" 'k get pods -l app=api -o jsonpath="{..imageID}" | grep -q sha256'
check "no restarts" '! k get pods -l app=api -o jsonpath="{..restartCount}" | grep -q "[1-9]"'
check "endpoints" 'k get endpointslices -l kubernetes.io/service-name=api -o jsonpath="{..addresses}" | grep -q .'
check "answers" 'k get --raw "/api/v1/namespaces/$namespace/services/api:80/proxy/readyz"'
check "pods of api" 'k get pods -l app=api -o jsonpath="{.items[*].status.phase}" | grep -q Running'
check "solo runs" 'k get pod solo -o jsonpath="{.status.phase}" | grep -q Running'
check "solo is bare" '! k get pod solo -o jsonpath="{.metadata.ownerReferences[*].kind}" | grep -q .'
check "api is replaced" 'k get pods -l app=api -o jsonpath="{..ownerReferences[*].kind}" | grep -q ReplicaSet'
check "logs by label" 'k logs -l app=api,tier=serving --tail=20 | grep -q .'
echo "$passed of $checks"
