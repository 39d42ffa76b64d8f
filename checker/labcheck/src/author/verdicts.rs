//! The verdicts of a graded state: as expected or not, the same as before or
//! not, and kept so that many runs add up.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::Path,
    sync::{Mutex, PoisonError},
};

use indexmap::IndexMap;
use lab_spec::{Report, Verdict};
use serde::Serialize;

use super::state::State;
use crate::failure::Failure;

/// A file to which every grading adds a line of JSON.
pub struct Kept {
    file: Mutex<fs::File>,
    name: String,
}

/// One grading.
#[derive(Serialize)]
struct Line<'l> {
    lab: &'l str,
    state: &'l str,
    /// Of what the verdicts depend on; only equal ones can be compared.
    digest: String,
    verdicts: IndexMap<&'l str, &'static str>,
    /// Checks that may be judged either way.
    either: &'l [String],
}

impl Kept {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let file = fs::OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(|error| Failure::usage(format!("`{name}` cannot be written: {error}")))?;
        Ok(Self { file: Mutex::new(file), name })
    }

    /// Adds a grading.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(&self, lab: &str, state: &State, digest: String, report: &Report) -> Result<(), Failure> {
        let verdicts = report.checks().map(|(_, check)| (check.id.as_str(), check.verdict.word())).collect();
        let line = Line { lab, state: &state.name, digest, verdicts, either: &state.expect.either };
        let cannot =
            |error: std::io::Error| Failure::usage(format!("`{}` cannot be written: {error}", self.name));
        let mut text = serde_json::to_string(&line).map_err(std::io::Error::from).map_err(cannot)?;
        text.push('\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(text.as_bytes()).map_err(cannot)
    }
}

/// The verdict of each check.
pub fn of(report: &Report) -> Vec<(String, Verdict)> {
    report.checks().map(|(_, check)| (check.id.clone(), check.verdict)).collect()
}

/// What the report says other than the state expects.
pub fn compare(state: &State, report: &Report) -> Vec<String> {
    let expected: BTreeSet<&str> = state.expect.fails.iter().map(String::as_str).collect();
    let either: BTreeSet<&str> = state.expect.either.iter().map(String::as_str).collect();
    report
        .checks()
        .filter(|(_, check)| !either.contains(check.id.as_str()))
        .filter_map(|(_, check)| {
            let fails = matches!(check.verdict, Verdict::Fail | Verdict::Pending | Verdict::Blocked);
            let expected = expected.contains(check.id.as_str());
            let right = if expected { fails } else { check.verdict == Verdict::Pass };
            let word = if expected { "fail" } else { "pass" };
            (!right).then(|| {
                format!(
                    "check `{}` is {}, expected {word}: {}",
                    check.id,
                    check.verdict.word(),
                    check.message
                )
            })
        })
        .collect()
}

/// Checks that were judged otherwise the next time.
pub fn differences(
    first: &[(String, Verdict)],
    next: &[(String, Verdict)],
    either: &[String],
) -> Vec<String> {
    first
        .iter()
        .zip(next)
        .filter(|((id, a), (_, b))| a != b && !either.contains(id))
        .map(|((id, a), (_, b))| {
            format!("check `{id}` was {}, then {}, on the same state", a.word(), b.word())
        })
        .collect()
}
