//! The report: JSON lines on stdout.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

use clap::ValueEnum;
use hyper::StatusCode;
use serde::Serialize;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::time::Instant;

use super::request::Reply;
use super::{Connections, Method};
use crate::client::{Failure, Kind};
use crate::proof;

/// First line.
#[derive(Serialize)]
pub struct Header {
    /// RFC 3339 time that all offsets count from.
    pub start: String,
    /// What is asked.
    pub url: String,
    /// HTTP method.
    pub method: Method,
    /// Requests per second.
    pub rate: f64,
    /// How many requests are planned.
    pub planned: u64,
    /// Whether `--max-requests` cut the plan.
    pub capped: bool,
    /// How connections are used.
    pub connections: Connections,
    /// Limit per request.
    pub timeout_ms: u128,
    /// Name of the pod that sends.
    pub prober: String,
}

/// One line per request.
#[derive(Serialize)]
pub struct Sent {
    seq: u64,
    /// Scheduled offset from the start.
    at_ms: f64,
    /// How late the request started.
    lag_ms: f64,
    status: Option<u16>,
    error: Option<Kind>,
    /// From the scheduled time to the end.
    latency_ms: f64,
    pod: Option<String>,
    version: Option<String>,
    nonce: Option<String>,
    proof: Option<String>,
    class: Option<String>,
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// How a request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lines {
    /// An object with all that is known.
    Full,
    /// An array, `[seq, lag_ms, status, error, latency_ms, pod, version,
    /// proven]`: tens of thousands of requests fit into a container's log
    /// before it is rotated.
    Compact,
}

/// How a request failed; what failed on this side is said in full.
#[derive(Serialize)]
#[serde(untagged)]
enum Failed<'a> {
    There(Kind),
    Here { local: &'a str },
}

/// A request as an array; see [`Lines::Compact`].
#[derive(Serialize)]
struct Compact<'a>(
    u64,
    f64,
    Option<u16>,
    Option<Failed<'a>>,
    f64,
    Option<&'a str>,
    Option<&'a str>,
    /// Whether nonce, class and digest give the proof of the answer.
    bool,
);

impl Sent {
    fn compact(&self) -> Compact<'_> {
        let proven = match (&self.nonce, &self.class, &self.digest, &self.proof) {
            (Some(nonce), Some(class), Some(digest), Some(proof)) => {
                *proof == proof::of(nonce, class, digest)
            }
            _ => false,
        };
        let error = self.error.map(|kind| match (kind, &self.detail) {
            (Kind::Local, Some(detail)) => Failed::Here { local: detail },
            _ => Failed::There(kind),
        });
        let (pod, version) = (self.pod.as_deref(), self.version.as_deref());
        Compact(self.seq, self.lag_ms, self.status, error, self.latency_ms, pod, version, proven)
    }

    /// The line of one finished request.
    pub fn new(
        seq: u64,
        offset: Duration,
        lag: Duration,
        latency: Duration,
        nonce: Option<String>,
        outcome: Result<(StatusCode, Reply), Failure>,
    ) -> Self {
        let (status, error, detail, reply) = match outcome {
            Ok((status, reply)) => {
                let error = (!status.is_success()).then_some(Kind::Status);
                (Some(status.as_u16()), error, None, reply)
            }
            Err(failure) => (None, Some(failure.kind), Some(failure.detail), Reply::default()),
        };
        Self {
            seq,
            at_ms: millis(offset),
            lag_ms: millis(lag),
            status,
            error,
            latency_ms: millis(latency),
            pod: reply.pod,
            version: reply.version,
            nonce,
            proof: reply.proof,
            class: reply.class,
            digest: reply.digest,
            detail,
        }
    }
}

/// Last line.
#[derive(Debug, Default, Serialize)]
struct Summary {
    sent: u64,
    ok: u64,
    failed: u64,
    /// Failures by kind.
    errors: BTreeMap<Kind, u64>,
    /// Of the requests that got an answer; null without any.
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    lag_p99_ms: Option<f64>,
    lag_max_ms: Option<f64>,
    elapsed_ms: f64,
    interrupted: bool,
}

/// What reaches the writer.
pub enum Event {
    /// A request is finished.
    Sent(Box<Sent>),
    /// A signal stopped the schedule.
    Interrupted,
}

/// Milliseconds with three decimals.
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

/// Nearest-rank quantile of sorted values.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// Hundreds of writes a second would cost the node's log keepers more than the
/// requests themselves: compact lines are written in batches.
const BATCH: Duration = Duration::from_millis(50);

/// Writes header, lines and summary. Lines are flushed whenever nothing more
/// is waiting, so that a reader sees them at once; compact ones wait a little.
pub fn write(
    header: &Header,
    lines: Lines,
    mut events: UnboundedReceiver<Event>,
    start: Instant,
) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout());
    line(&mut out, header)?;
    let mut summary = Summary::default();
    let (mut latencies, mut lags) = (Vec::new(), Vec::new());
    loop {
        let event = match events.try_recv() {
            Ok(event) => event,
            Err(TryRecvError::Disconnected) => break,
            Err(TryRecvError::Empty) => {
                out.flush()?;
                if lines == Lines::Compact {
                    std::thread::sleep(BATCH);
                    if !events.is_empty() {
                        continue;
                    }
                }
                match events.blocking_recv() {
                    Some(event) => event,
                    None => break,
                }
            }
        };
        let Event::Sent(sent) = event else {
            summary.interrupted = true;
            continue;
        };
        summary.sent += 1;
        match sent.error {
            None => summary.ok += 1,
            Some(kind) => {
                summary.failed += 1;
                *summary.errors.entry(kind).or_default() += 1;
            }
        }
        if sent.status.is_some() {
            latencies.push(sent.latency_ms);
        }
        lags.push(sent.lag_ms);
        match lines {
            Lines::Full => line(&mut out, &sent)?,
            Lines::Compact => line(&mut out, &sent.compact())?,
        }
    }
    latencies.sort_by(f64::total_cmp);
    lags.sort_by(f64::total_cmp);
    summary.p50_ms = quantile(&latencies, 0.5);
    summary.p99_ms = quantile(&latencies, 0.99);
    summary.lag_p99_ms = quantile(&lags, 0.99);
    summary.lag_max_ms = lags.last().copied();
    summary.elapsed_ms = millis(start.elapsed());
    line(&mut out, &summary)?;
    out.flush()
}

fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let sorted: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(quantile(&sorted, 0.5), Some(50.0));
        assert_eq!(quantile(&sorted, 0.99), Some(99.0));
        assert_eq!(quantile(&[7.0], 0.99), Some(7.0));
        assert_eq!(quantile(&[], 0.99), None);
    }
}
