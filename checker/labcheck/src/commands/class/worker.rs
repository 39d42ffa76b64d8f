//! Judging in a process of its own: see [`lab_bulk::supervise`].

use std::{
    env,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use lab_bulk::supervise;

use crate::failure::Failure;

/// Says to a process of ours that it is the one that judges, and where.
const WORKER: &str = "LABCHECK_GRADE_WORKER";

/// The directory of the journal, if this process is the one that judges.
///
/// # Errors
/// A supervisor that cannot be followed.
pub fn place() -> Result<Option<PathBuf>, Failure> {
    let Some(place) = env::var_os(WORKER) else { return Ok(None) };
    supervise::die_with_supervisor().map_err(|error| {
        Failure::unobservable(format!("cannot follow the process that began this: {error}"))
    })?;
    Ok(Some(place.into()))
}

/// Runs this command again in processes that judge, with the journal in `out`;
/// the exit code of the last.
///
/// # Errors
/// A process that cannot be started, or that dies with nothing in hand.
pub fn supervise(out: &Path) -> Result<u8, Failure> {
    let program = env::current_exe()
        .map_err(|error| Failure::unobservable(format!("cannot find labcheck's own program: {error}")))?;
    let worker = || {
        let mut command = Command::new(&program);
        command.args(env::args_os().skip(1)).env(WORKER, out);
        command
    };
    let ended = supervise::supervise(out, worker).map_err(Failure::unobservable)?;
    let code = ended.code().or_else(|| ended.signal().map(|signal| 128 + signal));
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}
