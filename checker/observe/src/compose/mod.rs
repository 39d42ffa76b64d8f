//! A compose project: its files as the learner wrote and compose resolves
//! them, and what Docker says of its containers, images, volumes, networks.

mod engine;
mod files;
mod program;
pub(crate) mod redact;
mod resolve;
mod watch;

use std::{path::PathBuf, sync::Mutex, time::Duration};

use lab_spec::{Observation, Outcome, Request, evidence::Reason};
use tokio::task::JoinHandle;

use crate::{
    docker::{self, DockerError, Engine},
    get::unavailable,
    redact::Redactor,
};

pub use files::FilesError;
pub use program::Program;
pub(crate) use watch::follow;

/// The resolver asks no daemon, so none has to be named.
const NO_DAEMON: &str = "";

/// Which project of the learner is meant; the names are compose's.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `-f`: the compose files; none for those compose finds by itself.
    pub files: Vec<PathBuf>,
    /// `-p`: the project's name; none for the one compose chooses.
    pub project: Option<String>,
    /// Where the learner stands.
    pub directory: PathBuf,
    /// A last place where compose may lie, if the user has none.
    pub program: Option<PathBuf>,
}

/// Why no compose project can be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// No daemon.
    #[error(transparent)]
    Docker(#[from] DockerError),
    /// No compose files.
    #[error(transparent)]
    Files(#[from] FilesError),
}

/// The project that is looked at.
pub(crate) struct Project {
    pub(crate) engine: Engine,
    pub(crate) files: files::Files,
    program: Option<Program>,
    /// The first answer of compose, which is on its way while Docker is found.
    first: Mutex<Option<JoinHandle<Outcome>>>,
    /// The name `-p` gave, or the best guess before compose was asked.
    pub(crate) name: String,
    chosen: Option<String>,
    timeout: Duration,
}

impl Project {
    pub(crate) async fn open(options: &Options, timeout: Duration) -> Result<Self, ComposeError> {
        let files = files::find(options)?;
        let name = options.project.clone().unwrap_or_else(|| files.guessed_name());
        let program = Program::find(options.program.as_deref());
        let host = docker::find()?.host;
        let first = program.clone().map(|program| {
            let (files, chosen) = (files.clone(), options.project.clone());
            tokio::spawn(
                async move { resolve::file(&program, &files, chosen.as_deref(), &host, timeout).await },
            )
        });
        let engine = Engine::connect().await?;
        let (first, chosen) = (Mutex::new(first), options.project.clone());
        Ok(Self { engine, files, program, first, name, chosen, timeout })
    }

    /// The answer to a request about the project, and how it was asked.
    pub(crate) async fn answer(&self, request: &Request) -> (Option<String>, Outcome) {
        match request {
            Request::ComposeFile => {
                let asked = format!("compose config {}", self.files.shown().join(" "));
                (Some(asked), self.file().await)
            }
            Request::Docker { part, project } => {
                let asked = engine::path(*part, project);
                let mut look = engine::Look::new(&self.engine.client, project);
                // A copy that an experiment made lies elsewhere, on purpose.
                if *project == self.name {
                    look.directory = Some(&self.files.directory);
                }
                let answer = tokio::time::timeout(self.timeout, look.part(*part)).await;
                let outcome = answer.unwrap_or_else(|_| {
                    let seconds = self.timeout.as_secs();
                    let at = &self.engine.endpoint.host;
                    let why = format!("Docker at `{at}` did not answer within {seconds} s");
                    Outcome::Unavailable(unavailable(Reason::Timeout, why))
                });
                (Some(asked), outcome)
            }
            _ => (None, Outcome::Unavailable(crate::nobody())),
        }
    }

    async fn file(&self) -> Outcome {
        let Some(program) = &self.program else {
            return Outcome::Unavailable(unavailable(Reason::Failed, program::MISSING.to_owned()));
        };
        let first = self.first.lock().ok().and_then(|mut first| first.take());
        if let Some(first) = first
            && let Ok(outcome) = first.await
        {
            return outcome;
        }
        resolve::file(program, &self.files, self.chosen.as_deref(), &self.engine.endpoint.host, self.timeout)
            .await
    }

    /// What `docker compose` is run as.
    pub(crate) fn program(&self) -> Option<&Program> {
        self.program.as_ref()
    }
}

/// The answer to [`Request::ComposeFile`] without a daemon: what is written,
/// and what compose makes of it, redacted.
///
/// # Errors
/// There are no compose files, or none that could be read.
pub async fn read(
    options: &Options,
    reveal_env: &[String],
    timeout: Duration,
) -> Result<Outcome, FilesError> {
    let files = files::find(options)?;
    let mut outcome = match Program::find(options.program.as_deref()) {
        Some(program) => {
            resolve::file(&program, &files, options.project.as_deref(), NO_DAEMON, timeout).await
        }
        None => Outcome::Unavailable(unavailable(Reason::Failed, program::MISSING.to_owned())),
    };
    Redactor::new(reveal_env).answer(&Request::ComposeFile, &mut outcome);
    Ok(outcome)
}

/// The name that compose gave the project, from the answer to
/// [`Request::ComposeFile`].
pub fn resolved_name(observation: &Observation) -> Option<String> {
    match &observation.outcome {
        Outcome::Present(file) => file["resolved"]["name"].as_str().map(str::to_owned),
        _ => None,
    }
}
