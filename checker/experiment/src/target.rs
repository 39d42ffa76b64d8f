//! The seam between what every experiment does and what is done to one kind
//! of system.

use lab_spec::experiment::Action;
use lab_spec::sample::Sampler;

use crate::compose::{self, Daemon};
use crate::halt::Halt;
use crate::journal::{Entry, Header, Subject};
use crate::kube::{self, Cluster, Place};
use crate::run::{Run, Told};
use crate::samplers::Running;

/// What an experiment works on.
pub enum Target {
    /// A namespace of a cluster.
    Kubernetes(Box<Place>),
    /// A copy of a compose project.
    Compose(Box<compose::Place>),
}

/// A system in which changes are undone.
#[derive(Clone, Copy)]
pub enum System<'a> {
    /// A cluster.
    Kubernetes(&'a Cluster),
    /// A Docker daemon.
    Docker(&'a Daemon),
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
            Self::Compose(place) => System::Docker(&place.daemon),
        }
    }

    /// What its journals say they are about.
    pub(crate) fn subject(&self) -> Subject {
        match self {
            Self::Kubernetes(place) => Subject::Kubernetes(place.subject()),
            Self::Compose(place) => Subject::Docker(place.subject()),
        }
    }

    /// Starts a sampler and says so in words.
    pub(crate) async fn sample(
        &self,
        run: &mut Run<'_, '_>,
        name: &str,
        sampler: &Sampler,
    ) -> Result<(Running, String), Halt> {
        match self {
            Self::Kubernetes(place) => kube::sample(run, place, name, sampler).await,
            Self::Compose(_) => Err(Halt::Unavailable(format!(
                "sampler `{name}` is none of a compose project, whose events the step `up` records"
            ))),
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
            Self::Compose(place) => compose::step(run, place, at, action).await,
        }
    }

    /// The compose project that looks are taken at, if not the learner's own.
    pub(crate) fn copy(&self) -> Option<&str> {
        match self {
            Self::Kubernetes(_) => None,
            Self::Compose(place) => Some(&place.copy),
        }
    }

    /// Ends what runs beside the steps, before they are undone.
    pub(crate) async fn quiesce(&self) {
        if let Self::Compose(place) = self {
            place.quiesce().await;
        }
    }
}

impl System<'_> {
    /// Asks the system whether it is the one it is taken for.
    pub(crate) async fn identify(self) -> Result<(), Stranger> {
        match self {
            Self::Kubernetes(cluster) => cluster.identify().await,
            Self::Docker(daemon) => daemon.identify().await,
        }
    }

    /// Whether a journal is about this system; if not, whose it is, in words.
    pub(crate) fn is_of(self, header: &Header) -> Result<(), String> {
        match (self, &header.target) {
            (Self::Kubernetes(cluster), Subject::Kubernetes(subject)) => subject.is_of(cluster),
            (Self::Docker(daemon), Subject::Docker(subject)) => subject.is_of(daemon),
            (_, other) => Err(format!("was killed in {}, which is another kind of system", other.place())),
        }
    }

    /// Undoes one change and says what it did; `None` if nothing was to be
    /// done. Everything may be undone twice.
    pub(crate) async fn undo(self, header: &Header, entry: &Entry) -> Result<Option<String>, String> {
        let undone = match (self, &header.target, entry) {
            (Self::Kubernetes(cluster), Subject::Kubernetes(subject), Entry::Kubernetes(change)) => {
                kube::undo(&cluster.client, &header.run, &subject.namespace, change).await
            }
            (Self::Docker(daemon), Subject::Docker(_), Entry::Docker(change)) => {
                compose::undo(daemon, change).await
            }
            _ => Err(Halt::Unavailable("the journal is about another kind of system".to_owned())),
        };
        undone.map_err(|halt| halt.words().to_owned())
    }
}
