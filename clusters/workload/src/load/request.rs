//! What is sent, and how.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode, Uri};
use serde::Deserialize;
use tokio::time::Instant;

use super::Connections;
use super::report::Sent;
use crate::client::{self, Connection, Failure};
use crate::net::Target;

const PLACEHOLDER: &str = "{nonce}";

/// The request before its nonce is known.
pub struct Template {
    target: Target,
    authority: HeaderValue,
    method: Method,
    /// Path and query.
    path: String,
    body: Option<String>,
    nonce: Option<String>,
    single: bool,
}

impl Template {
    /// Checks the URL once, so that no single request can be malformed.
    pub fn new(
        url: &str,
        method: Method,
        body: Option<String>,
        nonce: Option<String>,
        planned: u64,
    ) -> anyhow::Result<Self> {
        let expected = || format!("`--url`: expected `http://host[:port]/path`, found `{url}`");
        let uri: Uri = url.replace(PLACEHOLDER, "0").parse().with_context(expected)?;
        let authority = uri.authority().with_context(expected)?;
        if uri.scheme_str() != Some("http") {
            bail!("{}; only plain HTTP is spoken", expected());
        }
        let (_, after) = url.split_once("://").with_context(expected)?;
        let path = after.find(['/', '?']).map_or("/", |start| &after[start..]);
        let mut path = if path.starts_with('?') { format!("/{path}") } else { path.to_owned() };
        let placed = |text: &str| text.contains(PLACEHOLDER);
        if nonce.is_some() && !placed(&path) && !body.as_deref().is_some_and(placed) {
            let joint = if path.contains('?') { '&' } else { '?' };
            path = format!("{path}{joint}nonce={PLACEHOLDER}");
        }
        Ok(Self {
            target: Target::new(authority.host(), authority.port_u16().unwrap_or(80)),
            authority: HeaderValue::from_str(authority.as_str()).with_context(expected)?,
            method,
            path,
            body,
            nonce,
            single: planned == 1,
        })
    }

    fn nonce(&self, seq: u64) -> Option<String> {
        let nonce = self.nonce.as_ref()?;
        Some(if self.single { nonce.clone() } else { format!("{nonce}-{seq}") })
    }

    fn request(&self, nonce: &str, connections: Connections) -> anyhow::Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(self.path.replace(PLACEHOLDER, nonce))
            .header(HOST, self.authority.clone())
            .header(USER_AGENT, concat!("ms/", env!("CARGO_PKG_VERSION")));
        if connections == Connections::Fresh {
            // So that the server does not wait for another request.
            request = request.header(CONNECTION, "close");
        }
        if self.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = self.body.as_deref().unwrap_or_default();
        Ok(request.body(Full::from(body.replace(PLACEHOLDER, nonce)))?)
    }
}

/// What of an answer's body goes into the report.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Reply {
    /// Name of the pod that answered.
    pub pod: Option<String>,
    /// Version of its model.
    pub version: Option<String>,
    /// Digest of its model.
    pub digest: Option<String>,
    /// Proof over nonce, class and digest.
    pub proof: Option<String>,
    /// Predicted class.
    pub class: Option<String>,
}

/// Sends requests made from one template.
pub struct Sender {
    template: Template,
    connections: Connections,
    timeout: Duration,
    idle: Mutex<Vec<Connection>>,
}

impl Sender {
    /// A sender without connections.
    pub fn new(template: Template, connections: Connections, timeout: Duration) -> Self {
        Self { template, connections, timeout, idle: Mutex::new(Vec::new()) }
    }

    /// Sends request `seq`, which was due at `offset` after `start`.
    pub async fn send(&self, seq: u64, start: Instant, offset: Duration) -> Sent {
        let scheduled = start + offset;
        let lag = scheduled.elapsed();
        let nonce = self.template.nonce(seq);
        let exchange = self.exchange(nonce.as_deref().unwrap_or_default());
        let outcome =
            tokio::time::timeout(self.timeout, exchange).await.unwrap_or_else(|_| Err(Failure::timeout()));
        Sent::new(seq, offset, lag, scheduled.elapsed(), nonce, outcome)
    }

    async fn exchange(&self, nonce: &str) -> Result<(StatusCode, Reply), Failure> {
        let request = self
            .template
            .request(nonce, self.connections)
            .map_err(|why| Failure { kind: client::Kind::Local, detail: format!("{why:#}") })?;
        let mut connection = match self.take_idle() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let (status, body) = connection.exchange(request).await?;
        self.keep(connection);
        // Other servers answer with other things; then only the status counts.
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        let stream = self.template.target.connect().await?;
        if self.connections == Connections::Fresh {
            // Whoever closes first keeps the port for a minute, and finding a
            // free one among thousands in TIME_WAIT costs more than a request.
            // Closed by RST, after the whole answer, none is kept.
            let reset = stream.set_zero_linger();
            reset.map_err(|why| Failure { kind: client::Kind::Local, detail: why.to_string() })?;
        }
        Connection::new(stream).await
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // Connections known to be closed were never used for this request.
        std::iter::from_fn(|| idle.pop()).find(|connection| !connection.is_closed())
    }

    fn keep(&self, connection: Connection) {
        if self.connections == Connections::KeepAlive && !connection.is_closed() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(url: &str, body: Option<&str>, planned: u64) -> anyhow::Result<Template> {
        let nonce = Some("n".to_owned());
        Template::new(url, Method::POST, body.map(str::to_owned), nonce, planned)
    }

    fn path(url: &str, body: Option<&str>) -> String {
        let template = template(url, body, 2).expect("a template");
        let nonce = template.nonce(1).expect("a nonce");
        let request = template.request(&nonce, Connections::Fresh).expect("a request");
        request.uri().to_string()
    }

    #[test]
    fn nonce_goes_where_the_template_says() {
        assert_eq!(path("http://api", None), "/?nonce=n-1");
        assert_eq!(path("http://api/predict?x=1", None), "/predict?x=1&nonce=n-1");
        assert_eq!(path("http://api/{nonce}", None), "/n-1");
        assert_eq!(path("http://api/predict", Some("{nonce}")), "/predict");
        let single = template("http://api", None, 1).expect("a template");
        assert_eq!(single.nonce(0).as_deref(), Some("n"));
    }

    #[test]
    fn wrong_urls_are_refused_before_anything_is_sent() {
        for url in ["api", "https://api/", "http://", "ftp://api", "http://a b/"] {
            let why = template(url, None, 1).err().expect("an error").to_string();
            assert!(why.contains("http://host"), "{why}");
        }
    }
}
