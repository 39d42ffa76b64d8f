//! Steps on a copy of the learner's compose project.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Span;

/// One thing done to the copy: `compose: {kill: queue}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum ComposeStep {
    /// Makes the copy and starts it, as `docker compose up --wait` does.
    Up(Up),
    /// SIGKILL to a service's containers.
    Kill(String),
    /// Stops a service's containers.
    Stop(String),
    /// Starts a service's stopped containers.
    Start(String),
    /// Restarts a service's containers.
    Restart(String),
    /// Waits until a service is up: running, and healthy if it has a check.
    Wait(WaitUp),
    /// Runs a program in a service's first container.
    Exec(Exec),
    /// Runs a service's health check where the service runs, and in a
    /// container of the same image where nothing runs.
    Healthcheck(String),
    /// Tries to put a file into a directory of a service's first container.
    Write(Write),
    /// Writes a file of the copied project.
    Edit(Edit),
    /// Counts the lines of a service's logs that contain a text.
    Logs(LogLines),
    /// Asks until an answer carries the nonce of the last edit as its version.
    Answered(Answered),
    /// Waits until a service's container is another one, or was started anew,
    /// since the last edit.
    Changed(WaitUp),
    /// Waits until `docker compose watch` has said nothing for a while, so that
    /// what the last edit made it do is done.
    Quiet(Quiet),
}

/// How the copy is started.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Up {
    /// How long it may take; running out is recorded, not an error.
    pub within: Span,
    /// Whether `docker compose watch` runs beside it from then on.
    #[serde(default)]
    pub watch: bool,
}

/// What is waited for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitUp {
    /// The service.
    pub service: String,
    /// How long at most; running out is recorded, not an error.
    pub within: Span,
}

/// Silence that is waited for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// How long nothing may be said, counted from the last edit or word.
    #[serde(rename = "for")]
    pub lasting: Span,
    /// How long at most; running out is recorded, not an error.
    pub within: Span,
}

/// A program, run without a shell.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exec {
    /// The service.
    pub service: String,
    /// Program and arguments; `{nonce}` is replaced.
    pub argv: Vec<String>,
    /// How long it may take.
    pub within: Span,
}

/// A file that should perhaps not be written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// The service.
    pub service: String,
    /// A directory in its container.
    pub path: String,
}

/// A change of a file on the host.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The file, relative to the project's directory.
    pub path: String,
    /// Its new text; `{nonce}` is replaced.
    pub with: Option<String>,
    /// Another file of the project whose bytes it gets.
    pub from: Option<String>,
}

/// An answer that is waited for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// URL as seen from a container on the project's network.
    pub http: String,
    /// How long at most; running out is recorded, not an error.
    pub within: Span,
}

/// Lines of a log.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogLines {
    /// The service.
    pub service: String,
    /// What the lines contain.
    pub contains: String,
}

impl ComposeStep {
    /// What validation refuses, in words.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        match self {
            Self::Edit(edit) if edit.with.is_some() == edit.from.is_some() => {
                Some("must have exactly one of `with` and `from`")
            }
            Self::Exec(exec) if exec.argv.is_empty() => Some("has nothing to run"),
            _ => None,
        }
    }
}
