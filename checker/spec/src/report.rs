//! Reports: what follows from a lab and its evidence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::{Cluster, Ended, Project};

/// The judgement of one lab.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Report {
    /// Format number; 1.
    pub format: u32,
    /// The lab's id.
    pub lab: String,
    /// The lab's title.
    pub title: String,
    /// SHA-256 of lab.yaml, hex.
    pub lab_digest: String,
    /// The cluster that was looked at.
    pub cluster: Cluster,
    /// The compose project that was looked at, if the lab is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Project>,
    /// The worst verdict, in the order of exit codes: unknown, fail, pass.
    pub verdict: Verdict,
    /// Points earned; `None` when a check is unknown: the lab is ungraded.
    pub earned: Option<Points>,
    /// Points of a perfect solution.
    pub points: u32,
    /// How looking ended.
    pub ended: Ended,
    /// The tasks, in the lab's order.
    pub tasks: Vec<TaskReport>,
    /// What was seen on the way, in the order of asking.
    pub provenance: Vec<Asked>,
}

/// Points in hundredths, so that sums are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Points(pub u64);

impl std::fmt::Display for Points {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, part) = (self.0 / 100, self.0 % 100);
        match part {
            0 => write!(f, "{whole}"),
            part if part % 10 == 0 => write!(f, "{whole}.{}", part / 10),
            part => write!(f, "{whole}.{part:02}"),
        }
    }
}

/// One task's judgement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaskReport {
    /// The task's id.
    pub id: String,
    /// The task's title.
    pub title: String,
    /// The worst verdict of its checks.
    pub verdict: Verdict,
    /// Points earned; `None` when a check is unknown.
    pub earned: Option<Points>,
    /// Points to earn.
    pub points: u32,
    /// Its checks, in the lab's order.
    pub checks: Vec<CheckReport>,
}

/// One check's judgement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckReport {
    /// The check's id.
    pub id: String,
    /// What it states.
    pub title: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Share of the task's points.
    pub weight: u32,
    /// What is wrong, or why it is unknown, blocked or skipped; empty for a pass.
    pub message: String,
    /// The expression that decided, as written; empty for a pass.
    pub expression: String,
    /// Values of its sub-expressions, in reading order.
    pub values: Vec<Explained>,
    /// From what the check sees back to its cause, nearest first.
    pub cause: Vec<Link>,
    /// The check whose failure this one merely follows from.
    pub follows: Option<String>,
    /// The check that blocks this one.
    pub blocked_by: Option<String>,
    /// The named cause of a pending verdict, or of a fail after waiting.
    pub waiting: Option<String>,
    /// What a pass rests on where that has a limit, as requests have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Failed requests beside what happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
    /// Keys of the answers it rests on.
    pub evidence: Vec<String>,
    /// A command that shows the learner the same.
    pub look: Option<String>,
}

/// Failed requests beside what happened, on one clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Timeline {
    /// Where the columns begin, in milliseconds after the first look.
    pub from_ms: u64,
    /// How long one column is.
    pub column_ms: u64,
    /// Requests that were due, by column.
    pub sent: Vec<u32>,
    /// Requests that failed, by column.
    pub failed: Vec<u32>,
    /// What is told, in order.
    pub moments: Vec<Moment>,
    /// Groups of failures that are not told.
    pub more: usize,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Moment {
    /// When, in milliseconds after the first look.
    pub at_ms: u64,
    /// What, in words.
    pub says: String,
    /// How many requests failed then; 0 for anything else.
    pub failed: u32,
}

/// A sub-expression and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    /// Source text.
    pub expression: String,
    /// Its value, shortened.
    pub value: String,
}

/// One link of a cause chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The object, as in `pod/api-7d4b9`.
    pub object: String,
    /// The field, as in `status.containerStatuses[api].state.waiting.reason`;
    /// empty when the whole object is meant.
    pub field: String,
    /// What is wrong with it.
    pub says: String,
}

/// One question and how it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Asked {
    /// The key evidence has it under.
    pub key: String,
    /// The request line; empty when no server was asked.
    pub request: String,
    /// `present`, `absent`, or why it is unavailable.
    pub answer: String,
    /// The resourceVersion of the answer.
    pub resource_version: Option<String>,
    /// Milliseconds after the first look.
    pub at_ms: u64,
}

/// What a check comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Observed and as expected, and settled.
    Pass,
    /// Observed and wrong.
    Fail,
    /// Wrong now, with a named cause that is still at work.
    Pending,
    /// Not judged: a check it comes after failed.
    Blocked,
    /// Could not be observed. Never a fail, never a full score.
    Unknown,
    /// Not judged: its gate is closed. Never shown as a pass.
    Skipped,
}

impl Verdict {
    /// The word people and machines read.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Pending => "pending",
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
        }
    }

    /// The worst of several verdicts, in the order of exit codes; a pass when
    /// there is none but passes and skips.
    pub fn worst(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
        let rank = |verdict: &Verdict| match verdict {
            Self::Unknown => 4,
            Self::Fail => 3,
            Self::Blocked => 2,
            Self::Pending => 1,
            Self::Pass | Self::Skipped => 0,
        };
        match verdicts.into_iter().max_by_key(rank) {
            None | Some(Self::Skipped) => Self::Pass,
            Some(worst) => worst,
        }
    }

    /// The exit code of a report with this verdict: 0 passed, 1 failed, 3
    /// could not observe.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass | Self::Skipped => 0,
            Self::Fail | Self::Pending | Self::Blocked => 1,
            Self::Unknown => 3,
        }
    }
}

impl Report {
    /// Every check with its task, in order.
    pub fn checks(&self) -> impl Iterator<Item = (&TaskReport, &CheckReport)> {
        self.tasks.iter().flat_map(|task| task.checks.iter().map(move |check| (task, check)))
    }
}
