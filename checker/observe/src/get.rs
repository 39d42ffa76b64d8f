//! One GET: sent, timed, bounded, and its failures told apart.

use std::{
    error::Error as StdError,
    io,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use kube::{Client, client::Body};
use lab_spec::evidence::{Reason, Unavailable};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::clock::{Clock, wall_ms};

/// An answer of the API server, whatever its status.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

/// The way to the server, as found during one look.
pub(crate) struct Channel<'a> {
    pub(crate) client: &'a Client,
    pub(crate) clock: &'a Clock,
    pub(crate) server: &'a str,
    pub(crate) timeout: Duration,
    answered: AtomicBool,
    down: OnceLock<Unavailable>,
}

impl<'a> Channel<'a> {
    pub(crate) fn new(client: &'a Client, clock: &'a Clock, server: &'a str, timeout: Duration) -> Self {
        Self { client, clock, server, timeout, answered: AtomicBool::new(false), down: OnceLock::new() }
    }

    /// Sends a GET and reads at most `cap` bytes of the answer.
    pub(crate) async fn get(&self, path: &str, cap: usize) -> Result<Answer, Unavailable> {
        // Where the first requests of a look found nobody, the others do not
        // wait for nobody as well.
        if let Some(down) = self.down.get() {
            return Err(down.clone());
        }
        let read = async {
            let response = self.send(path).await?;
            let status = response.status();
            Ok(Answer { status, body: read(response.into_body(), cap).await? })
        };
        let result = tokio::time::timeout(self.timeout, read).await.unwrap_or_else(|_| Err(self.timed_out()));
        match &result {
            Ok(_) => self.answered.store(true, Ordering::Relaxed),
            Err(failure) => {
                let no_way = matches!(failure.reason, Reason::Unreachable | Reason::Tls | Reason::Timeout);
                if no_way && !self.answered.load(Ordering::Relaxed) {
                    // Losing the race to another request's failure is fine.
                    let _ = self.down.set(failure.clone());
                }
            }
        }
        result
    }

    /// Sends a GET; the answer's head is there, its body is still to come.
    pub(crate) async fn send(&self, path: &str) -> Result<Response<Body>, Unavailable> {
        let request = Request::get(path)
            .header(header::ACCEPT, "application/json")
            .body(Body::empty())
            .map_err(|error| unavailable(Reason::Failed, format!("`{path}` is no request: {error}")))?;
        let sent = wall_ms();
        let response = self.client.send(request).await.map_err(|error| self.channel_failure(&error))?;
        if let Some(date) = response.headers().get(header::DATE).and_then(|date| date.to_str().ok()) {
            self.clock.observe_date(date, sent, wall_ms());
        }
        Ok(response)
    }

    pub(crate) fn timed_out(&self) -> Unavailable {
        let message = format!("`{}` did not answer within {} s", self.server, self.timeout.as_secs_f32());
        unavailable(Reason::Timeout, message)
    }

    fn channel_failure(&self, error: &kube::Error) -> Unavailable {
        if let kube::Error::Auth(_) = error {
            // The plugin's output may be a token: it is not repeated.
            return unavailable(
                Reason::Failed,
                "the kubeconfig's credential plugin gave no credentials".into(),
            );
        }
        let (reason, said) = root_cause(error);
        let reason = reason.unwrap_or(Reason::Unreachable);
        let server = self.server;
        let message = match reason {
            Reason::Tls => format!("no TLS connection to `{server}`: {said}"),
            Reason::Timeout => return self.timed_out(),
            _ => format!("no connection to `{server}`: {said}"),
        };
        unavailable(reason, message)
    }
}

pub(crate) async fn read(mut body: Body, cap: usize) -> Result<Vec<u8>, Unavailable> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let (reason, said) = root_cause(&error);
            let reason = if reason == Some(Reason::Timeout) { Reason::Timeout } else { Reason::Truncated };
            unavailable(reason, format!("the answer was cut off: {said}"))
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > cap {
            return Err(too_large(cap));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

pub(crate) fn too_large(cap: usize) -> Unavailable {
    unavailable(Reason::Truncated, format!("the answer is larger than {} KiB", cap / 1024))
}

/// The innermost error: what kind of failure it is, if it says, and its words.
fn root_cause(error: &(dyn StdError + 'static)) -> (Option<Reason>, String) {
    let mut error = error;
    loop {
        if error.is::<rustls::Error>() {
            return (Some(Reason::Tls), error.to_string());
        }
        // An io::Error around another error names that one's source as its own.
        let io = error.downcast_ref::<io::Error>();
        let inner = match io.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
        match inner {
            Some(inner) => error = inner,
            None => {
                let timed_out = io.is_some_and(|io| io.kind() == io::ErrorKind::TimedOut);
                return (timed_out.then_some(Reason::Timeout), error.to_string());
            }
        }
    }
}

/// What an answer that is no success says about the channel.
pub(crate) fn refused(answer: &Answer) -> Unavailable {
    let reason = match answer.status.as_u16() {
        401 => Reason::Unauthorized,
        403 => Reason::Forbidden,
        408 | 504 => Reason::Timeout,
        _ => Reason::Failed,
    };
    let code = answer.status.as_u16();
    let said = status_message(&answer.body);
    unavailable(reason, if said.is_empty() { format!("HTTP {code}") } else { format!("HTTP {code}: {said}") })
}

/// The `message` of a Status, or the first line of the text.
pub(crate) fn status_message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Status {
        message: String,
    }
    let said = match serde_json::from_slice::<Status>(body) {
        Ok(status) => status.message,
        Err(_) => {
            String::from_utf8_lossy(&body[..body.len().min(300)]).lines().next().unwrap_or("").to_owned()
        }
    };
    crate::scrub::scrub_text(&said.chars().take(300).collect::<String>())
}

pub(crate) fn unavailable(reason: Reason, message: String) -> Unavailable {
    Unavailable { reason, message }
}

/// What may stand unescaped in a path segment or a query value.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A name as one segment of a path, or as a query value.
pub(crate) fn encoded(name: &str) -> String {
    utf8_percent_encode(name, PLAIN).to_string()
}
