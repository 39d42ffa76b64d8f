//! Turns requests into evidence, read-only: nothing here creates, changes or
//! deletes anything.
//!
//! [`Observer::connect`] reads the kubeconfig and finds the Docker daemon,
//! whichever the lab is about; [`Observer::look`] asks and never fails: what
//! could not be seen is an [`lab_spec::Outcome::Unavailable`].

mod clock;
pub mod compose;
mod connect;
pub mod docker;
mod file;
mod gauge;
mod get;
mod item;
mod kubeconfig;
mod list;
mod redact;
mod scrub;
mod single;
mod watch;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

pub use connect::{ConnectError, ca_sha256};
use futures::{StreamExt, stream};
use indexmap::{IndexMap, IndexSet};
use kube::Client;
use lab_spec::{
    Look, Observation, Outcome, Request,
    evidence::{self, Provenance, Reason, Unavailable},
};

use crate::{
    clock::{Clock, wall_ms},
    get::{Channel, unavailable},
    redact::Redactor,
};

/// Requests under way at once, each on its own connection. Nine LISTs of a
/// server on the same two cores take as long with one connection as with four:
/// handshakes cost what waiting saves. Over a network waiting costs more.
const CONNECTIONS: usize = 3;

/// Where to look and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether a cluster is looked at.
    pub cluster: bool,
    /// The compose project that is looked at, if one is.
    pub compose: Option<compose::Options>,
    /// The kubeconfig, if not the one kubectl would use.
    pub kubeconfig: Option<PathBuf>,
    /// The context, if not the current one.
    pub context: Option<String>,
    /// The namespace, if not the context's.
    pub namespace: Option<String>,
    /// The directory files are read in.
    pub files: PathBuf,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// Environment variables of containers whose values are kept.
    pub reveal_env: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cluster: true,
            compose: None,
            kubeconfig: None,
            context: None,
            namespace: None,
            files: PathBuf::from("."),
            request_timeout: Duration::from_secs(10),
            reveal_env: Vec::new(),
        }
    }
}

/// Why nothing can be looked at.
#[derive(Debug, thiserror::Error)]
pub enum Unreachable {
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] ConnectError),
    /// The compose project.
    #[error(transparent)]
    Compose(#[from] compose::ComposeError),
}

/// Looks at a cluster, a compose project, or both, and at one directory.
#[derive(Clone)]
pub struct Observer {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    connection: Option<connect::Connection>,
    project: Option<compose::Project>,
    clock: Clock,
    redactor: Redactor,
}

impl Observer {
    /// Reads the kubeconfig and builds a client, and finds the Docker daemon,
    /// whichever of them is asked for; the API server is not contacted.
    /// A credential plugin the kubeconfig names is run.
    ///
    /// # Errors
    ///
    /// If the kubeconfig is missing, broken, or lacks what the context needs;
    /// if no Docker daemon answers, or there are no compose files.
    pub async fn connect(options: Options) -> Result<Self, Unreachable> {
        let connection = if options.cluster { Some(connect::connect(&options).await?) } else { None };
        let project = match &options.compose {
            Some(compose) => Some(compose::Project::open(compose, options.request_timeout).await?),
            None => None,
        };
        let redactor = Redactor::new(&options.reveal_env);
        Ok(Self {
            inner: Arc::new(Inner { options, connection, project, clock: Clock::default(), redactor }),
        })
    }

    /// Name of the context in use; empty without a cluster.
    pub fn context(&self) -> &str {
        self.inner.connection.as_ref().map_or("", |connection| &connection.context)
    }

    /// URL of the API server, without user name and password; empty without a
    /// cluster.
    pub fn server(&self) -> &str {
        self.inner.connection.as_ref().map_or("", |connection| &connection.server)
    }

    /// The namespace asked for, or the context's, or `default`.
    pub fn namespace(&self) -> &str {
        self.inner.connection.as_ref().map_or("", |connection| &connection.namespace)
    }

    /// SHA-256, in hex, of the first certificate (DER) of the CA the kubeconfig
    /// gives for the server; empty if it gives none.
    pub fn ca_sha256(&self) -> String {
        self.inner.connection.as_ref().map(|connection| connection.ca_sha256.clone()).unwrap_or_default()
    }

    /// The client of the cluster, for what is not a look.
    pub fn client(&self) -> Option<Client> {
        Some(self.inner.connection.as_ref()?.client.clone())
    }

    /// The compose project as evidence names it, before compose was asked.
    pub fn project(&self) -> Option<evidence::Project> {
        let project = self.inner.project.as_ref()?;
        Some(evidence::Project {
            name: project.name.clone(),
            engine: project.engine.endpoint.host.clone(),
            context: project.engine.endpoint.why.clone(),
            files: project.files.shown(),
        })
    }

    /// The Docker daemon, for what is not a look.
    pub fn engine(&self) -> Option<&docker::Engine> {
        Some(&self.inner.project.as_ref()?.engine)
    }

    /// What `docker compose` is run as, where there is one.
    pub fn compose(&self) -> Option<&compose::Program> {
        self.inner.project.as_ref()?.program()
    }

    /// The compose files of the learner's project, and their directory.
    pub fn project_files(&self) -> Option<(&[PathBuf], &Path)> {
        let files = &self.inner.project.as_ref()?.files;
        Some((&files.paths, &files.directory))
    }

    /// Milliseconds since the first look, on the clock of all looks.
    pub fn at_ms(&self) -> u64 {
        self.inner.clock.at_ms()
    }

    /// Asks everything, several at once, and never fails.
    pub async fn look(&self, requests: &[Request]) -> Look {
        let inner = &*self.inner;
        let gap = inner.clock.start();
        let (at_ms, wall_ms) = (inner.clock.at_ms(), wall_ms());
        let channel = inner.channel();
        let requests: IndexSet<&Request> = requests.iter().collect();
        // Collected before they are streamed: a closure within the stream would
        // keep this future from being `Send`.
        let answers: Vec<_> =
            requests.iter().map(|request| inner.observe(channel.as_ref().ok(), request)).collect();
        let mut observations: IndexMap<String, Observation> =
            stream::iter(answers).buffered(CONNECTIONS).collect().await;
        // In the order of the requests, so that equality classes are numbered
        // the same whichever answer came first.
        for (request, observation) in requests.into_iter().zip(observations.values_mut()) {
            inner.redactor.answer(request, &mut observation.outcome);
        }
        Look { at_ms, wall_ms, gap, observations }
    }
}

impl Inner {
    /// The way to the cluster.
    ///
    /// # Errors
    /// There is none.
    fn channel(&self) -> Result<Channel<'_>, Unavailable> {
        let Self { options, connection, clock, .. } = self;
        let connection = connection.as_ref().ok_or_else(nobody)?;
        Ok(Channel::new(&connection.client, clock, &connection.server, options.request_timeout))
    }

    async fn observe(&self, channel: Option<&Channel<'_>>, request: &Request) -> (String, Observation) {
        let mut resource_version = None;
        let mut skew_ms = 0;
        let (asked, outcome) = match (request, channel, &self.project) {
            (Request::Context, ..) => (None, self.current_context()),
            (Request::File { path }, ..) => (None, file::read(&self.options.files, path)),
            (Request::ComposeFile | Request::Docker { .. }, _, Some(project)) => {
                project.answer(request).await
            }
            (request, Some(channel), _) => {
                let (path, outcome) = of_cluster(channel, request, &mut resource_version).await;
                skew_ms = self.clock.skew_ms();
                (path.map(|path| format!("GET {path}")), outcome)
            }
            _ => (None, Outcome::Unavailable(nobody())),
        };
        let provenance = Provenance {
            request: asked.unwrap_or_default(),
            resource_version,
            at_ms: self.clock.at_ms(),
            skew_ms,
        };
        (request.key(), Observation { outcome, provenance })
    }

    /// Reads the kubeconfig anew: the learner may have switched since.
    fn current_context(&self) -> Outcome {
        match kubeconfig::load(self.options.kubeconfig.as_deref()) {
            Ok(kubeconfig) => kubeconfig::current(&kubeconfig).map_or(Outcome::Absent, Outcome::Present),
            Err(ConnectError::Missing { .. }) => Outcome::Absent,
            // Not what the parser said: it may quote a key.
            Err(_) => Outcome::Unavailable(unavailable(
                Reason::Failed,
                "the kubeconfig can no longer be read".to_owned(),
            )),
        }
    }
}

/// What the API server answers to a request.
async fn of_cluster(
    channel: &Channel<'_>,
    request: &Request,
    resource_version: &mut Option<String>,
) -> (Option<String>, Outcome) {
    match request {
        Request::List { kind, namespace } => {
            let namespace = namespace.as_deref();
            let listed = list::list(channel, kind, namespace).await;
            *resource_version = listed.resource_version;
            (Some(list::first_page(kind, namespace)), listed.outcome)
        }
        Request::Logs { namespace, pod, container, tail, previous } => {
            let path = single::log_path(namespace, pod, container, *tail, *previous);
            let outcome = single::logs(channel, &path).await;
            (Some(path), outcome)
        }
        Request::Reach => (Some(single::REACH.to_owned()), single::reach(channel).await),
        Request::Version => (Some(single::VERSION.to_owned()), single::version(channel).await),
        Request::Kubelet { node, metric } => {
            (Some(single::metrics_path(node)), single::kubelet(channel, node, metric).await)
        }
        Request::Context | Request::File { .. } | Request::ComposeFile | Request::Docker { .. } => {
            (None, Outcome::Unavailable(nobody()))
        }
    }
}

/// The lab names no target that could answer.
fn nobody() -> Unavailable {
    unavailable(Reason::Failed, "this lab has no such system to ask".to_owned())
}
