//! Declared mutating steps with a fence and a journal; the only crate that
//! writes to a cluster or to Docker.
//!
//! [`run`] carries out an experiment and returns what it recorded; [`recover`]
//! finishes the undo of a run that was killed. Every request that changes
//! something is sent from one module, `act`, and only after the journal on
//! disk says how to undo it.

mod act;
mod apply;
mod ask;
mod delete;
mod halt;
mod journal;
mod manifest;
mod proof;
mod read;
mod recover;
mod run;
mod undo;
mod wait;

use std::path::PathBuf;

use futures::future::BoxFuture;
use indexmap::IndexMap;
use kube::Client;
use lab_spec::Observation;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub use apply::{ApplyError, Manifest, apply, delete_namespace, discard_namespace};
pub use journal::JournalError;
pub use recover::{Left, RecoverError, Recovery, Undone, forget, recover};
pub use run::run;

/// What makes a cluster this cluster and no other; names prove nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// SHA-256 of the certificate authority's PEM in the kubeconfig, hex.
    pub ca_sha256: String,
    /// UID of the namespace `kube-system`.
    pub kube_system_uid: String,
}

/// Whether an experiment may change the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    /// `labcheck up` recorded this identity when it made the cluster.
    Owned,
    /// The user typed the server's name.
    Confirmed,
    /// It may not, for this reason.
    Refused(String),
}

/// Takes a look at everything the lab lists, by request key.
pub type Looking<'a> = dyn Fn() -> BoxFuture<'a, IndexMap<String, Observation>> + Send + Sync + 'a;

/// Where and how an experiment runs.
pub struct Setting<'a> {
    /// The way to the cluster.
    pub client: Client,
    /// What people call the cluster: the context or the server. Only shown.
    pub cluster: String,
    /// The cluster that `permission` is about. The run compares the UID with
    /// the one `client` sees before it changes anything.
    pub identity: Identity,
    /// Whether the cluster may be changed.
    pub permission: Permission,
    /// Namespace the lab is about.
    pub namespace: String,
    /// Image of the prober, already on every node, as in
    /// `labcheck/probe:0.1.0`.
    pub probe_image: String,
    /// Directory of the journals; made when missing.
    pub journal_dir: PathBuf,
    /// Text no answer can know in advance. The nonce of a request is this, the
    /// number of its step and its own number, joined by `-`.
    pub nonce: String,
    /// Milliseconds after the first look.
    pub clock: &'a (dyn Fn() -> u64 + Send + Sync),
    /// Takes a look.
    pub look: &'a Looking<'a>,
    /// Whether a Deployment is rolled out.
    pub rolled_out: fn(&Value) -> bool,
    /// Told what happens, a line at a time.
    pub progress: &'a (dyn Fn(&str) + Send + Sync),
    /// Stops the experiment early; what it did is undone all the same.
    pub cancel: CancellationToken,
}
