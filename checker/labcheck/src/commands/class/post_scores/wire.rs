//! One request at a time to a platform: no redirects, an end to every wait, and
//! a bound on what is read.

use std::{error::Error, time::Duration};

use http::{HeaderMap, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::time::{Instant, timeout_at};

/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 64 << 10;
/// Characters of a platform's words that are shown.
const SHOWN: usize = 200;

/// The way to a platform.
pub struct Wire {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    limit: Duration,
}

/// What came back.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// What it says.
    pub body: Body,
}

/// What an answer says.
pub enum Body {
    /// All of it.
    Whole(Bytes),
    /// More than is read.
    TooLong,
    /// It did not end in time, or not well.
    Broken,
}

impl Wire {
    /// A way on which a request takes at most this long, its answer included.
    ///
    /// # Errors
    /// A machine that trusts nobody.
    pub fn new(limit: Duration) -> Result<Self, String> {
        let tls =
            rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .and_then(|builder| builder.with_platform_verifier())
                .map_err(|error| {
                    format!("the certificates that this machine trusts cannot be read: {error}")
                })?
                .with_no_client_auth();
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), limit })
    }

    /// Sends a request.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn send(&self, request: Request<String>) -> Result<Answer, String> {
        let until = Instant::now() + self.limit;
        let seconds = self.limit.as_secs_f64();
        let response = match timeout_at(until, self.client.request(request.map(Full::from))).await {
            Err(_) => return Err(format!("did not answer within {seconds} s")),
            Ok(Err(error)) => return Err(format!("cannot be reached: {}", root(&error))),
            Ok(Ok(response)) => response,
        };
        let (parts, body) = response.into_parts();
        let body = match timeout_at(until, Limited::new(body, MAX_ANSWER).collect()).await {
            Ok(Ok(body)) => Body::Whole(body.to_bytes()),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Body::TooLong,
            _ => Body::Broken,
        };
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}

impl Answer {
    /// What it says, in words for people; the secret is not among them, even
    /// where the platform sends it back.
    pub fn says(&self, secret: &str) -> String {
        let status = self.status.as_u16();
        if let Some(location) = self.headers.get(header::LOCATION).filter(|_| self.status.is_redirection()) {
            let to = shown(&String::from_utf8_lossy(location.as_bytes()), secret);
            return format!("answers {status} and sends us to `{to}`; redirects are not followed");
        }
        match &self.body {
            Body::Whole(bytes) if bytes.is_empty() => format!("answers {status}"),
            Body::Whole(bytes) => {
                format!("answers {status}: {}", shown(&String::from_utf8_lossy(bytes), secret))
            }
            Body::TooLong => format!("answers {status} with more than {} KiB", MAX_ANSWER >> 10),
            Body::Broken => format!("answers {status}, and its answer does not end"),
        }
    }

    /// How long it asks us to wait, where it says so in seconds.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(header::RETRY_AFTER)?.to_str().ok()?;
        text.trim().parse().ok().map(Duration::from_secs)
    }
}

/// A platform's words on one line, without what acts on a terminal.
fn shown(text: &str, secret: &str) -> String {
    let text = if secret.is_empty() { text.to_owned() } else { text.replace(secret, "(secret)") };
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    lab_render::line(short.trim()).into_owned()
}

/// The innermost error: what is around it only says that a request failed.
fn root(error: &dyn Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    lab_render::line(&inner.to_string()).into_owned()
}

/// An address that secrets may be sent to: https, or this machine itself.
///
/// # Errors
/// Why it is none, in words that follow the option's name.
pub fn address(text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|_| "expected an address, as in `https://host/path`".to_owned())?;
    let authority = uri.authority().ok_or("expected a whole address, as in `https://host/path`")?;
    if authority.as_str().contains('@') {
        return Err("an address holds no user or password".to_owned());
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let here =
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if here => Ok(uri),
        _ => Err("expected `https`; only this machine itself is reached without".to_owned()),
    }
}
