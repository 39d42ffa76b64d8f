//! Experiments on a cluster.
//!
//! Every request that changes something is sent from `act` (what steps do) or
//! `apply` (a lab's own manifests).

mod act;
mod apply;
mod ask;
mod delete;
mod deployment;
mod load;
mod manifest;
mod pick;
mod prober;
mod read;
mod relabel;
mod route;
mod undo;
mod wait;
mod watch;

use indexmap::IndexMap;
use kube::Client;
use lab_spec::experiment::Action;
use lab_spec::sample::{Sampler, Sampling};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::halt::Halt;
use crate::run::{Run, Told};
use crate::samplers::Running;
use crate::target::Stranger;

pub use apply::{ApplyError, Manifest, apply, delete_namespace, discard_namespace, relabel_pods};
pub(crate) use undo::undo;

/// What makes a cluster this cluster and no other; names prove nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// SHA-256 of the certificate authority's PEM in the kubeconfig, hex.
    pub ca_sha256: String,
    /// UID of the namespace `kube-system`.
    pub kube_system_uid: String,
}

/// A cluster, and which one it must be.
#[derive(Clone)]
pub struct Cluster {
    /// The way to it.
    pub client: Client,
    /// What people call it: the context or the server. Only shown.
    pub name: String,
    /// The cluster that may be changed; `client` must lead to it.
    pub identity: Identity,
}

/// Where in a cluster an experiment works.
pub struct Place {
    /// The cluster.
    pub cluster: Cluster,
    /// Namespace the lab is about.
    pub namespace: String,
    /// Image of the prober, already on every node, as in
    /// `labcheck/probe:0.1.0`.
    pub probe_image: String,
    /// Whether a Deployment is rolled out.
    pub rolled_out: fn(&Value) -> bool,
}

/// What a journal is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subject {
    pub(crate) identity: Identity,
    /// What people call the cluster.
    pub(crate) cluster: String,
    pub(crate) namespace: String,
}

/// One change that is about to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Change {
    /// A prober pod of this name will be created.
    Probe { name: String },
    /// This pod will be deleted.
    Delete {
        name: String,
        uid: String,
        /// How to make it again; none when a controller does.
        manifest: Option<Value>,
    },
    /// Labels of this pod will be changed.
    Relabel {
        name: String,
        uid: String,
        /// What they will be.
        set: IndexMap<String, String>,
        /// What they were; none for a label that was not there.
        before: IndexMap<String, Option<String>>,
    },
    /// A field of this Deployment will change: a container's image, or the
    /// number of replicas if no container is named.
    Field {
        deployment: String,
        uid: String,
        container: Option<String>,
        /// What it held before the run.
        was: Value,
        now: Value,
    },
}

/// Carries out a step.
pub(crate) async fn step(
    run: &mut Run<'_, '_>,
    place: &Place,
    at: usize,
    action: Action<'_>,
) -> Result<Told, Halt> {
    match action {
        Action::Ask(ask) => ask::step(run, place, at, ask).await,
        Action::Delete(delete) => delete::step(run, place, delete).await,
        Action::Relabel(relabel) => relabel::step(run, place, relabel).await,
        Action::Wait(wait) => wait::step(run, place, wait).await,
        Action::SetImage(image) => deployment::set_image(run, place, image).await,
        Action::Scale(scale) => deployment::scale(run, place, scale).await,
        other @ (Action::Compose(_) | Action::Look | Action::Start(_) | Action::Stop(_)) => {
            Err(Halt::Unavailable(format!("`{}` is no step of a cluster", other.word())))
        }
    }
}

/// Starts a sampler.
pub(crate) async fn sample(
    run: &mut Run<'_, '_>,
    place: &Place,
    name: &str,
    sampler: &Sampler,
) -> Result<(Running, String), Halt> {
    match sampler.sampling() {
        Some(Sampling::Load(url, rate)) => load::start(run, place, name, sampler, url, rate).await,
        Some(Sampling::Watch(kind)) => watch::start(run, place, name, sampler, kind).await,
        None => Err(Halt::Unavailable(format!("sampler `{name}` does not say what it does"))),
    }
}

impl Place {
    pub(crate) fn subject(&self) -> Subject {
        Subject {
            identity: self.cluster.identity.clone(),
            cluster: self.cluster.name.clone(),
            namespace: self.namespace.clone(),
        }
    }
}

impl Cluster {
    pub(crate) async fn identify(&self) -> Result<(), Stranger> {
        let found = read::kube_system_uid(&self.client).await.map_err(Stranger::Unseen)?;
        let expected = &self.identity.kube_system_uid;
        if found == *expected {
            return Ok(());
        }
        Err(Stranger::Other(format!("its `kube-system` has the UID `{found}`, expected `{expected}`")))
    }
}

impl Subject {
    pub(crate) fn is_of(&self, cluster: &Cluster) -> Result<(), String> {
        if self.identity == cluster.identity {
            return Ok(());
        }
        Err(format!(
            "was killed in cluster `{}` (`kube-system` UID `{}`), which is not this one; use that cluster to \
             undo it, or remove the file if it no longer exists",
            self.cluster, self.identity.kube_system_uid
        ))
    }
}
