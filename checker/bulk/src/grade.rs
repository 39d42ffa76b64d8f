//! What a class comes to: one grade per student, and what a teacher should see.

use jiff::Timestamp;
use lab_spec::{Report, Verdict, report::Points};
use serde::{Deserialize, Serialize};

use crate::{requests::Request, roster::Student};

/// One student's grade.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grade {
    /// Whose it is.
    pub student: Student,
    /// Whether there is a score, and if not, why not.
    pub standing: Standing,
    /// Points earned before anything was taken off; bonus included.
    pub earned: Option<Points>,
    /// Hundredths of a percent taken off for being late, and why.
    pub late: Option<Penalty>,
    /// A teacher's decision, which stands in place of the computed score.
    pub decision: Option<Decision>,
    /// What goes into a grade book; `None` where nothing may be entered.
    pub score: Option<Points>,
    /// Points of a perfect solution, without bonus.
    pub points: u32,
    /// Everything that was handed in, in the order of receipt.
    pub attempts: Vec<Attempt>,
    /// Which of the attempts counts; `None` for an average of several, or where
    /// there is none.
    pub counts: Option<usize>,
    /// What a teacher should look at before the grade is given.
    pub flags: Vec<Flag>,
    /// What the student asks to be graded again, and what was answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<Request>,
    /// The judgement of the attempt that counts, hidden checks included.
    pub report: Option<Report>,
}

/// Whether a student has a score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum Standing {
    /// Every check was judged.
    Graded,
    /// Something could not be observed: no score, which is not a zero.
    Unknown {
        /// Which checks, and why.
        why: String,
    },
    /// What was handed in cannot be judged: no score, which is not a zero.
    Ungradable {
        /// A reason that can be sent to the student.
        why: String,
    },
    /// Nothing was handed in.
    Missing,
}

impl Standing {
    /// The word people and machines read.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Graded => "graded",
            Self::Unknown { .. } => "unknown",
            Self::Ungradable { .. } => "ungradable",
            Self::Missing => "missing",
        }
    }

    /// Why there is no score; empty where there is one.
    pub fn why(&self) -> &str {
        match self {
            Self::Graded => "",
            Self::Missing => "nothing was handed in",
            Self::Unknown { why } | Self::Ungradable { why } => why,
        }
    }
}

/// Something that was handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Where it lay: a path, or an archive's path, `!` and the path in it.
    pub place: String,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// When it was received, by whoever received it; never by what it says.
    pub received: Option<Timestamp>,
    /// What it came to.
    pub standing: Standing,
    /// Points earned, before anything was taken off.
    pub earned: Option<Points>,
    /// What was taken off for being late.
    pub late: Option<Penalty>,
    /// What it scores.
    pub score: Option<Points>,
}

/// What was taken off for being late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Penalty {
    /// Hundredths of a percent of what was earned; 10,000 is all of it.
    pub hundredths: u32,
    /// In words, as in `2 days late, 1 of them a grace day`.
    pub why: String,
}

/// A score set by a teacher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// The score.
    pub score: Points,
    /// Why.
    pub reason: String,
    /// Who decided.
    pub author: String,
}

/// Something a teacher should look at. It never changes a score.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Flag {
    /// A stable word, as in `other-student`.
    pub code: String,
    /// What was seen, in words.
    pub says: String,
}

impl Flag {
    /// A flag of this code.
    pub fn new(code: &str, says: impl Into<String>) -> Self {
        Self { code: code.to_owned(), says: says.into() }
    }
}

/// A file that belongs to no student of the roster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unmatched {
    /// Where it lay.
    pub place: String,
    /// Why it is nobody's, or why it cannot be read.
    pub why: String,
}

/// What a batch was graded by; the same for every grade in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Course {
    /// The lab's id.
    pub lab: String,
    /// The lab's title.
    pub title: String,
    /// Digest of all that a verdict depends on: lab, overlay, judge.
    pub rubric: String,
    /// Points of a perfect solution, without bonus.
    pub points: u32,
    /// Ids of checks that students are not told of.
    pub hidden: Vec<String>,
    /// Ids of tasks whose points count beyond a perfect solution.
    pub bonus: Vec<String>,
    /// The number of the assignment in Canvas; without one Canvas makes a new
    /// assignment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canvas_assignment: Option<u64>,
}

impl Grade {
    /// The report as the student may see it: without tasks and checks that are
    /// hidden, and with the points of what is left, so that nothing can be told
    /// from a difference. `None` where nothing was judged.
    pub fn feedback(&self, course: &Course) -> Option<Report> {
        let mut report = self.report.clone()?;
        for task in &mut report.tasks {
            task.checks.retain(|check| !course.hidden.contains(&check.id));
        }
        report.tasks.retain(|task| !task.checks.is_empty());
        report.verdict = Verdict::worst(report.tasks.iter().map(|task| task.verdict));
        let earned: Option<u64> = report.tasks.iter().map(|task| task.earned.map(|earned| earned.0)).sum();
        report.earned = earned.map(Points);
        let counted = report.tasks.iter().filter(|task| !course.bonus.contains(&task.id));
        report.points = counted.map(|task| task.points).sum();
        Some(report)
    }
}
