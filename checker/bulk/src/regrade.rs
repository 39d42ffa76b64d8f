//! Who changes when a class is graded anew, by how much, and at which check.

use std::collections::{BTreeMap, HashMap};

use lab_spec::{Report, Verdict, report::Points};
use serde::Serialize;

use crate::{
    grade::{Course, Grade},
    graded::Graded,
    roster::Roster,
};

/// The grades of before, in few words.
pub struct Before {
    /// What they were graded by.
    pub course: Course,
    /// By place in the roster.
    grades: BTreeMap<usize, Short>,
    /// Ids of students who are not in the roster any more.
    pub gone: Vec<String>,
    /// Ids of checks, which grades name by number.
    checks: Vec<String>,
}

struct Short {
    standing: &'static str,
    score: Option<Points>,
    /// By number of the check.
    verdicts: Vec<(u32, Verdict)>,
}

/// A student whose grade changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The student's id.
    pub student: String,
    /// Whether there was a score, in a word; `None` for somebody new.
    pub was: Option<&'static str>,
    /// Whether there is one.
    pub is: &'static str,
    /// The score of before, in hundredths.
    pub was_score: Option<Points>,
    /// The new one.
    pub score: Option<Points>,
    /// The difference in hundredths, where there are two scores.
    pub difference: Option<i64>,
    /// What changes.
    pub checks: Vec<Verdicts>,
}

/// A check with another verdict.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdicts {
    /// The check's id.
    pub check: String,
    /// The verdict of before; `None` if it was not there.
    pub was: Option<&'static str>,
    /// The new one; `None` if it is gone.
    pub is: Option<&'static str>,
}

impl Before {
    /// Takes in the grades of before, one at a time.
    ///
    /// # Errors
    /// Grades that cannot be read.
    pub fn read(graded: Graded, roster: &Roster) -> Result<Self, String> {
        let course = graded.course.clone();
        let mut before = Self { course, grades: BTreeMap::new(), gone: Vec::new(), checks: Vec::new() };
        let mut numbers = HashMap::new();
        for grade in graded {
            let grade = grade?;
            let Some(at) = roster.by_id(&grade.student.id) else {
                before.gone.push(grade.student.id);
                continue;
            };
            let verdicts = grade.report.iter().flat_map(Report::checks).map(|(_, check)| {
                let number = *numbers.entry(check.id.clone()).or_insert_with(|| {
                    before.checks.push(check.id.clone());
                    u32::try_from(before.checks.len() - 1).unwrap_or(u32::MAX)
                });
                (number, check.verdict)
            });
            let verdicts = verdicts.collect();
            let (standing, score) = (grade.standing.word(), grade.score);
            before.grades.insert(at, Short { standing, score, verdicts });
        }
        Ok(before)
    }

    /// What changes for the student at this place; `None`: nothing.
    pub fn change(&self, at: usize, now: &Grade) -> Option<Change> {
        let before = self.grades.get(&at);
        let (was, was_score) = (before.map(|before| before.standing), before.and_then(|before| before.score));
        let mut old: HashMap<&str, Verdict> = HashMap::new();
        for (number, verdict) in before.iter().flat_map(|before| &before.verdicts) {
            old.extend(self.checks.get(*number as usize).map(|check| (check.as_str(), *verdict)));
        }
        let mut checks = Vec::new();
        for (_, check) in now.report.iter().flat_map(Report::checks) {
            let was = old.remove(check.id.as_str());
            if was != Some(check.verdict) {
                let (was, is) = (was.map(Verdict::word), Some(check.verdict.word()));
                checks.push(Verdicts { check: check.id.clone(), was, is });
            }
        }
        let mut left: Vec<_> = old.into_iter().collect();
        left.sort_unstable_by_key(|(check, _)| *check);
        checks.extend(left.into_iter().map(|(check, verdict)| Verdicts {
            check: check.to_owned(),
            was: Some(verdict.word()),
            is: None,
        }));
        let is = now.standing.word();
        if was == Some(is) && was_score == now.score && checks.is_empty() {
            return None;
        }
        let signed = |points: Points| i64::try_from(points.0).unwrap_or(i64::MAX);
        Some(Change {
            student: now.student.id.clone(),
            was,
            is,
            was_score,
            score: now.score,
            difference: was_score.zip(now.score).map(|(was, is)| signed(is) - signed(was)),
            checks,
        })
    }
}
