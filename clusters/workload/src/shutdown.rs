//! SIGTERM and SIGINT. PID 1 has no default handlers: without these the kernel
//! drops the signals and the container dies by SIGKILL after its grace period.

use tokio::signal::unix::{Signal, SignalKind, signal};

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
