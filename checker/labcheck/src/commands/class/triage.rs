//! `labcheck triage`: what a class has in common, from its grades.

use std::path::PathBuf;

use lab_bulk::{
    graded::Graded,
    triage::{Item, Tally, Triage},
};
use serde_json::json;

use super::Format;
use crate::{failure::Failure, output};

/// Arguments of `labcheck triage`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Directory that `labcheck grade` wrote
    #[arg(value_name = "DIR")]
    grades: PathBuf,
    /// How it is printed
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

/// Says what a class has in common.
///
/// # Errors
/// Grades that cannot be read.
pub fn run(args: &Args) -> Result<u8, Failure> {
    let graded = Graded::open(&args.grades).map_err(Failure::usage)?;
    let course = graded.course.clone();
    let mut tally = Tally::default();
    for grade in graded {
        tally.add(&grade.map_err(Failure::usage)?);
    }
    let triage = tally.triage();
    match args.output {
        Format::Json => {
            let Triage { students, judged, all_passed, clusters, items } = &triage;
            super::json(&json!({
                "format": lab_spec::FORMAT, "lab": course.lab, "rubric": course.rubric,
                "students": students, "judged": judged, "allPassed": all_passed,
                "clusters": clusters, "items": items,
            }))?;
        }
        Format::Text => output::write(&text(&course.lab, &triage))?,
    }
    Ok(0)
}

fn text(lab: &str, triage: &Triage) -> String {
    let Triage { students, judged, all_passed, clusters, items } = triage;
    let mut text = format!("{lab}: {judged} of {students} students judged, {all_passed} failed nothing\n");
    if *judged == 0 {
        return text;
    }
    text.push_str("\nchecks (of those who were judged; discrimination is point-biserial)\n");
    let mut table = super::table(["CHECK", "PASSED", "FAILED", "UNKNOWN", "DIFFICULTY", "DISCRIMINATION"]);
    for item in items {
        table.add_row([
            lab_render::line(&item.check).into_owned(),
            item.passed.to_string(),
            item.failed.to_string(),
            item.unknown.to_string(),
            number(item.difficulty),
            number(item.discrimination),
        ]);
    }
    text.push_str(&format!("{}\n", table.trim_fmt()));
    for (item, note) in items.iter().flat_map(|item| item.notes.iter().map(move |note| (item, note))) {
        text.push_str(&super::paragraph(&look_at(item, note), 0));
    }
    if !clusters.is_empty() {
        text.push_str("\nfailures that are the same\n");
    }
    for cluster in clusters {
        let count = cluster.students.len();
        let students = if count == 1 { "student" } else { "students" };
        let head = format!("{count} {students}: {}", super::some(&cluster.students));
        text.push_str(&super::paragraph(&head, 0));
        for failed in &cluster.checks {
            text.push_str(&super::paragraph(&format!("`{}`: {}", failed.check, failed.message), 2));
        }
    }
    text
}

fn look_at(item: &Item, note: &str) -> String {
    format!("look at `{}`: {note}", item.check)
}

fn number(number: Option<f64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.2}"))
}
