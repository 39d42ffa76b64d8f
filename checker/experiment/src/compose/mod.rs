//! Experiments on a copy of the learner's compose project: own name, own
//! files, fresh volumes, ephemeral ports. The learner's own containers are
//! never touched.
//!
//! Every request that changes something is sent from `act`; `docker compose`
//! itself is run on the copy only (`up`).

mod act;
mod ask;
mod containers;
mod copy;
mod edit;
mod events;
mod exec;
mod group;
mod model;
mod project;
pub mod stage;
mod up;
mod watch;

use std::{collections::BTreeMap, path::PathBuf};

use bollard::Docker;
use lab_spec::experiment::{Action, ComposeStep};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::{
    halt::Halt,
    run::{Run, Told},
    target::Stranger,
};

pub(crate) use act::undo;

/// A Docker daemon, and which one it must be.
#[derive(Clone)]
pub struct Daemon {
    /// The way to it.
    pub client: Docker,
    /// Its address, as in `unix:///var/run/docker.sock`.
    pub host: String,
    /// The id it gave when it was first asked; `client` must lead to it.
    pub id: String,
    /// Image of the prober, already in it.
    pub probe_image: String,
}

/// The learner's project, of which a copy is made.
pub struct Project {
    /// The compose files, in order.
    pub files: Vec<PathBuf>,
    /// Their directory.
    pub directory: PathBuf,
    /// What `docker compose` is run as.
    pub program: PathBuf,
    /// A directory for `DOCKER_CONFIG`, if not the user's own.
    pub config: Option<PathBuf>,
}

/// Where an experiment with compose works.
pub struct Place {
    /// The daemon.
    pub daemon: Daemon,
    /// What is copied.
    pub project: Project,
    /// Name of the copy.
    pub copy: String,
    /// Directory that copies are made in; made when missing.
    pub copies: PathBuf,
    /// What runs beside the steps.
    pub beside: Beside,
}

/// What a copy has beside its containers.
#[derive(Default)]
pub struct Beside(Mutex<Running>);

#[derive(Default)]
struct Running {
    events: Option<events::Following>,
    watch: watch::Watch,
    /// What the last edit was, and how the containers were just before it.
    edited: Option<Edited>,
}

#[derive(Clone)]
struct Edited {
    nonce: String,
    /// By service, what tells its first container from another, or from itself
    /// after a restart.
    before: BTreeMap<String, containers::Face>,
}

/// What a journal is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subject {
    /// Id of the daemon.
    daemon: String,
    host: String,
    pub(crate) copy: String,
}

/// One change that is about to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Change {
    /// A project of this name will be made from this directory.
    Copy { project: String, directory: PathBuf },
    /// `docker compose` changes the project, with this process id.
    #[serde(alias = "watch")]
    Process { project: String, pid: u32 },
}

/// The labels compose puts on what it makes.
const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";

/// Carries out a step.
pub(crate) async fn step(
    run: &mut Run<'_, '_>,
    place: &Place,
    at: usize,
    action: Action<'_>,
) -> Result<Told, Halt> {
    let step = match action {
        Action::Ask(ask) => return ask::step(run, place, at, ask).await,
        Action::Compose(step) => step,
        other => {
            return Err(Halt::Unavailable(format!("`{}` is no step of a compose project", other.word())));
        }
    };
    match step {
        ComposeStep::Up(up) => up::step(run, place, up).await,
        ComposeStep::Kill(service) => act::signal(run, place, service, act::Signal::Kill).await,
        ComposeStep::Stop(service) => act::signal(run, place, service, act::Signal::Stop).await,
        ComposeStep::Start(service) => act::signal(run, place, service, act::Signal::Start).await,
        ComposeStep::Restart(service) => act::signal(run, place, service, act::Signal::Restart).await,
        ComposeStep::Wait(wait) => containers::wait(run, place, wait).await,
        ComposeStep::Exec(exec) => exec::step(run, place, at, exec).await,
        ComposeStep::Healthcheck(service) => exec::healthcheck(run, place, service).await,
        ComposeStep::Write(write) => act::write(run, place, write).await,
        ComposeStep::Edit(edit) => edit::step(run, place, at, edit).await,
        ComposeStep::Logs(logs) => containers::logs(run, place, logs).await,
        ComposeStep::Answered(answered) => ask::answered(run, place, at, answered).await,
        ComposeStep::Changed(wait) => containers::changed(run, place, wait).await,
        ComposeStep::Quiet(quiet) => watch::quiet(run, place, quiet).await,
    }
}

impl Place {
    pub(crate) fn subject(&self) -> Subject {
        Subject { daemon: self.daemon.id.clone(), host: self.daemon.host.clone(), copy: self.copy.clone() }
    }

    /// The copy's own directory.
    fn directory(&self) -> PathBuf {
        self.copies.join(&self.copy)
    }

    pub(crate) async fn quiesce(&self) {
        let Running { watch, events, .. } = std::mem::take(&mut *self.beside.0.lock().await);
        drop(events);
        if let watch::Watch::Running(watching) = watch {
            watching.end().await;
        }
    }
}

impl Daemon {
    pub(crate) async fn identify(&self) -> Result<(), Stranger> {
        let info = self.client.info().await.map_err(|error| {
            Stranger::Unseen(Halt::Unavailable(format!("Docker at `{}`: {}", self.host, act::words(&error))))
        })?;
        let found = info.id.unwrap_or_default();
        if found == self.id {
            return Ok(());
        }
        Err(Stranger::Other(format!("the daemon's id is `{found}`, expected `{}`", self.id)))
    }
}

impl Subject {
    pub(crate) fn is_of(&self, daemon: &Daemon) -> Result<(), String> {
        if self.daemon == daemon.id {
            return Ok(());
        }
        Err(format!(
            "was killed in the Docker daemon at `{}`, which is not this one; use that daemon to undo it, or remove the \
             file if it no longer exists",
            self.host
        ))
    }
}
