//! `gradescope/`: what Gradescope's autograder reads, one file per student.
//!
//! Without a score the file has none at all, neither for the whole nor for a
//! test: Gradescope then enters nothing. Tests that it hides would hide the
//! student's total too, so hidden checks count in the total alone.

use std::{fs, io, path::Path};

use lab_spec::{
    Verdict,
    report::{Points, TaskReport},
};
use serde_json::{Map, Value, json};

use super::{Folder, Output, index::Index, safe, told::Told};
use crate::grade::{Course, Grade, Unmatched};

/// The directory.
pub struct Gradescope {
    folder: Folder,
    index: Index,
    course: Course,
}

impl Gradescope {
    /// Begins the directory in `dir`.
    pub fn begin(dir: &Path, course: &Course) -> io::Result<Self> {
        let folder = Folder::begin(dir.join("gradescope"))?;
        let index = Index::begin(&folder, &["file"])?;
        Ok(Self { folder, index, course: course.clone() })
    }
}

impl Output for Gradescope {
    fn add(&mut self, grade: &Grade) -> io::Result<()> {
        // Who handed in nothing has no submission there that a result could be of.
        if grade.attempts.is_empty() && grade.score.is_none() {
            return self.index.add(grade, &[""]);
        }
        let name = format!("{}.json", safe::file_name(&grade.student.id));
        let mut text = serde_json::to_vec_pretty(&results(grade, &self.course))?;
        text.push(b'\n');
        fs::write(self.folder.file(&name), text)?;
        self.index.add(grade, &[&name])
    }

    fn finish(self: Box<Self>, _: &[Unmatched]) -> io::Result<Vec<String>> {
        self.index.finish()?;
        self.folder.finish()?;
        Ok(Vec::new())
    }
}

/// The content of one `results.json`.
fn results(grade: &Grade, course: &Course) -> Value {
    let told = Told::of(grade, course);
    let facts = told.facts.iter().map(|(name, text)| format!("{name}: {}", lab_render::line(text)));
    let output: Vec<_> = [format!("Score: {}", told.score)].into_iter().chain(facts).collect();
    let mut results = Map::new();
    if let Some(score) = grade.score {
        results.insert("score".to_owned(), number(score));
    }
    results.insert("output".to_owned(), output.join("\n").into());
    for format in ["output_format", "test_output_format", "test_name_format"] {
        results.insert(format.to_owned(), "text".into());
    }
    results.insert("visibility".to_owned(), "visible".into());
    results.insert("stdout_visibility".to_owned(), "hidden".into());
    let tasks = told.report.iter().flat_map(|report| &report.tasks);
    let tests = tasks.flat_map(|task| tests(task, grade.score.is_some()));
    results.insert("tests".to_owned(), tests.collect());
    Value::Object(results)
}

/// A task's checks.
fn tests(task: &TaskReport, scored: bool) -> impl Iterator<Item = Value> {
    task.checks.iter().zip(shares(task)).map(move |(check, share)| {
        let task_name = lab_render::named(&task.id, &task.title);
        let mut test = Map::new();
        test.insert("name".to_owned(), lab_render::named(&check.id, &check.title).into());
        let status = match check.verdict {
            Verdict::Pass => Some("passed"),
            Verdict::Fail | Verdict::Pending | Verdict::Blocked => Some("failed"),
            // Neither: nobody knows.
            Verdict::Unknown | Verdict::Skipped => None,
        };
        test.extend(status.map(|status| ("status".to_owned(), status.into())));
        if let (true, Some(_)) = (scored, status) {
            let earned = if check.verdict == Verdict::Pass { share } else { Points(0) };
            test.insert("score".to_owned(), number(earned));
            test.insert("max_score".to_owned(), number(share));
        }
        let mut output = vec![format!("{} ({task_name})", check.verdict.word())];
        if check.verdict != Verdict::Pass {
            output.extend(lab_render::details(check));
        }
        test.insert("output".to_owned(), output.join("\n").into());
        test.insert("visibility".to_owned(), "visible".into());
        Value::Object(test)
    })
}

/// What each check of a task is worth; together the task's points.
pub fn shares(task: &TaskReport) -> Vec<Points> {
    let all: u64 = task.checks.iter().map(|check| u64::from(check.weight)).sum();
    let up_to = |weight: u64| u64::from(task.points) * 100 * weight / all.max(1);
    let mut before = 0;
    let share = |check: &lab_spec::report::CheckReport| {
        let after = before + u64::from(check.weight);
        let share = Points(up_to(after) - up_to(before));
        before = after;
        share
    };
    task.checks.iter().map(share).collect()
}

/// Points as a number; hundredths are exact enough in a float to be written as
/// what they are.
#[expect(clippy::cast_precision_loss, reason = "points are far below 2^52")]
pub fn number(points: Points) -> Value {
    match points.0 % 100 {
        0 => json!(points.0 / 100),
        _ => json!(points.0 as f64 / 100.0),
    }
}
