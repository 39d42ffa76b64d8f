//! `ms queue`: a small RESP2 server for job queues.

mod commands;
mod store;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::json;
use tokio::net::TcpListener;

use crate::log::{self, Level};
use crate::resp::{Connection, Value};
use crate::shutdown::Signals;
use crate::units;
use commands::Next;
use store::Store;

/// Pause after the kernel refused to accept, when it has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A small Redis-compatible queue in memory; what it holds dies with it.
///
/// Commands: PING, LPUSH, RPUSH, LPOP, RPOP, BLPOP, BRPOP, LLEN, LRANGE, SET,
/// GET, DEL, EXISTS, INCR, INFO, COMMAND, CLIENT, SELECT 0, QUIT.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address to listen on; port 0 takes a free one and logs it.
    #[arg(long, env = "MS_QUEUE_LISTEN", default_value = "0.0.0.0:6379")]
    listen: SocketAddr,

    /// Start to listen only after this long: the container is started, but
    /// not healthy.
    #[arg(long, env = "MS_START_DELAY", value_parser = units::duration, default_value = "0s", value_name = "DURATION")]
    start_delay: Duration,
}

/// Runs the server until SIGTERM or SIGINT.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let outcome = runtime.block_on(async {
        let mut signals = Signals::install().context("cannot install signal handlers")?;
        tokio::select! {
            signal = signals.next() => {
                log::write(Level::Info, "stopped", json!({"signal": signal}));
                Ok(())
            }
            failed = listen(args) => failed,
        }
    });
    runtime.shutdown_background();
    outcome
}

/// Serves until it is dropped; returns only if it cannot listen.
async fn listen(args: &Args) -> anyhow::Result<()> {
    if !args.start_delay.is_zero() {
        let delay = args.start_delay.as_secs_f64();
        log::write(Level::Info, "starting", json!({"start_delay_s": delay}));
        tokio::time::sleep(args.start_delay).await;
    }
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on `{}`", args.listen))?;
    let address = listener.local_addr().context("listener has no address")?;
    log::write(Level::Info, "listening", json!({"address": address.to_string()}));
    let store = Arc::new(Store::default());
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let _ = stream.set_nodelay(true);
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    if let Err(why) = serve(Connection::new(stream), &store).await {
                        let error = why.to_string();
                        let fields = json!({"peer": peer.to_string(), "error": error});
                        log::write(Level::Warn, "connection lost", fields);
                    }
                });
            }
            Err(why) => {
                log::write(Level::Warn, "cannot accept", json!({"error": why.to_string()}));
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Answers one client until it leaves.
async fn serve(mut client: Connection, store: &Store) -> std::io::Result<()> {
    loop {
        let words = match client.read_command().await {
            Ok(Some(words)) => words,
            Ok(None) => return Ok(()),
            Err(why) => {
                // What follows malformed bytes cannot be understood either.
                let _ = client.write(&Value::error(format!("ERR {why}"))).await;
                return Err(why);
            }
        };
        match commands::execute(store, &words) {
            Next::Nothing => {}
            Next::Reply(value) => client.write(&value).await?,
            Next::Wait(blocking) => match blocking.wait(store, &mut client).await? {
                Some(value) => client.write(&value).await?,
                None => return Ok(()),
            },
            Next::Quit => return client.write(&Value::ok()).await,
        }
    }
}
