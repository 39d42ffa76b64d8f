//! What pages are told of a lab: made of reports, sent whole.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use lab_spec::{
    FORMAT, Lab, Report, Verdict,
    report::{CheckReport, Points},
};
use serde::Serialize;
use tokio::sync::watch;

use crate::source::Trouble;

/// What is known of a lab.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LabState {
    /// Format number; 1.
    pub format: u32,
    /// The lab.
    pub lab: String,
    /// Why nothing can be seen just now; what was seen before stays in `tasks`.
    pub trouble: Option<Trouble>,
    /// What a check that was started from a page is at.
    pub checking: Option<String>,
    /// Why the last such check came to nothing.
    pub failed: Option<Trouble>,
    /// What the last one came to.
    pub graded: Option<Graded>,
    /// The tasks, in order; empty before the first look.
    pub tasks: Vec<TaskState>,
    /// When this was told, in milliseconds since the epoch.
    pub told_ms: u64,
}

/// What a grade with experiments came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Graded {
    /// The worst verdict.
    pub verdict: Verdict,
    /// Points in hundredths; none when something is unknown.
    pub earned: Option<Points>,
    /// Points to earn.
    pub points: u32,
    /// When it was done, in milliseconds since the epoch.
    pub at_ms: u64,
}

/// What is known of a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskState {
    /// The task.
    pub id: String,
    /// The worst verdict of what looking alone can tell; none if it can tell
    /// nothing.
    pub verdict: Option<Verdict>,
    /// How many checks need an experiment.
    pub to_run: usize,
    /// The checks, in order.
    pub checks: Vec<CheckState>,
}

/// What is known of a check.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckState {
    /// The check.
    pub id: String,
    /// What it states.
    pub title: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// What is wrong or why it is not known; empty for a pass.
    pub message: String,
    /// What it waits for.
    pub waiting: Option<String>,
    /// The check this one merely follows from.
    pub follows: Option<String>,
    /// From what the check sees back to its cause, in words.
    pub cause: Vec<String>,
    /// A command that shows the learner the same.
    pub look: Option<String>,
    /// Whether it needs an experiment, which looking does not run.
    pub experiment: bool,
    /// Its verdict in the last grade from this server.
    pub graded: Option<Verdict>,
}

/// Where watchers and checks tell what they find; everybody with the lab's
/// page open hears the same.
#[derive(Clone)]
pub struct Feed(Arc<Inner>);

struct Inner {
    state: Mutex<(LabState, Option<Report>)>,
    sender: watch::Sender<Arc<str>>,
}

impl Feed {
    pub(crate) fn new(lab: &Lab) -> Self {
        let state = LabState {
            format: FORMAT,
            lab: lab.id.clone(),
            trouble: None,
            checking: None,
            failed: None,
            graded: None,
            tasks: Vec::new(),
            told_ms: now_ms(),
        };
        let (sender, _) = watch::channel(written(&state));
        Self(Arc::new(Inner { state: Mutex::new((state, None)), sender }))
    }

    /// What looking has come to, and why nothing can be seen, if so.
    pub fn looked(&self, report: &Report, trouble: Option<Trouble>) {
        self.change(|state, graded| {
            state.trouble = trouble;
            state.tasks = tasks(report, graded.as_ref());
        });
    }

    /// Why nothing can be seen.
    pub fn trouble(&self, trouble: Option<Trouble>) {
        self.change(|state, _| state.trouble = trouble);
    }

    /// What a check is at.
    pub fn checking(&self, line: &str) {
        self.change(|state, _| {
            state.checking = Some(line.to_owned());
            state.failed = None;
        });
    }

    pub(crate) fn graded(&self, outcome: Result<Report, Trouble>) {
        self.change(|state, graded| {
            state.checking = None;
            match outcome {
                Ok(report) => {
                    let (verdict, earned, points) = (report.verdict, report.earned, report.points);
                    state.graded = Some(Graded { verdict, earned, points, at_ms: now_ms() });
                    for check in state.tasks.iter_mut().flat_map(|task| &mut task.checks) {
                        check.graded = verdict_of(&report, &check.id);
                    }
                    *graded = Some(report);
                }
                Err(trouble) => state.failed = Some(trouble),
            }
        });
    }

    /// Forgets what was seen, when nobody looks any more.
    pub(crate) fn forget(&self) {
        self.change(|state, _| {
            state.tasks.clear();
            state.trouble = None;
        });
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<str>> {
        self.0.sender.subscribe()
    }

    pub(crate) fn has_listeners(&self) -> bool {
        self.0.sender.receiver_count() > 0
    }

    pub(crate) async fn unheard(&self) {
        self.0.sender.closed().await;
    }

    /// Tells a change, if it is one. Under the lock, so that what is told last
    /// is what holds.
    fn change(&self, change: impl FnOnce(&mut LabState, &mut Option<Report>)) {
        let mut guard = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, graded) = &mut *guard;
        let before = state.clone();
        change(state, graded);
        if *state == before {
            return;
        }
        state.told_ms = now_ms();
        self.0.sender.send_replace(written(state));
    }
}

fn written(state: &LabState) -> Arc<str> {
    serde_json::to_string(state).unwrap_or_else(|_| "{}".to_owned()).into()
}

/// What a report of looking alone says of each task.
fn tasks(report: &Report, graded: Option<&Report>) -> Vec<TaskState> {
    let mut untold: BTreeSet<&str> = BTreeSet::new();
    for (_, check) in report.checks() {
        let rests = check.evidence.iter().any(|key| key.starts_with("experiment "));
        let follows = check.blocked_by.as_deref().is_some_and(|id| untold.contains(id));
        if rests || follows {
            untold.insert(&check.id);
        }
    }
    let tasks = report.tasks.iter().map(|task| {
        let told = task.checks.iter().filter(|check| !untold.contains(check.id.as_str()));
        let verdicts: Vec<Verdict> = told.map(|check| check.verdict).collect();
        TaskState {
            id: task.id.clone(),
            verdict: (!verdicts.is_empty()).then(|| Verdict::worst(verdicts.iter().copied())),
            to_run: task.checks.len() - verdicts.len(),
            checks: task
                .checks
                .iter()
                .map(|check| CheckState {
                    graded: graded.and_then(|graded| verdict_of(graded, &check.id)),
                    ..told_of(check, untold.contains(check.id.as_str()))
                })
                .collect(),
        }
    });
    tasks.collect()
}

fn told_of(check: &CheckReport, experiment: bool) -> CheckState {
    CheckState {
        id: check.id.clone(),
        title: check.title.clone(),
        verdict: check.verdict,
        message: check.message.clone(),
        waiting: check.waiting.clone(),
        follows: check.follows.clone(),
        cause: check.cause.iter().map(words).collect(),
        look: check.look.clone(),
        experiment,
        graded: None,
    }
}

fn words(link: &lab_spec::report::Link) -> String {
    let place = match link.field.as_str() {
        "" => link.object.clone(),
        field => format!("{} {field}", link.object),
    };
    format!("{place}: {}", link.says)
}

fn verdict_of(report: &Report, id: &str) -> Option<Verdict> {
    report.checks().find(|(_, check)| check.id == id).map(|(_, check)| check.verdict)
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
