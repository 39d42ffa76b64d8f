//! SIGTERM and SIGINT. PID 1 has no default handlers: without these the kernel
//! drops the signals and the container dies by SIGKILL after its grace period.

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal as Kind, kill_process};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Sends SIGTERM to PID 1 if that is `ms` too: outside its container PID 1
/// belongs to somebody else.
pub fn ask_init() -> anyhow::Result<()> {
    let command = std::fs::read("/proc/1/cmdline").context("cannot read what PID 1 is")?;
    let first = command.split(|byte| *byte == 0).next().unwrap_or_default();
    let program = String::from_utf8_lossy(first);
    if !program.ends_with("/ms") {
        bail!("PID 1 is `{program}`, expected `/ms`; nothing was stopped");
    }
    kill_process(Pid::INIT, Kind::TERM).context("cannot send SIGTERM to PID 1")
}

/// Installed handlers for both signals.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Installs the handlers; from then on the signals no longer kill.
    pub fn install() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next signal and names it.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
