//! Requests: the only ways evidence is asked for.

use serde::{Deserialize, Serialize};

use crate::{Kind, observe::Part};

/// One thing to ask the system for. A LIST serves every observation of its
/// kind and namespace; there is never a request per check.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Request {
    /// All objects of a kind, in one namespace or in the cluster.
    List {
        /// The kind.
        kind: Kind,
        /// The namespace; `None` for kinds without one.
        namespace: Option<String>,
    },
    /// The last lines of one container's log.
    Logs {
        /// Namespace of the pod.
        namespace: String,
        /// Name of the pod.
        pod: String,
        /// Name of the container.
        container: String,
        /// How many last lines.
        tail: u32,
        /// The log of the container's previous run.
        previous: bool,
    },
    /// `/readyz` of the API server.
    Reach,
    /// `/version` of the API server.
    Version,
    /// The kubeconfig's current context; asks no server.
    Context,
    /// One gauge from a node's kubelet, through the API server.
    Kubelet {
        /// Name of the node.
        node: String,
        /// Name of the metric.
        metric: String,
    },
    /// A file of the learner.
    File {
        /// Path inside the learner's directory.
        path: String,
    },
    /// The learner's compose files: as written, and as `docker compose
    /// config` resolves them.
    ComposeFile,
    /// One part of a compose project, from Docker: a list filtered by the
    /// project's label, and parallel inspects.
    Docker {
        /// Which part.
        part: Part,
        /// Name of the project.
        project: String,
    },
}

impl Request {
    /// The key evidence files the answer under: stable, unique and readable.
    pub fn key(&self) -> String {
        match self {
            Self::List { kind, namespace } => match namespace {
                Some(namespace) => format!("list {} {} -n {namespace}", kind.api_version, kind.plural),
                None => format!("list {} {}", kind.api_version, kind.plural),
            },
            Self::Logs { namespace, pod, container, tail, previous } => {
                let which = if *previous { "previous logs" } else { "logs" };
                format!("{which} -n {namespace} {pod} -c {container} --tail {tail}")
            }
            Self::Reach => "reach".to_owned(),
            Self::Version => "version".to_owned(),
            Self::Context => "context".to_owned(),
            Self::Kubelet { node, metric } => format!("kubelet {node} {metric}"),
            Self::File { path } => format!("file {path}"),
            Self::ComposeFile => "compose file".to_owned(),
            Self::Docker { part, project } => format!("docker {} {project}", part.word()),
        }
    }
}
