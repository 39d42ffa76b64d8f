//! Wording that several outputs share.

use std::borrow::Cow;

use lab_spec::Ended;
use lab_spec::report::{CheckReport, Link, Points, Report, TaskReport, Verdict};

use crate::neutral;

/// A lab or task as in `lab06: Nobody answers`.
pub fn named(id: &str, title: &str) -> String {
    match (neutral::line(id), neutral::line(title)) {
        (id, title) if title.is_empty() => id.into_owned(),
        (id, title) => format!("{id}: {title}"),
    }
}

/// Points as in `20 of 60 points`.
pub fn points(earned: Option<Points>, of: u32) -> String {
    let unit = if of == 1 { "point" } else { "points" };
    match earned {
        _ if of == 0 => "no points".to_owned(),
        Some(earned) => format!("{earned} of {of} {unit}"),
        None => format!("ungraded, {of} {unit}"),
    }
}

/// What stands over a line of time.
pub const TIMELINE: &str = "failed requests (x) beside what happened, in seconds after the first look:";

/// A time in seconds, eight columns wide.
pub fn seconds(ms: u64) -> String {
    format!("{:>4}.{:03} s", ms / 1000, ms % 1000)
}

/// Groups of failures that are not told.
pub fn more(groups: usize) -> String {
    if groups == 1 { "and one more such time".to_owned() } else { format!("and {groups} more such times") }
}

/// How many checks came to what, as in `2 passed`; verdicts nobody got are
/// left out.
pub fn counts(report: &Report) -> Vec<(Verdict, String)> {
    let words = [
        (Verdict::Pass, "passed"),
        (Verdict::Fail, "failed"),
        (Verdict::Unknown, "unknown"),
        (Verdict::Pending, "pending"),
        (Verdict::Blocked, "blocked"),
        (Verdict::Skipped, "skipped"),
    ];
    words
        .into_iter()
        .map(|(verdict, word)| (verdict, count(report, verdict), word))
        .filter(|(_, count, _)| *count > 0)
        .map(|(verdict, count, word)| (verdict, format!("{count} {word}")))
        .collect()
}

/// The counts in one line, as in `2 passed, 1 failed`.
pub fn tally(report: &Report) -> String {
    let counts: Vec<String> = counts(report).into_iter().map(|(_, words)| words).collect();
    if counts.is_empty() { "no checks".to_owned() } else { counts.join(", ") }
}

/// The lab's points, or why there are none.
pub fn grade(report: &Report) -> String {
    match (report.earned, count(report, Verdict::Unknown)) {
        (Some(_), _) => points(report.earned, report.points),
        (None, 0) => "ungraded".to_owned(),
        (None, 1) => "ungraded: 1 check could not be observed".to_owned(),
        (None, several) => format!("ungraded: {several} checks could not be observed"),
    }
}

fn count(report: &Report, verdict: Verdict) -> usize {
    report.checks().filter(|(_, check)| check.verdict == verdict).count()
}

/// What was looked at: the names and values of context, namespace and server,
/// of compose project and Docker daemon. Empty when nothing was asked.
pub fn places(report: &Report) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
    let cluster = &report.cluster;
    let of_project = report.project.iter().flat_map(|project| {
        let file = project.files.first();
        [("project", Some(&project.name)), ("file", file), ("docker", Some(&project.engine))]
    });
    [("context", &cluster.context), ("namespace", &cluster.namespace), ("server", &cluster.server)]
        .into_iter()
        .chain(of_project.filter_map(|(name, value)| Some((name, value?))))
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name, neutral::line(value)))
}

/// What was looked at in one line, as in `context kind-lab, namespace lab06`.
pub fn place(report: &Report) -> String {
    places(report).map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

/// What to say of a report whose looking did not end by itself.
pub const fn cut_short(ended: Ended) -> Option<&'static str> {
    match ended {
        Ended::Settled => None,
        Ended::Timeout => Some("time ran out while something was still changing"),
        Ended::Interrupted => Some("stopped by the user before everything had settled"),
    }
}

/// A link of a cause chain without what it says, as in `pod/api
/// status.phase`.
pub fn place_of(link: &Link) -> String {
    let object = neutral::line(&link.object);
    if link.field.is_empty() {
        object.into_owned()
    } else {
        format!("{object} {}", neutral::line(&link.field))
    }
}

/// What is known of a check that did not pass, in one or more lines. A check
/// that merely follows from another says only that.
pub fn reason(check: &CheckReport) -> Vec<String> {
    if let Some(root) = &check.follows {
        return vec![format!("follows from `{}`", neutral::line(root))];
    }
    let mut lines: Vec<String> = neutral::lines(&check.message).map(Cow::into_owned).collect();
    if let (true, Some(blocker)) = (lines.is_empty(), &check.blocked_by) {
        lines.push(format!("blocked by `{}`", neutral::line(blocker)));
    }
    if let Some(cause) = &check.waiting {
        let label = match check.verdict {
            Verdict::Pending => "waiting",
            _ => "waited until time ran out",
        };
        lines.push(format!("{label}: {}", neutral::line(cause)));
    }
    lines
}

/// Everything that is said of a check that did not pass: the reason, its
/// cause, and the command that shows the same.
pub fn details(check: &CheckReport) -> Vec<String> {
    let mut details = reason(check);
    if check.follows.is_none() {
        for link in &check.cause {
            let says: Vec<_> = neutral::lines(&link.says).collect();
            details.push(format!("because {}: {}", place_of(link), says.join("\n  ")));
        }
        details.extend(check.look.iter().map(|look| format!("look: {}", neutral::line(look))));
    }
    details
}

/// Where the learner goes from here.
pub struct Next<'a> {
    /// The command that shows the first fault.
    pub look: Option<&'a str>,
    /// The command that gives advice on it.
    pub advice: String,
}

/// The next step: the first failed check that is not the consequence of
/// another, else the first that is pending or could not be observed. `None`
/// when there is nothing to mend.
pub fn next(report: &Report) -> Option<Next<'_>> {
    let first = |verdict| {
        report.checks().find(|(_, check): &(&TaskReport, &CheckReport)| {
            check.verdict == verdict && check.follows.is_none()
        })
    };
    let (task, check) =
        first(Verdict::Fail).or_else(|| first(Verdict::Pending)).or_else(|| first(Verdict::Unknown))?;
    let advice = if check.verdict == Verdict::Unknown {
        // No hint helps where labcheck itself cannot look.
        "labcheck doctor".to_owned()
    } else {
        format!("labcheck hint {} {}", neutral::line(&report.lab), neutral::line(&task.id))
    };
    Some(Next { look: check.look.as_deref(), advice })
}

/// Whether the cluster is one of ours.
pub const fn owner(report: &Report) -> &'static str {
    if report.cluster.owned { "cluster made by `labcheck up`" } else { "cluster not made by `labcheck up`" }
}

/// The last answer under an evidence key, and how often it was asked for.
pub fn asked(report: &Report, key: &str) -> String {
    let mut times = report.provenance.iter().filter(|asked| asked.key == key);
    let Some(first) = times.next() else { return "never asked".to_owned() };
    let (last, count) = times.fold((first, 1), |(_, count), asked| (asked, count + 1));
    let mut text = String::new();
    if !last.request.is_empty() {
        text = format!("{}: ", neutral::line(&last.request));
    }
    text.push_str(&neutral::line(&last.answer));
    if let Some(version) = &last.resource_version {
        text.push_str(&format!(", resourceVersion {}", neutral::line(version)));
    }
    text.push_str(&format!(", {} ms after the first look", last.at_ms));
    if count > 1 {
        text.push_str(&format!(", asked {count} times"));
    }
    text
}
