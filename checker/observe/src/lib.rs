//! Turns requests into evidence, read-only: nothing here creates, changes or
//! deletes anything.
//!
//! [`Observer::connect`] reads the kubeconfig, [`Observer::look`] asks and
//! never fails: what could not be seen is an [`lab_spec::Outcome::Unavailable`].

mod clock;
mod connect;
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

use std::{path::PathBuf, sync::Arc, time::Duration};

pub use connect::{ConnectError, ca_sha256};
use futures::{StreamExt, stream};
use indexmap::{IndexMap, IndexSet};
use kube::Client;
use lab_spec::{
    Look, Observation, Outcome, Request,
    evidence::{Provenance, Reason},
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
            kubeconfig: None,
            context: None,
            namespace: None,
            files: PathBuf::from("."),
            request_timeout: Duration::from_secs(10),
            reveal_env: Vec::new(),
        }
    }
}

/// Looks at one cluster and one directory.
#[derive(Clone)]
pub struct Observer {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    connection: connect::Connection,
    clock: Clock,
    redactor: Redactor,
}

impl Observer {
    /// Reads the kubeconfig and builds a client; the server is not contacted.
    /// A credential plugin the kubeconfig names is run.
    ///
    /// # Errors
    ///
    /// If the kubeconfig is missing, broken, or lacks what the context needs.
    pub async fn connect(options: Options) -> Result<Self, ConnectError> {
        let connection = connect::connect(&options).await?;
        let redactor = Redactor::new(&options.reveal_env);
        Ok(Self { inner: Arc::new(Inner { options, connection, clock: Clock::default(), redactor }) })
    }

    /// Name of the context in use.
    pub fn context(&self) -> &str {
        &self.inner.connection.context
    }

    /// URL of the API server, without user name and password.
    pub fn server(&self) -> &str {
        &self.inner.connection.server
    }

    /// The namespace asked for, or the context's, or `default`.
    pub fn namespace(&self) -> &str {
        &self.inner.connection.namespace
    }

    /// SHA-256, in hex, of the first certificate (DER) of the CA the kubeconfig
    /// gives for the server; empty if it gives none.
    pub fn ca_sha256(&self) -> String {
        self.inner.connection.ca_sha256.clone()
    }

    /// The client, for what is not a look.
    pub fn client(&self) -> Client {
        self.inner.connection.client.clone()
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
        let answers: Vec<_> = requests.into_iter().map(|request| inner.observe(&channel, request)).collect();
        let mut observations: IndexMap<String, Observation> =
            stream::iter(answers).buffered(CONNECTIONS).collect().await;
        // In the order of the requests, so that equality classes are numbered
        // the same whichever answer came first.
        for observation in observations.values_mut() {
            inner.redactor.outcome(&mut observation.outcome);
        }
        Look { at_ms, wall_ms, gap, observations }
    }
}

impl Inner {
    fn channel(&self) -> Channel<'_> {
        let Self { options, connection, clock, .. } = self;
        Channel::new(&connection.client, clock, &connection.server, options.request_timeout)
    }

    async fn observe(&self, channel: &Channel<'_>, request: &Request) -> (String, Observation) {
        let mut resource_version = None;
        let (path, outcome) = match request {
            Request::List { kind, namespace } => {
                let namespace = namespace.as_deref();
                let listed = list::list(channel, kind, namespace).await;
                resource_version = listed.resource_version;
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
            Request::Context => (None, self.current_context()),
            Request::File { path } => (None, file::read(&self.options.files, path)),
        };
        let provenance = Provenance {
            request: path.map(|path| format!("GET {path}")).unwrap_or_default(),
            resource_version,
            at_ms: self.clock.at_ms(),
            skew_ms: self.clock.skew_ms(),
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
