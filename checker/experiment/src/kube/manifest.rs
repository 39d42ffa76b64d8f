//! Manifests: the prober pod's, and a deleted pod's as it must be made again.

use std::time::Duration;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

/// Label of every prober pod.
pub(crate) const PROBE: &str = "labcheck.dev/probe";
/// Label that says which run, hence which journal, a prober pod belongs to.
pub(crate) const RUN: &str = "labcheck.dev/run";
/// The prober's container.
pub(crate) const CONTAINER: &str = "probe";
/// Prefix of the volume that admission adds for the service account's token.
const TOKEN_VOLUME: &str = "kube-api-access-";

/// How much a prober has to send.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// A few requests.
    Light,
    /// Hundreds a second, for which it must never wait for its own share of
    /// the processor.
    Heavy,
}

/// Who a prober pod is and what it runs.
pub(crate) struct Probe<'a> {
    pub(crate) name: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) run: &'a str,
    pub(crate) image: &'a str,
    pub(crate) args: Vec<String>,
    /// Labels it carries beside its own.
    pub(crate) labels: Option<&'a IndexMap<String, String>>,
    pub(crate) load: Load,
    /// After this the kubelet ends the pod, whatever became of us.
    pub(crate) at_most: Duration,
}

impl Probe<'_> {
    /// The pod's manifest. It meets the `restricted` pod security standard
    /// and names its resources, so that it also runs under a quota; its labels
    /// are ours alone, so that no Service or policy of the lab selects it unless
    /// the lab gives it others.
    pub(crate) fn manifest(&self) -> Value {
        let (requests, limits) = match self.load {
            Load::Light => {
                (json!({"cpu": "10m", "memory": "32Mi"}), json!({"cpu": "500m", "memory": "64Mi"}))
            }
            Load::Heavy => (json!({"cpu": "100m", "memory": "64Mi"}), json!({"cpu": "2", "memory": "256Mi"})),
        };
        let mut labels = json!({PROBE: "true", RUN: self.run});
        for (name, value) in self.labels.into_iter().flatten() {
            labels[name] = json!(value);
        }
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": self.name,
                "namespace": self.namespace,
                "labels": labels,
            },
            "spec": {
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 0,
                "activeDeadlineSeconds": self.at_most.as_secs().max(1),
                "automountServiceAccountToken": false,
                "enableServiceLinks": false,
                "securityContext": {
                    "runAsNonRoot": true,
                    "runAsUser": 65532,
                    "runAsGroup": 65532,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [{
                    "name": CONTAINER,
                    "image": self.image,
                    "imagePullPolicy": "Never",
                    "args": self.args,
                    "securityContext": {
                        "allowPrivilegeEscalation": false,
                        "readOnlyRootFilesystem": true,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "resources": {"requests": requests, "limits": limits},
                }],
            },
        })
    }
}

/// A pod as it can be created again: without what the server, the scheduler
/// and admission wrote into it. `metadata.name`, labels, annotations,
/// finalizers and all else the author chose stay.
pub(crate) fn clean(pod: &Value) -> Value {
    let mut pod = pod.clone();
    let Some(object) = pod.as_object_mut() else { return pod };
    object.remove("status");
    object.insert("apiVersion".to_owned(), json!("v1"));
    object.insert("kind".to_owned(), json!("Pod"));
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        const WRITTEN: [&str; 9] = [
            "creationTimestamp",
            "deletionGracePeriodSeconds",
            "deletionTimestamp",
            "generateName",
            "generation",
            "managedFields",
            "resourceVersion",
            "selfLink",
            "uid",
        ];
        remove(metadata, &WRITTEN);
    }
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        // Priority and preemption policy follow from the class; the server
        // refuses other values. Ephemeral containers cannot be created.
        remove(spec, &["ephemeralContainers", "nodeName", "preemptionPolicy", "priority"]);
        without_token(spec);
    }
    pod
}

fn remove(object: &mut Map<String, Value>, keys: &[&str]) {
    for key in keys {
        object.remove(*key);
    }
}

/// Takes out the token volume and its mounts; admission adds new ones.
fn without_token(spec: &mut Map<String, Value>) {
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let injected: Vec<String> = (spec.get("volumes").and_then(Value::as_array).into_iter().flatten())
        .filter(|volume| volume.get("projected").is_some())
        .map(name)
        .filter(|name| name.starts_with(TOKEN_VOLUME))
        .collect();
    retain(spec, "volumes", |volume| !injected.contains(&name(volume)));
    for kind in ["containers", "initContainers"] {
        let containers = spec.get_mut(kind).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
            retain(container, "volumeMounts", |mount| !injected.contains(&name(mount)));
        }
    }
}

fn retain(object: &mut Map<String, Value>, key: &str, keep: impl Fn(&Value) -> bool) {
    if let Some(list) = object.get_mut(key).and_then(Value::as_array_mut) {
        list.retain(keep);
        if list.is_empty() {
            object.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod() -> Value {
        json!({
            "metadata": {
                "name": "bare", "namespace": "lab", "uid": "1", "resourceVersion": "2", "generation": 1,
                "creationTimestamp": "2026-11-21T09:00:00Z", "managedFields": [{}],
                "deletionTimestamp": "2026-11-21T09:01:00Z", "deletionGracePeriodSeconds": 30,
                "labels": {"app": "api"}, "annotations": {"note": "mine"}, "finalizers": ["lab/hold"],
            },
            "spec": {
                "nodeName": "worker", "priority": 0, "preemptionPolicy": "PreemptLowerPriority",
                "ephemeralContainers": [{"name": "debug"}], "serviceAccountName": "default",
                "volumes": [
                    {"name": "data", "emptyDir": {}},
                    {"name": "kube-api-access-x7x2p", "projected": {"sources": []}},
                ],
                "containers": [{
                    "name": "api", "image": "ms:v1",
                    "volumeMounts": [
                        {"name": "data", "mountPath": "/data"},
                        {"name": "kube-api-access-x7x2p", "mountPath": "/var/run/secrets"},
                    ],
                }],
                "initContainers": [{
                    "name": "wait",
                    "volumeMounts": [{"name": "kube-api-access-x7x2p", "mountPath": "/var/run/secrets"}],
                }],
            },
            "status": {"phase": "Running"},
        })
    }

    #[test]
    fn cleaned_pod_keeps_what_its_author_wrote_and_nothing_else() {
        let expected = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": "bare", "namespace": "lab",
                "labels": {"app": "api"}, "annotations": {"note": "mine"}, "finalizers": ["lab/hold"],
            },
            "spec": {
                "serviceAccountName": "default",
                "volumes": [{"name": "data", "emptyDir": {}}],
                "containers": [{
                    "name": "api", "image": "ms:v1",
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                }],
                "initContainers": [{"name": "wait"}],
            },
        });
        assert_eq!(clean(&pod()), expected);
    }

    #[test]
    fn volume_that_only_looks_injected_stays() {
        let mut pod = pod();
        pod["spec"]["volumes"] = json!([{"name": "kube-api-access-x7x2p", "emptyDir": {}}]);
        let spec = &clean(&pod)["spec"];
        assert_eq!(spec["volumes"][0]["name"], "kube-api-access-x7x2p");
        assert_eq!(spec["initContainers"][0]["volumeMounts"][0]["name"], "kube-api-access-x7x2p");
    }

    #[test]
    fn cleaning_is_idempotent() {
        let once = clean(&pod());
        assert_eq!(clean(&once), once);
    }
}
