//! `ms serve`: the model server.

mod answer;
mod faults;
mod label;
mod metrics;
mod predict;
mod routes;
mod state;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::log::{self, Level};
use crate::model::{Model, Version};
use crate::shutdown::Signals;
use crate::units;
use label::{Label, Reload};
use state::State;

/// Pause after the kernel refused to accept, when it has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A client that sends half a request may hold its connection this long.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// Train the model and serve predictions over HTTP/1.1.
///
/// Routes: `POST /predict` with JSON, `GET /predict`, `/healthz`, `/readyz`,
/// `/startupz`, `/metrics`, `/version`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address to listen on; port 0 takes a free one and logs it.
    #[arg(long, env = "MS_LISTEN", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,

    /// Version of the model.
    #[arg(long, env = "MS_VERSION", value_enum, default_value = "v1")]
    model_version: Version,

    /// File of weights to load, instead of training when it starts.
    #[arg(long, env = "MODEL_PATH", value_name = "FILE")]
    weights: Option<PathBuf>,

    /// File whose first line answers carry as their version, in place of the
    /// model's.
    #[arg(long, env = "MS_VERSION_FILE", value_name = "FILE")]
    version_file: Option<PathBuf>,

    /// When that file is read.
    #[arg(long, env = "MS_VERSION_RELOAD", value_enum, default_value = "start")]
    version_reload: Reload,

    /// Name of the node, carried in every answer.
    #[arg(long, env = "MS_NODE")]
    node: Option<String>,

    /// After SIGTERM keep accepting and serving for this long, with `/readyz`
    /// at 503, before the listener closes. 0s closes it at once.
    #[arg(long, env = "MS_DRAIN", value_parser = units::duration, default_value = "0s", value_name = "DURATION")]
    drain: Duration,

    /// Once the listener is closed, let requests in flight finish for at most
    /// this long. 0s drops them.
    #[arg(long, env = "MS_FINISH", value_parser = units::duration, default_value = "30s", value_name = "DURATION")]
    finish: Duration,

    #[command(flatten)]
    faults: faults::Faults,
}

/// Runs the server until SIGTERM or SIGINT.
pub fn run(args: Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let outcome = runtime.block_on(serve(args));
    // What was not in time to finish is dropped, not waited for.
    runtime.shutdown_background();
    outcome
}

async fn serve(args: Args) -> anyhow::Result<()> {
    let mut signals = Signals::install().context("cannot install signal handlers")?;
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on `{}`", args.listen))?;
    let address = listener.local_addr().context("listener has no address")?;
    let version = args.model_version.name();
    log::write(Level::Info, "listening", json!({"address": address.to_string(), "version": version}));

    let label = args.version_file.map(|file| Label::new(file, args.version_reload)).transpose()?;
    let state = Arc::new(State::new(args.node, label, args.faults)?);
    faults::start(&state);
    tokio::spawn(load(Arc::clone(&state), args.model_version, args.weights));

    let graceful = GracefulShutdown::new();
    let signal = tokio::select! {
        signal = signals.next() => signal,
        never = accept(&listener, &state, &graceful) => match never {},
    };
    state.start_draining();
    log::write(Level::Info, "stopping", json!({"signal": signal, "drain_s": args.drain.as_secs_f64()}));
    tokio::select! {
        () = tokio::time::sleep(args.drain) => {}
        _ = signals.next() => {}
        never = accept(&listener, &state, &graceful) => match never {},
    }
    drop(listener);
    log::write(Level::Info, "listener closed", json!({"inflight": state.inflight()}));

    let finished = tokio::select! {
        () = graceful.shutdown() => true,
        () = tokio::time::sleep(args.finish) => false,
        () = state.hanging() => false,
        _ = signals.next() => false,
    };
    let dropped = if finished { 0 } else { state.inflight() };
    log::write(Level::Info, "stopped", json!({"dropped": dropped}));
    Ok(())
}

/// Loads the model: the delay that stands for gigabytes of weights, then the
/// training itself.
async fn load(state: Arc<State>, version: Version, weights: Option<PathBuf>) {
    let started = tokio::time::Instant::now();
    tokio::time::sleep(state.faults.load_delay).await;
    let trained = tokio::task::spawn_blocking(move || Model::open(version, weights.as_deref())).await;
    match trained.map_err(anyhow::Error::from).and_then(|model| model) {
        Ok(model) => {
            let fields = json!({
                "version": version.name(),
                "digest": model.digest(),
                "accuracy": model.accuracy(),
                "load_ms": started.elapsed().as_millis() as u64,
            });
            let defect = model.defect();
            // Logged when it is true, not before.
            state.set_model(model);
            log::write(Level::Info, "model loaded", fields);
            if let Some(why) = defect {
                log::write(Level::Error, "model rejected", json!({"error": why}));
            }
        }
        Err(why) => {
            log::write(Level::Error, "model not loaded", json!({"error": format!("{why:#}")}));
            std::process::exit(1);
        }
    }
}

/// Accepts until it is dropped.
async fn accept(
    listener: &TcpListener,
    state: &Arc<State>,
    graceful: &GracefulShutdown,
) -> std::convert::Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => connection(stream, Arc::clone(state), graceful.watcher()),
            Err(why) => {
                log::write(Level::Warn, "cannot accept", json!({"error": why.to_string()}));
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn connection(stream: TcpStream, state: Arc<State>, watcher: Watcher) {
    // Only costs latency if it fails.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| routes::handle(Arc::clone(&state), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    // A client that goes away is its own affair; requests are logged where
    // they are answered.
    tokio::spawn(async move {
        let _ = watcher.watch(connection).await;
    });
}
