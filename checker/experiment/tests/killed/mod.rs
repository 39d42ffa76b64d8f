//! A test run as a child of its own, which is killed on its way.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

/// Runs the test `child` of this binary with a variable set, and kills it some
/// time after a line of its progress. `None` if it completed before; otherwise
/// the line.
pub fn kill_after(
    child: &str,
    (name, value): (&str, &OsStr),
    line: usize,
    later: Duration,
) -> Option<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", child, "--ignored", "--nocapture"])
        .env(name, value)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut progress = out.filter_map(|line| line.strip_prefix("progress: ").map(str::to_owned));
    let reached = progress.nth(line);
    if reached.is_some() {
        std::thread::sleep(later);
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    if reached.is_none() {
        assert!(status.success(), "a run nobody kills completes");
    }
    reached
}
