//! The known ways in which a lab breaks the server.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::state::State;
use crate::log::{self, Level};
use crate::net::Target;
use crate::units;

/// How often the leak grows.
const LEAK_STEP: Duration = Duration::from_millis(100);

/// Exit code of `--crash-after`.
const CRASH_CODE: i32 = 1;

/// Faults, all off by default.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Faults")]
pub struct Faults {
    /// Take this long to load the model.
    #[arg(long, env = "MS_LOAD_DELAY", value_parser = units::duration, default_value = "0s", value_name = "DURATION")]
    pub load_delay: Duration,

    /// Add this to the time of every prediction.
    #[arg(long, env = "MS_LATENCY", value_parser = units::duration, default_value = "0s", value_name = "DURATION")]
    pub latency: Duration,

    /// Answer this share of predictions, 0 to 1, with 500.
    #[arg(long, env = "MS_ERROR_RATE", value_parser = units::share, default_value = "0", value_name = "SHARE")]
    pub error_rate: f64,

    /// Allocate and touch memory at this rate (bytes per second: `1MiB/s`)
    /// until something stops it.
    #[arg(long, env = "MS_LEAK", value_parser = units::bytes_per_second, value_name = "SIZE/s")]
    pub leak: Option<u64>,

    /// This long after the start, stop answering anything; the process lives.
    #[arg(long, env = "MS_HANG_AFTER", value_parser = units::duration, value_name = "DURATION")]
    pub hang_after: Option<Duration>,

    /// This long after the start, exit with code 1.
    #[arg(long, env = "MS_CRASH_AFTER", value_parser = units::duration, value_name = "DURATION")]
    pub crash_after: Option<Duration>,

    /// Not ready while this `host:port` refuses a TCP connection; several are
    /// separated by commas.
    #[arg(long, env = "MS_DEPENDS_ON", value_delimiter = ',', value_name = "HOST:PORT")]
    pub depends_on: Vec<Target>,
}

/// Starts the faults that happen with time.
pub fn start(state: &Arc<State>) {
    if let Some(rate) = state.faults.leak {
        tokio::spawn(leak(rate));
    }
    if let Some(after) = state.faults.crash_after {
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            log::write(Level::Error, "crashing as asked", json!({"exit_code": CRASH_CODE}));
            std::process::exit(CRASH_CODE);
        });
    }
    if let Some(after) = state.faults.hang_after {
        let state = Arc::clone(state);
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            state.hang();
            log::write(Level::Error, "hanging as asked", json!({}));
        });
    }
}

async fn leak(bytes_per_second: u64) {
    let step = (bytes_per_second as f64 * LEAK_STEP.as_secs_f64()).ceil() as usize;
    let mut ticks = tokio::time::interval(LEAK_STEP);
    let mut kept: Vec<Vec<u8>> = Vec::new();
    loop {
        ticks.tick().await;
        // Not zero: untouched zero pages would not count as memory in use.
        kept.push(std::hint::black_box(vec![1; step]));
    }
}
