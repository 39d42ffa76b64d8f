//! What submissions are judged by: the lab, and what an instructor lays over it.

use std::collections::BTreeSet;

use lab_judge::Judge;
use lab_spec::{Diagnostic, Evidence, FORMAT, Lab, Report, Task, report::Points};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::grade::Course;

/// A lab with an instructor's overlay.
#[derive(Debug)]
pub struct Rubric {
    lab: Lab,
    hidden: BTreeSet<String>,
    bonus: BTreeSet<String>,
    digest: String,
}

/// The overlay's file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Overlay {
    format: u32,
    /// The lab it lies over.
    lab: String,
    /// Points of tasks of the lab, in place of the lab's own.
    #[serde(default)]
    points: indexmap::IndexMap<String, u32>,
    /// Tasks of the lab whose points count beyond a perfect solution.
    #[serde(default)]
    bonus: BTreeSet<String>,
    /// Tasks that students are not told of.
    #[serde(default)]
    hidden: Vec<Task>,
}

impl Rubric {
    /// The lab as it is. `judge` names the judge that will judge by it, as in a
    /// version: another one may come to other verdicts.
    pub fn plain(lab: Lab, judge: &str) -> Self {
        let digest = digest(&[&lab.digest, "", judge]);
        Self { lab, hidden: BTreeSet::new(), bonus: BTreeSet::new(), digest }
    }

    /// The lab with an overlay; `file` is named in errors.
    ///
    /// # Errors
    /// An overlay that cannot be read, is for another lab, names tasks that the
    /// lab does not have, or brings ids it has already.
    pub fn overlaid(mut lab: Lab, judge: &str, file: &str, text: &str) -> Result<Self, String> {
        let overlay: Overlay = serde_yaml::from_str(text).map_err(|error| format!("`{file}`: {error}"))?;
        if overlay.format != FORMAT {
            return Err(format!("`{file}` has format {}, expected {FORMAT}", overlay.format));
        }
        if overlay.lab != lab.id {
            return Err(format!("`{file}` is a rubric of `{}`, expected `{}`", overlay.lab, lab.id));
        }
        let digest = digest(&[&lab.digest, text, judge]);
        for (id, points) in &overlay.points {
            task(&mut lab, file, id)?.points = *points;
        }
        for id in &overlay.bonus {
            if overlay.hidden.iter().all(|task| task.id != *id) {
                task(&mut lab, file, id)?;
            }
        }
        let mut ids: BTreeSet<String> = lab.tasks.iter().map(|task| task.id.clone()).collect();
        let mut checks: BTreeSet<String> = lab.checks().map(|(_, check)| check.id.clone()).collect();
        let mut hidden = BTreeSet::new();
        for task in &overlay.hidden {
            if !ids.insert(task.id.clone()) {
                return Err(format!("`{file}`: there is a task `{}` already", task.id));
            }
            if task.checks.iter().map(|check| check.weight).sum::<u32>() == 0 && task.points > 0 {
                return Err(format!("`{file}`: task `{}` has points and no check that earns them", task.id));
            }
            for check in &task.checks {
                if !checks.insert(check.id.clone()) {
                    return Err(format!("`{file}`: there is a check `{}` already", check.id));
                }
                hidden.insert(check.id.clone());
            }
        }
        lab.tasks.extend(overlay.hidden);
        if lab.tasks.iter().all(|task| overlay.bonus.contains(&task.id)) {
            return Err(format!("`{file}`: every task is a bonus, so there are no points to reach"));
        }
        Ok(Self { lab, hidden, bonus: overlay.bonus, digest })
    }

    /// The lab, with the overlay's tasks in it.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Digest of all that a verdict depends on.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Its judge.
    ///
    /// # Errors
    /// Expressions that do not compile; `file` is named in them.
    pub fn judge(&self, file: &str) -> Result<Judge<'_>, Vec<Diagnostic>> {
        Judge::new(file, &self.lab)
    }

    /// What a batch was graded by.
    pub fn course(&self) -> Course {
        Course {
            lab: self.lab.id.clone(),
            title: self.lab.title.clone(),
            rubric: self.digest.clone(),
            points: self.points(),
            hidden: self.hidden.iter().cloned().collect(),
            bonus: self.bonus.iter().cloned().collect(),
            canvas_assignment: None,
        }
    }

    /// Points of a perfect solution, without bonus.
    pub fn points(&self) -> u32 {
        let counted = self.lab.tasks.iter().filter(|task| !self.bonus.contains(&task.id));
        counted.map(|task| task.points).sum()
    }

    /// The report of evidence: bonus tasks earn points beyond the sum.
    pub fn report(&self, judge: &Judge<'_>, evidence: &Evidence) -> Report {
        let mut report = judge.report(evidence);
        report.points = self.points();
        report
    }

    /// Why a report has no score: the checks that are unknown.
    pub fn unknown(report: &Report) -> Option<String> {
        if report.earned.is_some() {
            return None;
        }
        let unknown = report.checks().filter(|(_, check)| check.verdict == lab_spec::Verdict::Unknown);
        let said: Vec<_> = unknown.map(|(_, check)| format!("`{}`: {}", check.id, check.message)).collect();
        Some(said.join("; "))
    }

    /// A part of points, rounded to hundredths.
    pub fn part(points: Points, taken: u32) -> Points {
        let kept = u64::from(10_000 - taken.min(10_000));
        Points((points.0 * kept + 5_000) / 10_000)
    }
}

fn task<'l>(lab: &'l mut Lab, file: &str, id: &str) -> Result<&'l mut Task, String> {
    let known = lab.tasks.iter().map(|task| task.id.clone()).collect::<Vec<_>>();
    let none = || format!("`{file}`: the lab has no task `{id}`; it has {}", crate::table::listed(&known));
    lab.tasks.iter_mut().find(|task| task.id == id).ok_or_else(none)
}

fn digest(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    lab_bundle::hex(&digest.finalize())
}
