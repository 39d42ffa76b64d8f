//! `ms load`: an open-loop HTTP client.
//!
//! Requests start at fixed times whatever the answers, so a slow server
//! cannot slow the client down and hide its own latency. Latency counts from
//! the scheduled time. Nothing is ever sent twice.

mod report;
mod request;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::shutdown::Signals;
use crate::units;
use request::{Sender, Template};

/// Highest rate that is accepted, in requests per second.
const HIGHEST_RATE: f64 = 100_000.0;

/// Send requests at a fixed rate, whatever the answers, and report each.
///
/// Writes JSON lines: a header with the start, one line per request in the
/// order of completion, a summary. Failures are results: the exit code is 0
/// once the summary is written.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to ask, `http://host[:port]/path`. `{nonce}` is replaced by the
    /// request's nonce.
    #[arg(long, env = "MS_URL")]
    url: String,

    /// Requests per second.
    #[arg(long, env = "MS_RATE", value_parser = rate, default_value = "10")]
    rate: f64,

    /// How long to send.
    #[arg(long, env = "MS_DURATION", value_parser = units::duration, default_value = "10s")]
    duration: Duration,

    /// Send exactly this many requests instead of sending for a duration.
    #[arg(long, env = "MS_COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// Never send more requests than this, whatever rate and duration say.
    #[arg(long, env = "MS_MAX_REQUESTS", default_value = "100000")]
    max_requests: u64,

    /// A fresh connection (and name look-up) per request, or connections that
    /// are kept and used again.
    #[arg(long, env = "MS_CONNECTIONS", value_enum, default_value = "fresh")]
    connections: Connections,

    /// HTTP method.
    #[arg(long, env = "MS_METHOD", value_enum, ignore_case = true, default_value = "GET")]
    method: Method,

    /// Body of each request, sent as JSON. `{nonce}` is replaced as in the URL.
    #[arg(long, env = "MS_BODY")]
    body: Option<String>,

    /// Nonce of the request; of several, the nonces are `NONCE-0`, `NONCE-1`
    /// and so on. Sent as the query parameter `nonce` unless the URL or the
    /// body says `{nonce}`.
    #[arg(long, env = "MS_NONCE", value_parser = units::nonce)]
    nonce: Option<String>,

    /// Give up on a request after this long.
    #[arg(long, env = "MS_TIMEOUT", value_parser = units::duration, default_value = "5s", value_name = "DURATION")]
    timeout: Duration,

    /// How each request is written: `full`, an object, or `compact`, an array
    /// `[seq, lag_ms, status, error, latency_ms, pod, version, proven]`.
    #[arg(long, env = "MS_LINES", value_enum, default_value = "full")]
    lines: report::Lines,
}

/// How connections are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connections {
    /// One connection per request.
    Fresh,
    /// Idle connections are used again.
    KeepAlive,
}

/// HTTP methods that make sense here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[value(rename_all = "UPPER")]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    /// Ask.
    Get,
    /// Ask with a body.
    Post,
}

fn rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate| *rate > 0.0 && *rate <= HIGHEST_RATE)
        .ok_or_else(|| format!("expected requests per second, above 0 and at most {HIGHEST_RATE}"))
}

/// Sends the requests and writes the report.
pub fn run(args: Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(load(args))
}

/// Raises the limit of open files to what this process may have: each request
/// in flight holds a connection, and while a server hangs they pile up.
fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it is refused, requests fail as `local`, which says so.
    let _ = setrlimit(Resource::Nofile, limit);
}

async fn load(args: Args) -> anyhow::Result<()> {
    raise_limit();
    let wanted = args.count.unwrap_or_else(|| {
        // At least one: a run that sends nothing proves nothing.
        ((args.rate * args.duration.as_secs_f64()).round() as u64).max(1)
    });
    let planned = wanted.min(args.max_requests);
    let method = match args.method {
        Method::Get => hyper::Method::GET,
        Method::Post => hyper::Method::POST,
    };
    let template = Template::new(&args.url, method, args.body, args.nonce, planned)?;
    let sender = Arc::new(Sender::new(template, args.connections, args.timeout));
    let mut signals = Signals::install().context("cannot install signal handlers")?;

    let (results, received) = mpsc::unbounded_channel();
    let header = report::Header {
        start: crate::log::now(),
        url: args.url,
        method: args.method,
        rate: args.rate,
        planned,
        capped: planned < wanted,
        connections: args.connections,
        timeout_ms: args.timeout.as_millis(),
        prober: crate::log::POD.clone(),
    };
    let start = Instant::now();
    let writer = std::thread::spawn(move || report::write(&header, args.lines, received, start));

    let mut interrupted = false;
    for seq in 0..planned {
        let offset = Duration::from_secs_f64(seq as f64 / args.rate);
        tokio::select! {
            () = sleep_until(start + offset) => {}
            _ = signals.next() => {
                interrupted = true;
                break;
            }
        }
        if results.is_closed() {
            break;
        }
        let (sender, results) = (Arc::clone(&sender), results.clone());
        tokio::spawn(async move {
            let sent = sender.send(seq, start, offset).await;
            // Nobody reads any more: the writer has already failed.
            let _ = results.send(report::Event::Sent(Box::new(sent)));
        });
    }
    if interrupted {
        let _ = results.send(report::Event::Interrupted);
    }
    // The writer ends when the last request has reported.
    drop(results);
    tokio::task::spawn_blocking(move || writer.join())
        .await?
        .map_err(|_| anyhow::anyhow!("the writer of the report failed"))?
        .context("cannot write the report to stdout")
}
