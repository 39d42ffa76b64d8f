//! Everything that talks to a Docker daemon.

pub mod archive;
mod exec;
pub mod images;
pub mod nodes;
pub mod workload;

use bollard::errors::Error;
use lab_observe::docker::{Engine, words};

pub use lab_observe::docker::Endpoint;

use crate::failure::Failure;

/// A daemon that has answered.
pub struct Docker {
    /// The API client, at a version both sides speak.
    pub client: bollard::Docker,
    /// Where the daemon was found.
    pub endpoint: Endpoint,
    /// Its version, as in `28.2.2`.
    pub version: String,
    /// Its architecture by Go's name, as in `amd64`.
    pub architecture: String,
    /// The newest API it speaks.
    pub api: String,
}

impl Docker {
    /// Finds the daemon and agrees on an API version with it.
    ///
    /// # Errors
    /// No daemon, no permission, no answer, or one that is too old; each with
    /// what to do.
    pub async fn connect() -> Result<Self, Failure> {
        let Engine { client, endpoint, version, architecture, api } = Engine::connect().await?;
        Ok(Self { client, endpoint, version, architecture, api })
    }

    /// Environment for programs that must talk to the same daemon as we do.
    pub fn environment(&self) -> (&'static str, &str) {
        ("DOCKER_HOST", &self.endpoint.host)
    }
}

/// A failed request to the daemon, named by what it was for.
pub fn failed(what: &str, error: &Error) -> Failure {
    Failure::unobservable(format!("Docker could not {what}: {}", words(error)))
}
