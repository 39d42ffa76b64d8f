//! The seam between what every experiment does and what is done to one kind
//! of system.

use lab_spec::experiment::Action;

use crate::halt::Halt;
use crate::journal::{Entry, Header, Subject};
use crate::kube::{self, Cluster, Place};
use crate::run::{Run, Told};

/// What an experiment works on.
pub enum Target {
    /// A namespace of a cluster.
    Kubernetes(Place),
}

/// A system in which changes are undone.
#[derive(Clone, Copy)]
pub enum System<'a> {
    /// A cluster.
    Kubernetes(&'a Cluster),
}

/// Why a system is not known to be the one that may be changed.
pub(crate) enum Stranger {
    /// It could not be asked.
    Unseen(Halt),
    /// It is another one; in words.
    Other(String),
}

impl Target {
    /// The system it lies in.
    pub fn system(&self) -> System<'_> {
        match self {
            Self::Kubernetes(place) => System::Kubernetes(&place.cluster),
        }
    }

    /// What its journals say they are about.
    pub(crate) fn subject(&self) -> Subject {
        match self {
            Self::Kubernetes(place) => Subject::Kubernetes(place.subject()),
        }
    }

    /// Carries out the step number `at`.
    pub(crate) async fn step(
        &self,
        run: &mut Run<'_, '_>,
        at: usize,
        action: Action<'_>,
    ) -> Result<Told, Halt> {
        match self {
            Self::Kubernetes(place) => kube::step(run, place, at, action).await,
        }
    }
}

impl System<'_> {
    /// Asks the system whether it is the one it is taken for.
    pub(crate) async fn identify(self) -> Result<(), Stranger> {
        match self {
            Self::Kubernetes(cluster) => cluster.identify().await,
        }
    }

    /// Whether a journal is about this system; if not, whose it is, in words.
    pub(crate) fn is_of(self, header: &Header) -> Result<(), String> {
        match (self, &header.target) {
            (Self::Kubernetes(cluster), Subject::Kubernetes(subject)) => subject.is_of(cluster),
        }
    }

    /// Undoes one change and says what it did; `None` if nothing was to be
    /// done. Everything may be undone twice.
    pub(crate) async fn undo(self, header: &Header, entry: &Entry) -> Result<Option<String>, String> {
        let undone = match (self, &header.target, entry) {
            (Self::Kubernetes(cluster), Subject::Kubernetes(subject), Entry::Kubernetes(change)) => {
                kube::undo(&cluster.client, &header.run, &subject.namespace, change).await
            }
        };
        undone.map_err(|halt| halt.words().to_owned())
    }
}
