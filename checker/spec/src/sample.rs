//! Samplers: what an experiment records beside its steps, and the records.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Span;

/// Kinds whose changes can be recorded.
pub const WATCHABLE: &[&str] = &["pods", "endpointslices", "deployments", "replicasets", "jobs"];

/// The highest rate of a load, in requests per second.
pub const HIGHEST_RATE: u32 = 5_000;

/// One thing recorded while the steps run: either requests (`http`) or the
/// changes of a kind of object (`watch`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sampler {
    /// URL as seen from where the requests are sent.
    pub http: Option<String>,
    /// Requests per second, whatever the answers (open loop).
    pub rate: Option<u32>,
    /// How connections are used; `fresh` unless said otherwise.
    pub connections: Option<Connections>,
    /// Whether each request carries a nonce; then an answer that does not
    /// prove it is a failure.
    #[serde(default)]
    pub nonce: bool,
    /// How long one answer may take; `5s` unless said otherwise.
    pub timeout: Option<Span>,
    /// Who sends: a pod of its own with these labels.
    pub from: Option<Sender>,
    /// Kind of objects, as in `pods` or `endpointslices`.
    pub watch: Option<String>,
    /// Label selector of the watched objects.
    pub labels: Option<String>,
    /// Service whose EndpointSlices are watched.
    pub service: Option<String>,
}

/// How a load uses connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Connections {
    /// One per request.
    Fresh,
    /// Kept and used again.
    Keepalive,
}

/// Who sends a load.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sender {
    /// Labels of the sending pod, for labs about network policies.
    pub labels: indexmap::IndexMap<String, String>,
}

/// What one sampler recorded.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Sample {
    /// Requests.
    Load(Box<Load>),
    /// Changes of objects.
    Watch(Watched),
    /// Our own means failed: nothing is known.
    Unavailable {
        /// Why, in words.
        why: String,
    },
}

/// Requests, by columns: request `n` was due at `start_ms + n * 1000 / rate`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// What was asked.
    pub url: String,
    /// Requests per second.
    pub rate: u32,
    /// Limit per request, in milliseconds.
    pub timeout_ms: u64,
    /// Whether answers had to prove a nonce.
    pub nonce: bool,
    /// When request 0 was due, in milliseconds after the first look.
    pub start_ms: f64,
    /// How far off that may be: the sender has a clock of its own.
    pub uncertainty_ms: f64,
    /// The 99th percentile of how late requests were sent, in milliseconds.
    pub lag_p99_ms: f64,
    /// The latest that a request was sent, in milliseconds.
    pub lag_max_ms: f64,
    /// The longest time in which no request was sent, in milliseconds: an
    /// outage shorter than this may have gone unseen.
    pub pause_max_ms: f64,
    /// The kinds of answers there were.
    pub answers: Vec<Answer>,
    /// The answer of each request, an index into `answers`.
    pub answer: Vec<u32>,
    /// From when each was due to its end, in tenths of a millisecond.
    pub latency: Vec<u32>,
}

/// A kind of answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// HTTP status; none without an answer.
    pub status: Option<u16>,
    /// The kind of failure, as in `refused`; none for a 2xx.
    pub error: Option<String>,
    /// The pod that answered, in its own words.
    pub pod: Option<String>,
    /// The version that answered.
    pub version: Option<String>,
    /// Whether it proved the nonce.
    pub proven: bool,
}

/// How the objects of one kind changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watched {
    /// When the first list was complete, in milliseconds after the first look.
    pub from_ms: u64,
    /// Whether changes may have gone unseen.
    pub gap: bool,
    /// The objects as first seen, then each change of state.
    pub changes: Vec<Changed>,
}

/// An object that came into a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    /// When that was heard of, in milliseconds after the first look.
    pub at_ms: u64,
    /// Kind and name, as in `pod/api-7d4b9`; an address of a Service is
    /// `endpoint/POD`.
    pub object: String,
    /// Of pods and endpoints `starting`, `ready`, `unready`, `terminating` or
    /// `gone`; of others what their status says.
    pub state: String,
}

/// What a sampler does.
#[derive(Clone, Copy, Debug)]
pub enum Sampling<'a> {
    /// Sends requests to this URL at this rate.
    Load(&'a str, u32),
    /// Watches this kind.
    Watch(&'a str),
}

impl Sampler {
    /// What it does; `None` if it says nothing or too much, which validation
    /// refuses.
    pub fn sampling(&self) -> Option<Sampling<'_>> {
        match (self.http.as_deref(), self.rate, self.watch.as_deref()) {
            (Some(url), Some(rate), None) => Some(Sampling::Load(url, rate)),
            (None, None, Some(kind)) => Some(Sampling::Watch(kind)),
            _ => None,
        }
    }

    /// How long one answer may take.
    pub fn patience(&self) -> Span {
        self.timeout.unwrap_or(Span::secs(5))
    }
}

impl Load {
    /// When request `seq` was due, in milliseconds after the first look.
    pub fn due_ms(&self, seq: usize) -> f64 {
        self.start_ms + seq as f64 * 1000.0 / f64::from(self.rate.max(1))
    }
}
