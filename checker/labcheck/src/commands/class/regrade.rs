//! `labcheck regrade`: who changes when stored submissions are judged under a
//! changed lab, before anything is written.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use lab_bulk::{
    batch::Batch,
    graded::Graded,
    journal::Journal,
    regrade::{Before, Change, Verdicts},
};
use lab_spec::report::Points;
use serde_json::json;

use super::{Format, grade::told, rules::RulesArgs, worker};
use crate::{
    failure::Failure,
    labs::{self, Library},
    output,
    progress::Progress,
};

/// Arguments of `labcheck regrade`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    rules: RulesArgs,
    /// Directory that `labcheck grade` wrote before
    #[arg(long, value_name = "DIR")]
    against: PathBuf,
    /// How it is printed
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

/// What the comparison comes to.
struct Changed {
    lab: String,
    /// Digests of what it was graded by, and is now.
    rubrics: (String, String),
    students: usize,
    changes: Vec<Change>,
    /// Changes of verdicts, and how many students each is of.
    checks: BTreeMap<Verdicts, usize>,
    /// Students who are graded and not in the roster any more.
    gone: Vec<String>,
}

/// Says who changes; 0 whether anybody does or not. Nothing is written: the
/// journal lies in a temporary directory.
///
/// # Errors
/// Files that are not what they should be, or grades of another lab. Never a
/// submission.
pub fn run(args: &Args, library: &Library, progress: Progress) -> Result<u8, Failure> {
    match worker::place()? {
        Some(journal) => work(args, &journal, library, progress),
        None => {
            let cannot =
                |error| Failure::unobservable(format!("cannot make a directory for the journal: {error}"));
            let journal = tempfile::tempdir().map_err(cannot)?;
            worker::supervise(journal.path())
        }
    }
}

fn work(args: &Args, journal: &Path, library: &Library, progress: Progress) -> Result<u8, Failure> {
    let (rubric, file) = args.rules.rubric(library)?;
    let judge = rubric.judge(&file).map_err(|problems| labs::broken(&problems))?;
    let roster = super::roster(&args.rules.roster)?;
    let rules = args.rules.rules(&roster, rubric.points(), &args.against)?;
    let graded = Graded::open(&args.against).map_err(Failure::usage)?;
    let (found, expected) = (&graded.course.lab, &rubric.lab().id);
    if found != expected {
        let shown = args.against.display();
        return Err(Failure::usage(format!("`{shown}` holds grades of `{found}`, expected `{expected}`"))
            .next(format!("labcheck regrade --lab {found}")));
    }
    let before = Before::read(graded, &roster).map_err(Failure::usage)?;
    let step = progress.step(&format!("regrading {}", rubric.lab().id));
    let told = told(&step);
    let store = Journal::open(journal, &rubric.lab().id).map_err(Failure::unobservable)?;
    let batch = Batch {
        rubric: &rubric,
        judge: &judge,
        judging: &|evidence| rubric.report(&judge, evidence),
        reading: |_| {},
        paths: &args.rules.paths,
        shard: None,
        out: journal,
        threads: args.rules.threads(),
        progress: &told,
    };
    let mut class = batch.run(Arc::new(store), &rules).map_err(Failure::unobservable)?;
    drop(told);
    let mut changed = Changed {
        lab: rubric.lab().id.clone(),
        rubrics: (before.course.rubric.clone(), rubric.digest().to_owned()),
        students: roster.students().len(),
        changes: Vec::new(),
        checks: BTreeMap::new(),
        gone: before.gone.clone(),
    };
    for (at, grade) in class.grades().enumerate() {
        let grade = grade.map_err(Failure::unobservable)?;
        let Some(change) = before.change(at, &grade) else { continue };
        for check in &change.checks {
            *changed.checks.entry(check.clone()).or_default() += 1;
        }
        changed.changes.push(change);
    }
    step.done(&format!("{} judged", class.judged));
    match args.output {
        Format::Json => super::json(&changed.json())?,
        Format::Text => output::write(&changed.text())?,
    }
    Ok(0)
}

impl Changed {
    fn json(&self) -> serde_json::Value {
        let checks: Vec<_> = self
            .checks
            .iter()
            .map(|(check, students)| {
                json!({"check": check.check, "was": check.was, "is": check.is, "students": students})
            })
            .collect();
        json!({
            "format": lab_spec::FORMAT, "lab": self.lab,
            "rubric": {"was": self.rubrics.0, "is": self.rubrics.1},
            "students": self.students, "changes": self.changes, "checks": checks, "gone": self.gone,
        })
    }

    fn text(&self) -> String {
        let Self { lab, students, changes, checks, gone, rubrics } = self;
        let mut text = format!("{lab}: {} of {students} students change\n", changes.len());
        if rubrics.0 == rubrics.1 {
            text.push_str("lab, rubric and judge are those that it was graded by\n");
        }
        if !changes.is_empty() {
            let mut table = super::table(["STUDENT", "BEFORE", "NOW", "CHANGE", "CHECKS"]);
            for change in changes {
                let checks: Vec<_> = change.checks.iter().map(says).collect();
                table.add_row([
                    lab_render::line(&change.student).into_owned(),
                    change.was.map_or_else(|| "-".to_owned(), |was| score(change.was_score, was)),
                    score(change.score, change.is),
                    difference(change),
                    checks.join("\n"),
                ]);
            }
            text.push_str(&format!("\n{}\n", table.trim_fmt()));
        }
        if !checks.is_empty() {
            let mut table = super::table(["STUDENTS", "CHECK"]);
            for (check, students) in checks {
                table.add_row([students.to_string(), says(check)]);
            }
            text.push_str(&format!("\n{}\n", table.trim_fmt()));
        }
        if !gone.is_empty() {
            let says = format!("graded before, and not in the roster: {}", super::some(gone));
            text.push_str(&super::paragraph(&says, 0));
        }
        text.push_str("nothing was written; `labcheck grade` into a new directory writes\n");
        text
    }
}

/// The score, or the word for there being none.
fn score(score: Option<Points>, standing: &str) -> String {
    score.map_or_else(|| standing.to_owned(), |score| score.to_string())
}

fn difference(change: &Change) -> String {
    let Some(difference) = change.difference else { return "-".to_owned() };
    let sign = match difference {
        0 => "",
        1.. => "+",
        _ => "-",
    };
    format!("{sign}{}", Points(difference.unsigned_abs()))
}

fn says(check: &Verdicts) -> String {
    let (was, is) = (check.was.unwrap_or("not there"), check.is.unwrap_or("not there"));
    format!("{}: {was} -> {is}", lab_render::line(&check.check))
}
