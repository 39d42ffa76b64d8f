//! The kinds of objects a lab can name in short.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of Kubernetes object, with all that a LIST of it needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kind {
    /// `v1`, `apps/v1`, …
    pub api_version: String,
    /// `Pod`, `Deployment`, …
    pub kind: String,
    /// The resource name in URLs: `pods`, `deployments`, …
    pub plural: String,
    /// Whether objects of this kind live in a namespace.
    pub namespaced: bool,
}

/// Singular name in lab files, API version, kind, plural, namespaced.
type Row = (&'static str, &'static str, &'static str, &'static str, bool);

const KINDS: &[Row] = &[
    ("configmap", "v1", "ConfigMap", "configmaps", true),
    ("cronjob", "batch/v1", "CronJob", "cronjobs", true),
    ("daemonset", "apps/v1", "DaemonSet", "daemonsets", true),
    ("deployment", "apps/v1", "Deployment", "deployments", true),
    ("endpointslice", "discovery.k8s.io/v1", "EndpointSlice", "endpointslices", true),
    ("event", "v1", "Event", "events", true),
    ("ingress", "networking.k8s.io/v1", "Ingress", "ingresses", true),
    ("job", "batch/v1", "Job", "jobs", true),
    ("limitrange", "v1", "LimitRange", "limitranges", true),
    ("namespace", "v1", "Namespace", "namespaces", false),
    ("networkpolicy", "networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", true),
    ("node", "v1", "Node", "nodes", false),
    ("persistentvolume", "v1", "PersistentVolume", "persistentvolumes", false),
    ("persistentvolumeclaim", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", true),
    ("pod", "v1", "Pod", "pods", true),
    ("poddisruptionbudget", "policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", true),
    ("replicaset", "apps/v1", "ReplicaSet", "replicasets", true),
    ("resourcequota", "v1", "ResourceQuota", "resourcequotas", true),
    ("secret", "v1", "Secret", "secrets", true),
    ("service", "v1", "Service", "services", true),
    ("serviceaccount", "v1", "ServiceAccount", "serviceaccounts", true),
    ("statefulset", "apps/v1", "StatefulSet", "statefulsets", true),
    ("storageclass", "storage.k8s.io/v1", "StorageClass", "storageclasses", false),
];

impl Kind {
    fn from_row(&(_, api_version, kind, plural, namespaced): &Row) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespaced,
        }
    }

    /// The kind whose one object a lab names with `name`, as in `deployment: api`.
    pub fn singular(name: &str) -> Option<Self> {
        KINDS.iter().find(|row| row.0 == name).map(Self::from_row)
    }

    /// The kind whose list a lab names with `name`, as in `pods: {labels: …}`.
    pub fn plural(name: &str) -> Option<Self> {
        KINDS.iter().find(|row| row.3 == name).map(Self::from_row)
    }

    /// The kind called `kind` in manifests, as in `Deployment`.
    pub fn named(kind: &str) -> Option<Self> {
        KINDS.iter().find(|row| row.2 == kind).map(Self::from_row)
    }

    /// Every kind that a lab can name.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(Self::from_row)
    }

    /// Every short name a lab may use, singular then plural.
    pub fn short_names() -> impl Iterator<Item = &'static str> {
        KINDS.iter().flat_map(|row| [row.0, row.3])
    }

    /// The name messages use: `deployment`, `endpointslice`, …
    pub fn word(&self) -> String {
        self.kind.to_lowercase()
    }
}
