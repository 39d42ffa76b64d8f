//! Failed requests beside what happened: one line of time on one clock.

use lab_spec::{
    Evidence,
    experiment::ExperimentRecord,
    report::{Moment, Timeline},
    sample::{Load, Sample},
};

use crate::{functions::traffic, program::Compiled};

/// Failures further apart than this, in milliseconds, have each their own
/// reason.
const APART_MS: f64 = 300.0;
/// Groups of failures that are told.
const GROUPS: usize = 4;
/// Around a group of failures, how long before and after it something counts
/// as standing next to it.
const BEFORE_MS: f64 = 1_500.0;
const AFTER_MS: f64 = 500.0;
/// The most that is told of what stands next to a group.
const BESIDE: usize = 6;
/// Columns of the picture.
const COLUMNS: u64 = 120;

/// Failures that came one after the other.
struct Group {
    from: f64,
    to: f64,
    /// Load and number of each.
    failed: Vec<(usize, usize)>,
}

/// The line of time of what a check counts; none if nothing failed in it.
pub(crate) fn of(evidence: &Evidence, compiled: &Compiled) -> Option<Timeline> {
    let (experiment, _) = compiled.loads.first()?;
    let record = evidence.experiments.get(experiment)?;
    let loads = loads(record, compiled);
    let groups = groups(&loads);
    if groups.is_empty() {
        return None;
    }
    let happened = happened(record);
    let mut moments: Vec<Moment> = Vec::new();
    for group in groups.iter().take(GROUPS) {
        let mut beside: Vec<&Moment> = happened
            .iter()
            .filter(|moment| {
                let at = moment.at_ms as f64;
                at >= group.from - BEFORE_MS && at <= group.to + AFTER_MS
            })
            .collect();
        // Of many, those that stand nearest.
        beside.sort_by(|a, b| distance(a, group).total_cmp(&distance(b, group)));
        moments.extend(beside.into_iter().take(BESIDE).cloned());
        moments.push(told(group, &loads));
    }
    moments.sort_by_key(|moment| (moment.at_ms, moment.failed));
    moments.dedup();
    let mut timeline = columns(&loads);
    timeline.moments = moments;
    timeline.more = groups.len().saturating_sub(GROUPS);
    Some(timeline)
}

/// What a pass that counts no failed requests rests on.
pub(crate) fn note(evidence: &Evidence, compiled: &Compiled) -> Option<String> {
    let (experiment, _) = compiled.loads.first()?;
    let loads = loads(evidence.experiments.get(experiment)?, compiled);
    let sent: usize = loads.iter().map(|load| load.answer.len()).sum();
    let none = loads.iter().all(|load| (0..load.answer.len()).all(|seq| !traffic::failed(load, seq)));
    (none && sent > 0).then(|| {
        format!(
            "in the whole experiment none of {sent} requests failed: with 95 % confidence fewer than {:.2} % do",
            traffic::bound(sent)
        )
    })
}

fn loads<'e>(record: &'e ExperimentRecord, compiled: &Compiled) -> Vec<&'e Load> {
    let names = compiled.loads.iter().map(|(_, load)| load);
    let loads = names.filter_map(|name| match record.samples.get(name)? {
        Sample::Load(load) if traffic::unfit(load).is_none() => Some(&**load),
        _ => None,
    });
    loads.collect()
}

/// When a failure was felt: a request that is cut off fails at its end, one
/// that waits in vain was wrong from its beginning.
fn felt_ms(load: &Load, seq: usize) -> f64 {
    let due = load.due_ms(seq);
    match traffic::how(load, seq).as_str() {
        "timeout" => due,
        _ => due + f64::from(load.latency[seq]) / 10.0,
    }
}

fn groups(loads: &[&Load]) -> Vec<Group> {
    let mut failures: Vec<(f64, (usize, usize))> = Vec::new();
    for (number, load) in loads.iter().enumerate() {
        let failed = (0..load.answer.len()).filter(|seq| traffic::failed(load, *seq));
        failures.extend(failed.map(|seq| (felt_ms(load, seq), (number, seq))));
    }
    failures.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut groups: Vec<Group> = Vec::new();
    for (at, request) in failures {
        match groups.last_mut() {
            Some(group) if at - group.to <= APART_MS => {
                group.to = at;
                group.failed.push(request);
            }
            _ => groups.push(Group { from: at, to: at, failed: vec![request] }),
        }
    }
    groups
}

fn told(group: &Group, loads: &[&Load]) -> Moment {
    let counts = loads.iter().enumerate().map(|(number, load)| {
        let of_load = group.failed.iter().filter(|(its, _)| *its == number).map(|(_, seq)| *seq);
        traffic::counted(load, of_load)
    });
    let counts: Vec<_> = counts.filter(|counts| counts != "none").collect();
    let many = group.failed.len();
    let requests = if many == 1 { "1 request failed".to_owned() } else { format!("{many} requests failed") };
    let within = match group.to - group.from {
        short if short < 1.0 => String::new(),
        long => format!(" within {long:.0} ms"),
    };
    Moment {
        at_ms: group.from.max(0.0) as u64,
        says: format!("{requests}{within}: {}", counts.join(", ")),
        failed: u32::try_from(many).unwrap_or(u32::MAX),
    }
}

fn distance(moment: &Moment, group: &Group) -> f64 {
    (moment.at_ms as f64 - group.from).abs()
}

/// What was done, and what was seen to change.
fn happened(record: &ExperimentRecord) -> Vec<Moment> {
    let step = |name: &str| record.results.get(name).and_then(|result| result["at_ms"].as_u64());
    let steps = record.log.iter().filter(|line| !line.what.starts_with("took a look")).map(|line| Moment {
        at_ms: line.at_ms,
        says: line.what.clone(),
        failed: 0,
    });
    let changes = record.samples.values().filter_map(|sample| match sample {
        Sample::Watch(watched) => Some(watched),
        _ => None,
    });
    let changes = changes.flat_map(|watched| {
        let later = watched.changes.iter().filter(|change| change.at_ms > watched.from_ms);
        later.map(|change| Moment {
            at_ms: change.at_ms,
            says: format!("{} is {}", change.object, change.state),
            failed: 0,
        })
    });
    // A change is sent in the middle of its step, which knows when.
    let sent: Vec<u64> = record.results.keys().filter_map(|name| step(name)).collect();
    let steps = steps.map(|moment| {
        let at = sent.iter().find(|at| **at >= moment.at_ms && **at < moment.at_ms + 1_000);
        Moment { at_ms: at.copied().unwrap_or(moment.at_ms), ..moment }
    });
    steps.chain(changes).collect()
}

fn columns(loads: &[&Load]) -> Timeline {
    let from = loads.iter().map(|load| load.start_ms).fold(f64::INFINITY, f64::min).max(0.0);
    let to = loads.iter().map(|load| load.due_ms(load.answer.len())).fold(from, f64::max);
    let width = ((to - from) as u64 / COLUMNS).max(50).next_multiple_of(50);
    let count = ((to - from) as u64 / width + 1) as usize;
    let (mut sent, mut failed) = (vec![0_u32; count], vec![0_u32; count]);
    for load in loads {
        for seq in 0..load.answer.len() {
            let column = |at: f64| (((at - from).max(0.0) as u64 / width) as usize).min(count - 1);
            sent[column(load.due_ms(seq))] += 1;
            if traffic::failed(load, seq) {
                failed[column(felt_ms(load, seq))] += 1;
            }
        }
    }
    Timeline { from_ms: from as u64, column_ms: width, sent, failed, moments: Vec::new(), more: 0 }
}
