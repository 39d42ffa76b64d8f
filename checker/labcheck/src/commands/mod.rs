//! One file per command: its arguments (`Args`) and its work (`run`).

pub mod class;
pub mod completions;
pub mod confirm;
pub mod doctor;
pub mod down;
mod engine;
pub mod grade;
pub mod hint;
pub mod list;
pub mod progress;
pub mod quickstart;
pub mod serve;
pub mod solution;
mod stand_ins;
pub mod start;
pub mod submit;
pub mod unfinished;
pub mod up;
pub mod watch;

use tokio_util::sync::CancellationToken;

use crate::{
    failure::Failure,
    progress::Progress,
    state::{Lock, State},
};

/// Runs a command's work to its end. One thread: what takes time here is
/// waiting for others.
///
/// # Errors
/// Those of the work.
pub fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::unobservable(format!("cannot start: {error}")))?;
    runtime.block_on(work)
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

/// Resolves when the user presses Ctrl-C.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Only one labcheck at a time changes a cluster.
fn cluster_lock(state: &State, name: &str, progress: Progress) -> Result<Lock, Failure> {
    let lock = format!("cluster-{name}");
    if let Some(held) = state.try_lock(&lock)? {
        return Ok(held);
    }
    progress.say(&format!("another labcheck is at work on cluster `{name}`: waiting for it"));
    state.lock(&lock)
}
