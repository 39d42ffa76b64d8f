# The pods that matrix.sh and race.sh let talk to each other. Sourced after tests/lib/cluster.sh.
# shellcheck shell=bash

ns=lct-np          # web1, good and bad on the first worker, web2 on the second
other=lct-np-other # stranger on the second worker
outside_container=lct-outside

pods_created=""

clean_up() {
  # Before create_pods kubectl might speak to a cluster that is not the test's.
  [ -z "$pods_created" ] || kubectl delete namespace "$ns" "$other" --ignore-not-found --wait=false > /dev/null 2>&1
  docker rm -f "$outside_container" > /dev/null 2>&1
  drop_test_image
  rm -rf "$work"
}

not() { ! "$@"; }

pod_ip() { kubectl -n "$ns" get pod "$1" -o jsonpath='{.status.podIP}'; }

namespace_of() { if [ "$1" = stranger ]; then echo "$other"; else echo "$ns"; fi; }

# fetch POD HOST PORT [no]: whether a pod gets the page at HOST:PORT. A refusal is awaited one second
# (packets are dropped, so nothing answers), an answer five.
fetch() {
  local seconds=5
  [ "${4:-yes}" = yes ] || seconds=1
  kubectl -n "$(namespace_of "$1")" exec "$1" -- sh -c \
    "printf 'GET /index.html HTTP/1.0\r\n\r\n' | timeout $seconds nc -w $seconds $2 $3 | grep -q '^page of '" > /dev/null 2>&1
}

api_reachable() {
  kubectl -n "$ns" exec good -- sh -c 'timeout 2 nc -w 1 $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT < /dev/null' > /dev/null 2>&1
}

# pod NAME NAMESPACE NODE LABELS COMMAND
pod() {
  cat << END
---
apiVersion: v1
kind: Pod
metadata: {name: $1, namespace: $2, labels: $4}
spec:
  nodeName: $3
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: $test_image
    command: [sh, -c, '$5']
    ports: [{name: http, containerPort: 8080}]
END
}

web_probe='    readinessProbe: {httpGet: {path: /index.html, port: 8080}, periodSeconds: 1}'
serve='echo "page of $HOSTNAME" > /tmp/index.html; httpd -p 9090 -h /tmp; exec httpd -f -p 8080 -h /tmp'

# create_pods CLUSTER: the pods above, ready; sets web1, web2 and only1 to their addresses.
create_pods() {
  local node
  for node in "$1-worker" "$1-worker2"; do
    kubectl get node "$node" > /dev/null 2>&1 || missing "cluster \`$1\` has no node \`$node\`: create it from clusters/kind/three-node.yaml"
  done
  pods_created=yes
  kubectl delete namespace "$ns" "$other" --ignore-not-found > /dev/null
  {
    cat << END
{apiVersion: v1, kind: Namespace, metadata: {name: $ns, labels: {team: a}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: $other, labels: {team: b}}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: $ns}, spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: only1, namespace: $ns}, spec: {selector: {solo: web1}, ports: [{port: 80, targetPort: http}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: headless, namespace: $ns}, spec: {clusterIP: None, selector: {solo: web1}}}
END
    pod web1 "$ns" "$1-worker" '{app: web, solo: web1}' "$serve"
    echo "$web_probe"
    pod web2 "$ns" "$1-worker2" '{app: web}' "$serve"
    echo "$web_probe"
    pod good "$ns" "$1-worker" '{role: good}' "exec sleep 100000"
    pod bad "$ns" "$1-worker" '{role: bad}' "exec sleep 100000"
    pod stranger "$other" "$1-worker2" '{role: good}' "exec sleep 100000"
  } > "$work/pods.yaml"
  # The default service account of a new namespace appears a moment after it.
  for _ in $(seq 20); do
    kubectl apply -f "$work/pods.yaml" > "$work/apply.log" 2>&1 && break
    sleep 0.5
  done
  kubectl wait --for=condition=Ready pod --all -n "$ns" --timeout=60s > /dev/null || missing "the pods of namespace $ns are not ready"
  kubectl wait --for=condition=Ready pod --all -n "$other" --timeout=60s > /dev/null || missing "the pods of namespace $other are not ready"
  web1=$(pod_ip web1)
  web2=$(pod_ip web2)
  only1=$(kubectl -n "$ns" get service only1 -o jsonpath='{.spec.clusterIP}')
}

# create_outside: a server beside the nodes that knows no way to a pod's address, so it is reachable
# only from behind a node's; sets outside to its address.
create_outside() {
  docker rm -f "$outside_container" > /dev/null 2>&1 || true
  docker run -d --name "$outside_container" --network kind "$test_image" sh -c "$serve" > /dev/null
  outside=$(docker inspect -f '{{.NetworkSettings.Networks.kind.IPAddress}}' "$outside_container")
}
