//! Reading and judging in a process of its own, so that one that dies costs one
//! submission and not the batch.
//!
//! Release builds abort on a panic, and neither a stack that runs over nor the
//! kernel's out-of-memory killer can be caught at all. When the process dies,
//! what it had in hand is read and judged again, one at a time; what dies alone
//! is ungradable, and everything else goes on. So it is with submissions, with
//! the members of archives, with archives as a whole, and with lists of exports.

use std::{
    io,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Command, ExitStatus},
};

use rustix::process::{Signal, set_parent_process_death_signal};

use crate::in_hand::Files;

/// Forgets what an earlier run had in hand: it may have been killed for reasons
/// of its own.
///
/// # Errors
/// What the file system says.
pub fn begin(out: &Path) -> io::Result<()> {
    Files::of(out).clear()
}

/// Runs `worker`, which grades into `out`, until it ends by itself.
///
/// # Errors
/// A process that cannot be started, or that dies without having anything in
/// hand; what the file system says.
pub fn supervise(out: &Path, worker: impl Fn() -> Command) -> Result<ExitStatus, String> {
    let files = Files::of(out);
    let place = |error: io::Error| format!("cannot write to `{}`: {error}", out.display());
    loop {
        let status =
            worker().status().map_err(|error| format!("cannot start a process to judge in: {error}"))?;
        let Some(signal) = status.signal() else {
            return Ok(status);
        };
        // The user's own wish, which the process heard before us.
        if [Signal::INT, Signal::TERM, Signal::HUP].iter().any(|wish| wish.as_raw() == signal) {
            return Ok(status);
        }
        if !files.learn().map_err(place)? {
            return Err(format!("the process that judges died of signal {signal} with nothing in hand"));
        }
    }
}

/// Called by the worker: it dies when its supervisor does.
///
/// # Errors
/// What the kernel says.
pub fn die_with_supervisor() -> io::Result<()> {
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}
