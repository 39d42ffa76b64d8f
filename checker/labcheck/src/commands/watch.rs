//! `labcheck LAB --watch`: judged again on every change, by watch events.

use std::collections::HashMap;

use indexmap::IndexMap;
use lab_judge::{Limits, Next};
use lab_spec::{Ended, Report, Verdict};

use super::grade::Args;
use crate::{
    collect::{Collector, rename},
    failure::Failure,
    output,
};

/// Between events, time alone can change a verdict, so it is judged again
/// this often, in milliseconds.
const TICK_MS: u64 = 1_000;

/// Looks that are kept; older ones can no longer change a verdict of a lab,
/// whose longest window is shorter.
const KEPT: usize = 600;

/// Prints the report once, then a line for each verdict that changes, until
/// the user stops it.
///
/// # Errors
/// If stdout cannot be written.
pub async fn run(collector: &Collector<'_>, args: &Args, limits: Limits) -> Result<(), Failure> {
    let judge = collector.judge;
    let mut evidence = collector.session.evidence(collector.lab);
    let mut asked = IndexMap::new();
    while let Next::Look(requests) = judge.next(&evidence, limits) {
        asked.extend(requests.iter().map(|request| (request.key(), request.clone())));
        evidence.looks.push(collector.session.observer.look(&requests).await);
        rename(&mut evidence);
    }
    evidence.ended = Some(Ended::Interrupted);
    let mut shown = judge.report(&evidence);
    output::print(&shown, args.output, args.explain)?;
    anstream::eprintln!("watching; press Ctrl-C to stop");
    let mut watching = collector.watch(&evidence, &asked);
    while !collector.cancel.is_cancelled() {
        let until = collector.session.observer.at_ms() + TICK_MS;
        evidence.looks.push(collector.watched(&mut watching, until).await);
        if evidence.looks.len() > KEPT {
            forget(&mut evidence.looks);
        }
        let report = judge.report(&evidence);
        changes(&shown, &report);
        shown = report;
    }
    Ok(())
}

/// Folds the two oldest looks into one.
fn forget(looks: &mut Vec<lab_spec::Look>) {
    let oldest = looks.remove(0);
    if let Some(first) = looks.first_mut() {
        for (key, observation) in oldest.observations {
            first.observations.entry(key).or_insert(observation);
        }
    }
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
