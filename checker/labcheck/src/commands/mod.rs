//! One file per command: its arguments (`Args`) and its work (`run`).

pub mod confirm;
pub mod down;
pub mod grade;
pub mod hint;
pub mod list;
pub mod progress;
pub mod solution;
pub mod start;
pub mod up;
pub mod watch;

use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// The runtime of a command that talks to a cluster. Two workers: the time
/// goes into waiting, and starting threads costs too.
///
/// # Errors
/// If the system gives no threads.
pub fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::unobservable(format!("no threads to be had: {error}")))
}

/// Ctrl-C stops looking and undoes what an experiment did; a second one stops
/// at once, and the journal keeps what is to be undone.
pub fn cancel_on_ctrl_c(cancel: CancellationToken) {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            anstream::eprintln!("stopping; what an experiment changed is being undone");
            cancel.cancel();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
}
