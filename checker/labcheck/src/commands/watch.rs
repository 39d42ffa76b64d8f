//! `labcheck LAB --watch`: judged again on every change.

use std::collections::HashMap;

use lab_judge::Limits;
use lab_spec::{Report, Verdict};

use super::grade::Args;
use crate::{collect::Collector, failure::Failure, output, watcher::Watcher};

/// Prints the report once, then a line for each verdict that changes, until
/// the user stops it.
///
/// # Errors
/// If stdout cannot be written.
pub async fn run(collector: &Collector<'_>, args: &Args, limits: Limits) -> Result<(), Failure> {
    let mut watcher = Watcher::begin(collector, limits).await;
    let mut shown = watcher.report().clone();
    output::print(&shown, args.output, args.explain)?;
    anstream::eprintln!("watching; press Ctrl-C to stop");
    while !collector.cancel.is_cancelled() {
        let report = watcher.changed().await.clone();
        changes(&shown, &report);
        shown = report;
    }
    Ok(())
}

fn changes(before: &Report, after: &Report) {
    let old: HashMap<&str, &lab_spec::report::CheckReport> =
        before.checks().map(|(_, check)| (check.id.as_str(), check)).collect();
    for (_, check) in after.checks() {
        let Some(was) = old.get(check.id.as_str()) else { continue };
        if was.verdict == check.verdict && was.message == check.message {
            continue;
        }
        let mut line = format!("{:>8}  {}", check.verdict.word(), check.title);
        if check.verdict != Verdict::Pass {
            line.push_str(&format!("\n          {}", check.message));
        }
        anstream::println!("{line}");
    }
}
