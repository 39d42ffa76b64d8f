//! What the API server leaves out: fields it omits when they are empty, by
//! kind. A field listed here reads as its default; a field that is not listed
//! and not there is an error, so that a misspelt field never passes.

use std::sync::{Arc, LazyLock};

use crate::cel::{
    Key, Map, Value,
    schema::{Field, Schema, Shape},
};

static EMPTY: LazyLock<Arc<Schema>> = LazyLock::new(|| Schema::new::<&str>([]));
static POD: LazyLock<Arc<Schema>> = LazyLock::new(pod);
static DEPLOYMENT: LazyLock<Arc<Schema>> = LazyLock::new(deployment);
static REPLICASET: LazyLock<Arc<Schema>> = LazyLock::new(replicaset);
static SERVICE: LazyLock<Arc<Schema>> = LazyLock::new(service);
static SLICE: LazyLock<Arc<Schema>> = LazyLock::new(slice);
static CONFIGMAP: LazyLock<Arc<Schema>> = LazyLock::new(configmap);
static NODE: LazyLock<Arc<Schema>> = LazyLock::new(node);
static COMPOSE: LazyLock<Arc<Schema>> = LazyLock::new(compose);
static CONTAINER: LazyLock<Arc<Schema>> = LazyLock::new(docker_container);
static OTHER: LazyLock<Arc<Schema>> = LazyLock::new(|| Schema::new([("metadata", metadata())]));

/// The defaults of a kind's objects.
pub(crate) fn of(kind: &str) -> Arc<Schema> {
    Arc::clone(match kind {
        "Pod" => &POD,
        "Deployment" => &DEPLOYMENT,
        "ReplicaSet" => &REPLICASET,
        "Service" => &SERVICE,
        "EndpointSlice" => &SLICE,
        "ConfigMap" => &CONFIGMAP,
        "Node" => &NODE,
        "ComposeFile" => &COMPOSE,
        "Container" => &CONTAINER,
        "Docker" => &EMPTY,
        _ => &OTHER,
    })
}

/// A compose file as `docker compose config` prints it.
fn compose() -> Arc<Schema> {
    let volume = Schema::new([("read_only", Field::scalar(false)), ("source", Field::scalar(""))]);
    let port = Schema::new([("published", Field::scalar("")), ("host_ip", Field::scalar(""))]);
    let healthcheck = Schema::new([("disable", Field::scalar(false)), ("test", Field::list())]);
    let rule = Schema::new([("target", Field::scalar("")), ("ignore", Field::list())]);
    let service = Schema::new([
        ("image", Field::scalar("")),
        ("restart", Field::scalar("")),
        ("depends_on", Field::map()),
        ("environment", Field::map()),
        ("volumes", Field::list_of(volume)),
        ("ports", Field::list_of(port)),
        ("profiles", Field::list()),
        ("healthcheck", Field::optional_object(healthcheck)),
        ("develop", Field::object(Schema::new([("watch", Field::list_of(rule))]))),
    ]);
    let services = Field { default: Some(Value::object::<&str>([])), shape: Shape::MapOf(service) };
    Schema::new([("services", services), ("volumes", Field::map()), ("networks", Field::map())])
}

/// A container as `docker inspect` shows it.
fn docker_container() -> Arc<Schema> {
    let state = Schema::new([("Status", Field::scalar("")), ("ExitCode", Field::scalar(0))]);
    let config = Schema::new([("Labels", Field::map()), ("Image", Field::scalar(""))]);
    let mount = Schema::new([("RW", Field::scalar(false)), ("Destination", Field::scalar(""))]);
    Schema::new([
        ("State", Field::object(state)),
        ("Config", Field::object(config)),
        ("Mounts", Field::list_of(mount)),
        ("RestartCount", Field::scalar(0)),
    ])
}

fn metadata() -> Field {
    Field::object(Schema::new([
        ("labels", Field::map()),
        ("annotations", Field::map()),
        ("ownerReferences", Field::list_of(Arc::clone(&EMPTY))),
        ("finalizers", Field::list()),
    ]))
}

fn container() -> Arc<Schema> {
    Schema::new([
        ("command", Field::list()),
        ("args", Field::list()),
        ("env", Field::list_of(Arc::clone(&EMPTY))),
        ("envFrom", Field::list_of(Arc::clone(&EMPTY))),
        ("ports", Field::list_of(Arc::clone(&EMPTY))),
        ("volumeMounts", Field::list_of(Schema::new([("readOnly", Field::scalar(false))]))),
        ("resources", Field::object(Schema::new([("limits", Field::map()), ("requests", Field::map())]))),
    ])
}

fn pod_spec() -> Arc<Schema> {
    Schema::new([
        ("containers", Field::list_of(container())),
        ("initContainers", Field::list_of(container())),
        ("volumes", Field::list_of(Arc::clone(&EMPTY))),
        ("tolerations", Field::list_of(Arc::clone(&EMPTY))),
        ("imagePullSecrets", Field::list_of(Arc::clone(&EMPTY))),
        ("nodeSelector", Field::map()),
        ("hostNetwork", Field::scalar(false)),
        ("nodeName", Field::scalar("")),
    ])
}

fn template() -> Field {
    Field::object(Schema::new([("metadata", metadata()), ("spec", Field::object(pod_spec()))]))
}

fn pod() -> Arc<Schema> {
    let status = Schema::new([
        ("phase", Field::scalar("")),
        ("podIP", Field::scalar("")),
        ("conditions", Field::list_of(Arc::clone(&EMPTY))),
        ("containerStatuses", Field::list_of(Arc::clone(&EMPTY))),
        ("initContainerStatuses", Field::list_of(Arc::clone(&EMPTY))),
    ]);
    Schema::new([
        ("metadata", metadata()),
        ("spec", Field::object(pod_spec())),
        ("status", Field::object(status)),
    ])
}

fn counts<'a>(names: &[&'a str]) -> Vec<(&'a str, Field)> {
    let mut fields: Vec<_> = names.iter().map(|name| (*name, Field::scalar(0))).collect();
    fields.push(("conditions", Field::list_of(Arc::clone(&EMPTY))));
    fields
}

fn deployment() -> Arc<Schema> {
    let status = counts(&[
        "observedGeneration",
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
    ]);
    let spec = Schema::new([
        ("template", template()),
        ("paused", Field::scalar(false)),
        ("minReadySeconds", Field::scalar(0)),
        ("progressDeadlineSeconds", Field::scalar(600)),
        ("selector", Field::object(Schema::new([("matchLabels", Field::map())]))),
    ]);
    Schema::new([
        ("metadata", metadata()),
        ("spec", Field::object(spec)),
        ("status", Field::object(Schema::new(status))),
    ])
}

fn replicaset() -> Arc<Schema> {
    let status = counts(&["observedGeneration", "replicas", "readyReplicas", "availableReplicas"]);
    let spec = Schema::new([("template", template())]);
    Schema::new([
        ("metadata", metadata()),
        ("spec", Field::object(spec)),
        ("status", Field::object(Schema::new(status))),
    ])
}

fn service() -> Arc<Schema> {
    let spec = Schema::new([
        ("selector", Field::map()),
        ("ports", Field::list_of(Schema::new([("name", Field::scalar(""))]))),
        ("clusterIP", Field::scalar("")),
        ("publishNotReadyAddresses", Field::scalar(false)),
    ]);
    Schema::new([("metadata", metadata()), ("spec", Field::object(spec))])
}

fn slice() -> Arc<Schema> {
    let endpoint =
        Schema::new([("conditions", Field::object(Arc::clone(&EMPTY))), ("addresses", Field::list())]);
    Schema::new([
        ("metadata", metadata()),
        ("endpoints", Field::list_of(endpoint)),
        ("ports", Field::list_of(Arc::clone(&EMPTY))),
    ])
}

fn configmap() -> Arc<Schema> {
    Schema::new([("metadata", metadata()), ("data", Field::map()), ("binaryData", Field::map())])
}

fn node() -> Arc<Schema> {
    let status = Schema::new([
        ("conditions", Field::list_of(Arc::clone(&EMPTY))),
        ("images", Field::list_of(Schema::new([("names", Field::list())]))),
        ("capacity", Field::map()),
        ("allocatable", Field::map()),
    ]);
    let spec = Schema::new([
        ("taints", Field::list_of(Arc::clone(&EMPTY))),
        ("unschedulable", Field::scalar(false)),
    ]);
    Schema::new([("metadata", metadata()), ("spec", Field::object(spec)), ("status", Field::object(status))])
}

/// The field every bound object has beside its own: the server's time when it
/// was seen, in milliseconds since the epoch. Ages are measured against it.
pub(crate) const SEEN: &str = "seenAtMs";

/// Converts one object of a kind, seen at a time.
pub(crate) fn bind(kind: &str, object: &serde_json::Value, seen_ms: i64) -> Value {
    match Value::from_json_with(object, of(kind)) {
        Value::Map(map) => {
            let mut entries = map.entries().to_vec();
            entries.push((Key::String(SEEN.into()), seen_ms.into()));
            Value::Map(Map::with_schema(entries, map.schema().cloned()))
        }
        other => other,
    }
}
