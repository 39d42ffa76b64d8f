//! The way to a Docker daemon: where it listens, and a first word with it.

mod endpoint;

use std::time::Duration;

use bollard::API_DEFAULT_VERSION;

pub use endpoint::{Endpoint, find};

/// The oldest API whose answers are relied on (Docker 20.10).
pub const OLDEST_API: (usize, usize) = (1, 41);
/// How long a daemon may take to say who it is.
const HELLO: Duration = Duration::from_secs(10);
/// How long a daemon may take to begin its answer to anything else, in
/// seconds; loading an image is the slowest.
pub const ANSWER_SECONDS: u64 = 120;

/// Why there is no daemon to ask, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct DockerError {
    what: String,
    next: String,
    usage: bool,
}

impl DockerError {
    fn new(what: String, next: impl Into<String>) -> Self {
        Self { what, next: next.into(), usage: false }
    }

    /// The next step for the user.
    pub fn next_step(&self) -> &str {
        &self.next
    }

    /// Whether the user asked for what cannot be, rather than the daemon
    /// being away.
    pub fn is_usage(&self) -> bool {
        self.usage
    }
}

/// A daemon that has answered.
#[derive(Clone)]
pub struct Engine {
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

impl Engine {
    /// Finds the daemon and agrees on an API version with it.
    ///
    /// # Errors
    /// No daemon, no permission, no answer, or one that is too old; each with
    /// what to do.
    pub async fn connect() -> Result<Self, DockerError> {
        let endpoint = find()?;
        reachable(&endpoint)?;
        let client = open(&endpoint)?;
        // Side by side: before it says who it is, a daemon asks its runtimes.
        let hello = async { tokio::try_join!(client.clone().negotiate_version(), client.version()) };
        let (client, about) = match tokio::time::timeout(HELLO, hello).await {
            Ok(Ok(answers)) => answers,
            Ok(Err(error)) => return Err(no_answer(&endpoint, &chain(&error))),
            Err(_) => return Err(silent(&endpoint)),
        };
        let (api, version) = (about.api_version.unwrap_or_default(), about.version.unwrap_or_default());
        let spoken = client.client_version();
        if (spoken.major_version, spoken.minor_version) < OLDEST_API {
            let what = format!(
                "Docker {version} speaks API {api}, expected {}.{} or newer (Docker 20.10)",
                OLDEST_API.0, OLDEST_API.1
            );
            return Err(DockerError::new(what, "upgrade the Docker engine"));
        }
        Ok(Self { client, endpoint, version, architecture: about.arch.unwrap_or_default(), api })
    }
}

fn open(endpoint: &Endpoint) -> Result<bollard::Docker, DockerError> {
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
            return Err(DockerError {
                what: format!(
                    "Docker at `{host}` ({}) cannot be used: expected unix://, npipe:// or tcp:// without TLS",
                    endpoint.why
                ),
                next: "use a daemon of this machine: unset DOCKER_HOST, `docker context use default`"
                    .to_owned(),
                usage: true,
            });
        }
    };
    opened.map_err(|error| no_answer(endpoint, &error.to_string()))
}

/// Connects once by hand, because the errors of a socket are clearer than
/// those of the HTTP client above it.
#[cfg(unix)]
fn reachable(endpoint: &Endpoint) -> Result<(), DockerError> {
    use std::{io::ErrorKind, os::unix::net::UnixStream};

    let Some(path) = endpoint.host.strip_prefix("unix://") else { return Ok(()) };
    let Err(error) = UnixStream::connect(path) else { return Ok(()) };
    Err(match error.kind() {
        ErrorKind::PermissionDenied => DockerError::new(
            format!("no permission to use Docker at `{path}` ({})", endpoint.why),
            "`sudo usermod -aG docker $USER`, then log in again",
        ),
        ErrorKind::NotFound => {
            DockerError::new(format!("no Docker daemon: `{path}` ({}) does not exist", endpoint.why), START)
        }
        ErrorKind::ConnectionRefused => DockerError::new(
            format!("no Docker daemon: nobody listens at `{path}` ({})", endpoint.why),
            START,
        ),
        _ => no_answer(endpoint, &error.to_string()),
    })
}

#[cfg(windows)]
fn reachable(_endpoint: &Endpoint) -> Result<(), DockerError> {
    Ok(())
}

const START: &str = "start Docker: `sudo systemctl start docker`, Docker Desktop, or in a checkout \
                     `clusters/offline/dockerd start`; `labcheck doctor` looks at everything else";

fn no_answer(endpoint: &Endpoint, reason: &str) -> DockerError {
    let what = format!("Docker at `{}` ({}) does not answer: {reason}", endpoint.host, endpoint.why);
    DockerError::new(what, START)
}

fn silent(endpoint: &Endpoint) -> DockerError {
    DockerError::new(
        format!(
            "Docker at `{}` ({}) took the connection and did not answer within {} s",
            endpoint.host,
            endpoint.why,
            HELLO.as_secs()
        ),
        "restart it: `sudo systemctl restart docker`, or quit and start Docker Desktop",
    )
}

/// What a request to the daemon failed of, in its own words.
pub fn words(error: &bollard::errors::Error) -> String {
    use bollard::errors::Error;

    let reason = match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        Error::RequestTimeoutError => format!("no answer within {ANSWER_SECONDS} s"),
        other => chain(other),
    };
    reason.trim().to_owned()
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
        let listener = UnixListener::bind(&path).unwrap();
        assert!(reachable(&endpoint(&path)).is_ok());
        drop(listener);
        let error = reachable(&endpoint(&path)).unwrap_err();
        assert!(error.to_string().contains("nobody listens"), "{error}");
    }
}
