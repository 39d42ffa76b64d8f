//! What a class has in common: failures that are the same, and how each check
//! tells those who know from those who do not.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use lab_spec::{Report, Verdict, report::CheckReport, report::TaskReport};
use serde::Serialize;

use crate::grade::Grade;

/// The share of failures beyond which a check is rather wrong than hard.
const TOO_MANY: f64 = 0.8;
/// Students from which on a share says something of a check.
const ENOUGH: u32 = 5;
/// Students from which on a correlation says something; of few, chance makes
/// many a negative one.
const MANY: u32 = 20;

/// What a class has in common.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Triage {
    /// Grades that were read.
    pub students: u32,
    /// Those with a report; all else counts these.
    pub judged: u32,
    /// Those of them who failed nothing.
    pub all_passed: u32,
    /// Failures that are the same, the most frequent first.
    pub clusters: Vec<Cluster>,
    /// Every check, in the order of the lab.
    pub items: Vec<Item>,
}

/// Students who fail the same checks in the same way.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cluster {
    /// Their ids, in the roster's order.
    pub students: Vec<String>,
    /// What each of them fails.
    pub checks: Vec<Failed>,
}

/// A check that a cluster of students fails.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    /// The check's id.
    pub check: String,
    /// What the first of them is told; the others are told the same of other
    /// names and numbers.
    pub message: String,
}

/// How a check divides the class.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// The task's id.
    pub task: String,
    /// The check's id.
    pub check: String,
    /// Students who passed it.
    pub passed: u32,
    /// Students who did not: it failed, was blocked, or was not done in time.
    pub failed: u32,
    /// Students of whom it is unknown; no share counts them.
    pub unknown: u32,
    /// The share that passed, from 0 to 1; `None` where nobody was judged.
    pub difficulty: Option<f64>,
    /// Point-biserial correlation of passing it with the points for everything
    /// else, from -1 to 1; `None` where all are alike.
    pub discrimination: Option<f64>,
    /// What an instructor should look at.
    pub notes: Vec<&'static str>,
}

/// Takes in grades, one at a time. Memory grows with the number of different
/// failures and, by an id, with the number of students who fail.
#[derive(Default)]
pub struct Tally {
    students: u32,
    judged: u32,
    all_passed: u32,
    clusters: BTreeMap<Vec<(String, String)>, Cluster>,
    items: IndexMap<(String, String), Sums>,
}

/// Sums over the students with a full report: those of whom nothing is unknown.
#[derive(Default)]
struct Sums {
    passed: u32,
    failed: u32,
    unknown: u32,
    /// How many of them there are, and the sums of their points for everything
    /// else and of the squares of these.
    all: (f64, f64, f64),
    /// How many of them passed, and the sum of their points.
    passing: (f64, f64),
}

impl Tally {
    /// Takes in a grade.
    pub fn add(&mut self, grade: &Grade) {
        self.students += 1;
        let Some(report) = &grade.report else { return };
        self.judged += 1;
        self.items(report);
        let failed: Vec<_> =
            report.checks().map(|(_, check)| check).filter(|check| is_failed(check)).collect();
        if failed.is_empty() {
            self.all_passed += u32::from(report.checks().all(|(_, check)| check.verdict != Verdict::Unknown));
            return;
        }
        let shape = failed.iter().map(|check| (check.id.clone(), shape(&check.message))).collect();
        let cluster = self.clusters.entry(shape).or_insert_with(|| Cluster {
            students: Vec::new(),
            checks: failed
                .iter()
                .map(|check| Failed { check: check.id.clone(), message: check.message.clone() })
                .collect(),
        });
        cluster.students.push(grade.student.id.clone());
    }

    fn items(&mut self, report: &Report) {
        let total = report.earned.map(|earned| points(earned.0));
        for (task, check) in report.checks() {
            let sums = self.items.entry((task.id.clone(), check.id.clone())).or_default();
            let passed = check.verdict == Verdict::Pass;
            match check.verdict {
                Verdict::Pass => sums.passed += 1,
                Verdict::Unknown => sums.unknown += 1,
                Verdict::Skipped => continue,
                Verdict::Fail | Verdict::Blocked | Verdict::Pending => sums.failed += 1,
            }
            let Some(total) = total.filter(|_| check.verdict != Verdict::Unknown) else { continue };
            let rest = total - if passed { worth(task, check) } else { 0.0 };
            sums.all = (sums.all.0 + 1.0, sums.all.1 + rest, sums.all.2 + rest * rest);
            if passed {
                sums.passing = (sums.passing.0 + 1.0, sums.passing.1 + rest);
            }
        }
    }

    /// What they have in common.
    pub fn triage(self) -> Triage {
        let mut clusters: Vec<_> = self.clusters.into_values().collect();
        clusters.sort_by_key(|cluster| std::cmp::Reverse(cluster.students.len()));
        let items = self.items.into_iter().map(|((task, check), sums)| sums.item(task, check)).collect();
        Triage { students: self.students, judged: self.judged, all_passed: self.all_passed, clusters, items }
    }
}

impl Sums {
    fn item(&self, task: String, check: String) -> Item {
        let judged = self.passed + self.failed;
        let difficulty = (judged > 0).then(|| f64::from(self.passed) / f64::from(judged));
        let discrimination = self.discrimination();
        let mut notes = Vec::new();
        if judged >= ENOUGH && difficulty.is_some_and(|share| 1.0 - share > TOO_MANY) {
            notes.push("more than 80 % fail: the check is probably wrong");
        }
        if judged >= MANY && discrimination.is_some_and(|r| r < 0.0) {
            notes.push("those who pass it do worse elsewhere: look at what it asks");
        }
        Item {
            task,
            check,
            passed: self.passed,
            failed: self.failed,
            unknown: self.unknown,
            difficulty,
            discrimination,
            notes,
        }
    }

    /// Point-biserial correlation of passing with the points for everything
    /// else: (M₁ - M) / s · √(p / q). See Crocker and Algina, Introduction to
    /// Classical and Modern Test Theory (1986), chapter 14; the check's own
    /// points are left out of the total as Henrysson asks for, Psychometrika 28
    /// (1963), 211-218.
    fn discrimination(&self) -> Option<f64> {
        let ((n, sum, squares), (passed, passed_sum)) = (self.all, self.passing);
        if passed == 0.0 || passed >= n {
            return None;
        }
        let mean = sum / n;
        let deviation = (squares / n - mean * mean).max(0.0).sqrt();
        let p = passed / n;
        // Sums of floats: less than a thousandth of a point is none.
        (deviation > 0.001).then(|| (passed_sum / passed - mean) / deviation * (p / (1.0 - p)).sqrt())
    }
}

/// Points of a check: its share of the task's.
fn worth(task: &TaskReport, check: &CheckReport) -> f64 {
    let all: u32 = task.checks.iter().map(|check| check.weight).sum();
    f64::from(task.points) * f64::from(check.weight) / f64::from(all.max(1))
}

fn points(hundredths: u64) -> f64 {
    // Points of a lab are far below what a float holds exactly.
    u32::try_from(hundredths).map_or(f64::MAX, f64::from) / 100.0
}

fn is_failed(check: &CheckReport) -> bool {
    matches!(check.verdict, Verdict::Fail | Verdict::Pending | Verdict::Blocked)
}

/// The message without what differs from student to student: names that
/// clusters make up and numbers, which all have digits in them.
fn shape(message: &str) -> String {
    let words = message.split_whitespace().map(|word| match word.contains(|c: char| c.is_ascii_digit()) {
        true => "#",
        false => word,
    });
    // Lists of names may be of any length.
    let mut words: Vec<_> = words.collect();
    words.dedup_by(|word, before| *word == "#" && *before == "#");
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_one_shape_differ_in_names_and_numbers() {
        let one = shape("pod `api-7d4b9-x2x8z` restarted 3 times, expected 0");
        assert_eq!(one, shape("pod `api-5c9f7-aa1aa` restarted 12 times, expected 0"));
        assert_ne!(one, shape("pod `api-5c9f7-aa1aa` is not ready"));
        assert_eq!(shape("answered by [\"a-1\"]"), shape("answered by [\"a-2\", \"b-1\"]"));
    }

    #[test]
    fn discrimination_is_the_correlation_with_everything_else() {
        // Points for the rest 1 to 4; the upper two passed: the correlation of
        // (0, 0, 1, 1) with (1, 2, 3, 4) is 2 / sqrt(5).
        let sums = Sums { passed: 2, failed: 2, all: (4.0, 10.0, 30.0), passing: (2.0, 7.0), unknown: 1 };
        let item = sums.item("t".to_owned(), "c".to_owned());
        assert!((item.discrimination.unwrap() - 2.0 / 5_f64.sqrt()).abs() < 1e-12);
        assert_eq!(item.difficulty, Some(0.5));
        // Where all pass, or all others are alike, there is none.
        assert_eq!(Sums { all: (2.0, 4.0, 8.0), passing: (2.0, 4.0), ..sums }.discrimination(), None);
        assert_eq!(
            Sums { all: (4.0, 8.0, 16.0), passing: (2.0, 4.0), ..Sums::default() }.discrimination(),
            None
        );
    }

    #[test]
    fn a_check_that_nearly_all_fail_is_probably_wrong() {
        let notes = |passed, failed| {
            Sums { passed, failed, ..Sums::default() }.item(String::new(), String::new()).notes
        };
        assert_eq!(notes(1, 5), ["more than 80 % fail: the check is probably wrong"]);
        assert!(notes(1, 4).is_empty());
        assert!(notes(0, 4).is_empty());
    }
}
