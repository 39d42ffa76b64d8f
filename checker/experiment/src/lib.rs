//! Declared mutating steps with a fence and a journal; the only crate that
//! writes to a cluster or to Docker.
//!
//! [`run`] carries out an experiment and returns what it recorded; [`recover`]
//! finishes the undo of a run that was killed. What every run has (budget,
//! deadlines, journal, log, cancellation, undo in reverse) stands here; what
//! is done to one kind of system stands in a module of its own (`kube`,
//! `compose`), and
//! [`Target`] is the seam between. A change is sent only after the journal on
//! disk says how to undo it.

pub mod compose;
mod halt;
mod journal;
mod kube;
mod probe;
mod recover;
mod run;
mod samplers;
mod target;

use std::path::PathBuf;

use futures::future::BoxFuture;
use indexmap::IndexMap;
use lab_spec::Observation;
use tokio_util::sync::CancellationToken;

pub use crate::journal::JournalError;
pub use crate::kube::{
    ApplyError, Cluster, Identity, Manifest, Place, apply, delete_namespace, discard_namespace, relabel_pods,
};
pub use crate::recover::{Left, RecoverError, Recovery, Undone, forget, recover};
pub use crate::run::run;
pub use crate::target::{System, Target};

/// Whether an experiment may change the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    /// `labcheck up` recorded this identity when it made the system.
    Owned,
    /// The user typed the server's name.
    Confirmed,
    /// It may not, for this reason.
    Refused(String),
}

/// Takes a look at everything the lab lists, by request key; at the compose
/// project of this name, if it is not the learner's own.
pub type Looking<'a> =
    dyn Fn(Option<String>) -> BoxFuture<'a, IndexMap<String, Observation>> + Send + Sync + 'a;

/// Where and how an experiment runs.
pub struct Setting<'a> {
    /// The system, and the place in it. The run compares the identity with the
    /// one it sees before it changes anything.
    pub target: Target,
    /// Whether that system may be changed.
    pub permission: Permission,
    /// Directory of the journals; made when missing.
    pub journal_dir: PathBuf,
    /// Text no answer can know in advance. The nonce of a request is this, the
    /// number of its step and its own number, joined by `-`.
    pub nonce: String,
    /// Milliseconds after the first look.
    pub clock: &'a (dyn Fn() -> u64 + Send + Sync),
    /// Takes a look.
    pub look: &'a Looking<'a>,
    /// Told what happens, a line at a time.
    pub progress: &'a (dyn Fn(&str) + Send + Sync),
    /// Stops the experiment early; what it did is undone all the same.
    pub cancel: CancellationToken,
}
