//! A compose process that changes the copy, with all it started: builds are
//! processes of their own. None of them may outlive the run.

use std::io;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use super::{Change, Place};
use crate::{halt::Halt, journal::Entry, run::Run};

/// A process that leads a group, which is killed when this is dropped.
pub(super) struct Group {
    pub(super) child: Child,
}

impl Group {
    /// Starts it, and notes it for whoever finishes a run that was killed.
    pub(super) fn start(run: &mut Run<'_, '_>, place: &Place, command: &mut Command) -> Result<Self, Halt> {
        #[cfg(unix)]
        command.process_group(0);
        let child = command
            .spawn()
            .map_err(|error| Halt::Unavailable(format!("`docker compose` cannot be run: {error}")))?;
        let group = Self { child };
        let pid = group.child.id().unwrap_or_default();
        run.journal(Entry::Docker(Change::Process { project: place.copy.clone(), pid }))?;
        Ok(group)
    }

    /// Ends it now.
    pub(super) async fn end(mut self) -> io::Result<()> {
        self.kill();
        self.child.wait().await.map(drop)
    }

    fn kill(&self) {
        // It has a number until it was waited for, so that is no other's.
        if let Some(pid) = self.child.id() {
            kill(pid);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Ends one that outlived its labcheck. Its number may be another process's by
/// now, so its command line must name the project.
pub(super) fn end(pid: u32, project: &str) {
    if command_line(pid).contains(project) {
        kill(pid);
    }
}

fn kill(pid: u32) {
    if let Some(leader) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may end between the look and the signal.
        let _ = kill_process_group(leader, Signal::KILL);
    }
}

/// A process's command line; empty where it cannot be told.
fn command_line(pid: u32) -> String {
    if let Ok(bytes) = std::fs::read(format!("/proc/{pid}/cmdline")) {
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    // No /proc, as on macOS, or no such process.
    let asked = ["-ww", "-o", "command=", "-p", &pid.to_string()];
    let told = std::process::Command::new("ps").args(asked).output();
    told.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

#[cfg(all(test, unix))]
mod tests {
    use std::{os::unix::process::CommandExt as _, process::Command, time::Duration};

    use super::*;

    #[test]
    fn only_what_names_the_project_is_ended() {
        let mut child = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        end(child.id(), "labcheck-0000");
        std::thread::sleep(Duration::from_millis(100));
        assert!(child.try_wait().unwrap().is_none());
        end(child.id(), "sleep");
        assert!(!child.wait().unwrap().success());
    }
}
