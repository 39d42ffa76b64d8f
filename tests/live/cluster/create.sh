#!/bin/bash
# Clusters from clusters/kind come up and work: nodes, DNS, default storage class.
#
#   tests/live/cluster/create.sh            one node and three nodes, one after the other, then deleted
#   tests/live/cluster/create.sh --keep     leaves the three-node cluster, lct-three, for further tests
#
# LABCHECK_NODE_IMAGE=pulled uses kind's own node image; otherwise it is the one clusters/offline built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../lib/report.sh"
. "$here/../../lib/cluster.sh"

keep=""
case "${1:-}" in
  "") ;;
  --keep) keep=lct-three ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
require_tools kind kubectl
image=()
if [ "${LABCHECK_NODE_IMAGE:-offline}" != pulled ]; then
  reference=$("$root/clusters/offline/build" --image)
  docker image inspect "$reference" > /dev/null 2>&1 || missing "docker has no image \`$reference\`: run clusters/offline/build"
  image=(--image "$reference")
fi
delete() { kind delete cluster --name "$1" --kubeconfig "$work/$1" > /dev/null 2>&1 || true; }

clean_up() {
  delete lct-one
  [ "$keep" = lct-three ] || delete lct-three
  drop_test_image
  rm -rf "$work"
}

# oom_killed POD: within two minutes its container was killed for its memory. The kernel's word may reach
# containerd after the container's end, so one end of several is enough; on failure it prints them.
oom_killed() {
  local ends
  for ((turn = 0; turn < 120; turn++)); do
    ends=$(kubectl get pod "$1" -o jsonpath='{.status.containerStatuses[0].state}{"\n"}{.status.containerStatuses[0].lastState}')
    ! grep -q '"reason":"OOMKilled"' <<< "$ends" || return 0
    sleep 1
  done
  echo "$ends"
  return 1
}

# create NAME CONFIG NODES; how long it takes is told, not judged: it says as much of the machine.
create() {
  local name=$1 config=$2 nodes=$3 began took count
  delete "$name"
  began=$(date +%s%N)
  if ! kind create cluster --name "$name" --config "$root/clusters/kind/$config" "${image[@]}" \
    --kubeconfig "$work/$name" --wait 120s > "$work/$name.log" 2>&1; then
    fail "$name is created: $(tail -n 5 "$work/$name.log")"
    return 1
  fi
  export KUBECONFIG=$work/$name
  # --wait looks at the control plane only.
  check "$name: every node is Ready" kubectl wait --for=condition=Ready node --all --timeout=120s
  took=$((($(date +%s%N) - began) / 1000000))
  # Ready nodes are no promise of names: DNS is a Deployment like others.
  check "$name: DNS is available" kubectl -n kube-system rollout status deployment/coredns --timeout=120s
  count=$(kubectl get nodes --no-headers | wc -l)
  if [ "$count" = "$nodes" ]; then pass "$name: $nodes nodes"; else fail "$name: $count nodes, expected $nodes"; fi
  echo "$name: ready after $took ms (load average $(cut -d' ' -f1 /proc/loadavg) on $(nproc) cores)"
}

# works NAME: a pod on every node resolves a Service's name and connects to it; a claim is bound and
# written, and its data is still there for the next pod.
works() {
  local name=$1 node
  load_test_image "$name"
  kubectl apply -f - > /dev/null << END
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: probe}
spec:
  selector: {matchLabels: {app: probe}}
  template:
    metadata: {labels: {app: probe}}
    spec:
      tolerations: [{operator: Exists}]
      terminationGracePeriodSeconds: 1
      containers:
      - name: main
        image: $test_image
        command: [sh, -c, 'echo page > /tmp/index.html; exec httpd -f -p 8080 -h /tmp']
        readinessProbe: {httpGet: {path: /index.html, port: 8080}, periodSeconds: 1}
---
{apiVersion: v1, kind: Service, metadata: {name: probe}, spec: {selector: {app: probe}, ports: [{port: 80, targetPort: 8080}]}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: writer}
spec:
  restartPolicy: Never
  containers: [{name: main, image: $test_image, command: [sh, -c, 'echo kept > /data/file'], volumeMounts: [{name: data, mountPath: /data}]}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
END
  check "$name: a pod on every node is ready" kubectl rollout status daemonset/probe --timeout=60s
  for node in $(kubectl get pods -l app=probe -o jsonpath='{.items[*].metadata.name}'); do
    check "$name: $node resolves and reaches a Service by name" kubectl exec "$node" -- \
      sh -c 'printf "GET /index.html HTTP/1.0\r\n\r\n" | timeout 5 nc -w 5 probe.default.svc.cluster.local 80 | grep -qx page'
    check "$name: $node resolves a name that is not in its search path" kubectl exec "$node" -- \
      timeout 5 nslookup kubernetes.default.svc.cluster.local
  done
  check "$name: a pod that mounts a claim of the default class ends well" \
    kubectl wait --for=jsonpath='{.status.phase}'=Succeeded pod/writer --timeout=60s
  check "$name: the claim is Bound" kubectl wait --for=jsonpath='{.status.phase}'=Bound pvc/data --timeout=5s
  kubectl apply -f - > /dev/null << END
apiVersion: v1
kind: Pod
metadata: {name: reader}
spec:
  restartPolicy: Never
  containers: [{name: main, image: $test_image, command: [grep, -qx, kept, /data/file], volumeMounts: [{name: data, mountPath: /data}]}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
END
  check "$name: the next pod finds the data" \
    kubectl wait --for=jsonpath='{.status.phase}'=Succeeded pod/reader --timeout=60s
  kubectl apply -f - > /dev/null << END
apiVersion: v1
kind: Pod
metadata: {name: hungry}
spec:
  restartPolicy: OnFailure
  containers: [{name: main, image: $test_image, command: [dd, if=/dev/zero, of=/dev/null, bs=200M, count=1], resources: {limits: {memory: 32Mi}}}]
END
  check "$name: a container above its memory limit is OOMKilled" oom_killed hungry
  kubectl delete pod/hungry pod/reader pod/writer pvc/data daemonset/probe service/probe --timeout=60s > /dev/null
}

pinned=$(cat "$root/clusters/kind/node-image")
check "clusters/kind/node-image is the default of this kind" grep -qaF "$pinned" "$(command -v kind)"
if create lct-one one-node.yaml 1; then works lct-one; fi
delete lct-one
if create lct-three three-node.yaml 3; then works lct-three; fi
finish
