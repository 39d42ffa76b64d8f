//! Everything that talks to a Docker daemon.

pub mod archive;
pub mod endpoint;
mod exec;
pub mod images;
pub mod nodes;
pub mod workload;

use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, errors::Error};

pub use endpoint::Endpoint;

use crate::failure::Failure;

/// The oldest API whose answers are relied on (Docker 20.10).
pub const OLDEST_API: (usize, usize) = (1, 41);
/// How long a daemon may take to say who it is.
const HELLO: Duration = Duration::from_secs(10);
/// How long a daemon may take to begin its answer to anything else, in
/// seconds; loading an image is the slowest.
const ANSWER_SECONDS: u64 = 120;

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
        let endpoint = endpoint::find()?;
        reachable(&endpoint)?;
        let client = open(&endpoint)?;
        let hello = async { client.negotiate_version().await };
        let client = match tokio::time::timeout(HELLO, hello).await {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => return Err(no_answer(&endpoint, &chain(&error))),
            Err(_) => return Err(silent(&endpoint)),
        };
        let about = client.version().await.map_err(|error| no_answer(&endpoint, &chain(&error)))?;
        let docker = Self {
            version: about.version.unwrap_or_default(),
            architecture: about.arch.unwrap_or_default(),
            api: about.api_version.unwrap_or_default(),
            client,
            endpoint,
        };
        let spoken = docker.client.client_version();
        if (spoken.major_version, spoken.minor_version) < OLDEST_API {
            return Err(Failure::unobservable(format!(
                "Docker {} speaks API {}, expected {}.{} or newer (Docker 20.10)",
                docker.version, docker.api, OLDEST_API.0, OLDEST_API.1
            ))
            .next("upgrade the Docker engine"));
        }
        Ok(docker)
    }

    /// Environment for programs that must talk to the same daemon as we do.
    pub fn environment(&self) -> (&'static str, &str) {
        ("DOCKER_HOST", &self.endpoint.host)
    }
}

fn open(endpoint: &Endpoint) -> Result<bollard::Docker, Failure> {
    let host = endpoint.host.as_str();
    let opened = match host.split("://").next() {
        #[cfg(unix)]
        Some("unix") => bollard::Docker::connect_with_unix(host, ANSWER_SECONDS, API_DEFAULT_VERSION),
        #[cfg(windows)]
        Some("npipe") => bollard::Docker::connect_with_named_pipe(host, ANSWER_SECONDS, API_DEFAULT_VERSION),
        Some("tcp" | "http") if std::env::var_os("DOCKER_TLS_VERIFY").is_none() => {
            bollard::Docker::connect_with_http(host, ANSWER_SECONDS, API_DEFAULT_VERSION)
        }
        _ => {
            return Err(Failure::usage(format!(
                "Docker at `{host}` ({}) cannot be used: expected unix://, npipe:// or tcp:// without TLS",
                endpoint.why
            ))
            .next("use a daemon of this machine: unset DOCKER_HOST, `docker context use default`"));
        }
    };
    opened.map_err(|error| no_answer(endpoint, &error.to_string()))
}

/// Connects once by hand, because the errors of a socket are clearer than
/// those of the HTTP client above it.
#[cfg(unix)]
fn reachable(endpoint: &Endpoint) -> Result<(), Failure> {
    use std::{io::ErrorKind, os::unix::net::UnixStream};

    let Some(path) = endpoint.host.strip_prefix("unix://") else { return Ok(()) };
    let Err(error) = UnixStream::connect(path) else { return Ok(()) };
    Err(match error.kind() {
        ErrorKind::PermissionDenied => {
            Failure::unobservable(format!("no permission to use Docker at `{path}` ({})", endpoint.why))
                .next("`sudo usermod -aG docker $USER`, then log in again")
        }
        ErrorKind::NotFound => {
            Failure::unobservable(format!("no Docker daemon: `{path}` ({}) does not exist", endpoint.why))
                .next(START)
        }
        ErrorKind::ConnectionRefused => {
            Failure::unobservable(format!("no Docker daemon: nobody listens at `{path}` ({})", endpoint.why))
                .next(START)
        }
        _ => no_answer(endpoint, &error.to_string()),
    })
}

#[cfg(windows)]
fn reachable(_endpoint: &Endpoint) -> Result<(), Failure> {
    Ok(())
}

const START: &str = "start Docker: `sudo systemctl start docker`, Docker Desktop, or in a checkout \
                     `clusters/offline/dockerd start`; `labcheck doctor` looks at everything else";

fn no_answer(endpoint: &Endpoint, reason: &str) -> Failure {
    Failure::unobservable(format!(
        "Docker at `{}` ({}) does not answer: {reason}",
        endpoint.host, endpoint.why
    ))
    .next(START)
}

fn silent(endpoint: &Endpoint) -> Failure {
    Failure::unobservable(format!(
        "Docker at `{}` ({}) took the connection and did not answer within {} s",
        endpoint.host,
        endpoint.why,
        HELLO.as_secs()
    ))
    .next("restart it: `sudo systemctl restart docker`, or quit and start Docker Desktop")
}

/// An error with its causes, each of which says more than the one before.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

/// A failed request to the daemon, named by what it was for.
pub fn failed(what: &str, error: &Error) -> Failure {
    let reason = match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        Error::RequestTimeoutError => format!("no answer within {ANSWER_SECONDS} s"),
        other => chain(other),
    };
    Failure::unobservable(format!("Docker could not {what}: {}", reason.trim()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::{Endpoint, reachable};

    fn endpoint(path: &std::path::Path) -> Endpoint {
        Endpoint { host: format!("unix://{}", path.display()), why: "a test".to_owned() }
    }

    #[test]
    fn a_missing_and_an_abandoned_socket_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("docker.sock");
        let error = reachable(&endpoint(&path)).unwrap_err();
        assert!(error.to_string().contains("does not exist"), "{error}");
        assert_eq!(error.exit_code(), 3);
        let listener = UnixListener::bind(&path).unwrap();
        assert!(reachable(&endpoint(&path)).is_ok());
        drop(listener);
        let error = reachable(&endpoint(&path)).unwrap_err();
        assert!(error.to_string().contains("nobody listens"), "{error}");
    }
}
