//! One file per command: its arguments (`Args`) and its work (`run`).

pub mod completions;
pub mod doctor;
pub mod down;
pub mod list;
pub mod up;

use crate::{
    failure::Failure,
    progress::Progress,
    state::{Lock, State},
};

/// Runs a command's work to its end.
///
/// # Errors
/// Those of the work.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::unobservable(format!("cannot start: {error}")))?;
    runtime.block_on(work)
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
