//! `labcheck collusion`: what students share that no two should.

use std::path::PathBuf;

use lab_bulk::collusion::{Found, Search};
use serde_json::json;

use super::{Format, rules};
use crate::{failure::Failure, labs::Library, output, progress::Progress};

/// Arguments of `labcheck collusion`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Submissions, archives of them, or directories with either
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Lab, as in lab08
    #[arg(long)]
    lab: String,
    /// Everyone in the class: a table with a column `id`
    #[arg(long, value_name = "FILE")]
    roster: PathBuf,
    /// How it is printed
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// Threads that read [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

/// Says what students share. It is a suspicion and no verdict, so the exit code
/// is 0 whatever is found.
///
/// # Errors
/// An unknown lab, or files that cannot be read. Never a submission.
pub fn run(args: &Args, library: &Library, progress: Progress) -> Result<u8, Failure> {
    let lab = library.find(&args.lab)?.lab;
    let roster = super::roster(&args.roster)?;
    let step = progress.step(&format!("comparing submissions of {}", lab.id));
    let search = Search {
        paths: &args.paths,
        lab: &lab.id,
        roster: &roster,
        threads: args.threads.map_or_else(rules::cores, usize::from),
        progress: &|done, total| {
            if done.is_multiple_of(64) {
                step.note(&format!("{done} of {total}"));
            }
        },
    };
    let found = search.run().map_err(Failure::usage)?;
    drop(step);
    match args.output {
        Format::Json => {
            let Found { compared, students, groups, common, passed_over } = &found;
            super::json(&json!({
                "format": lab_spec::FORMAT, "lab": lab.id, "compared": compared, "students": students,
                "suspicions": groups, "common": common, "passedOver": passed_over,
            }))?;
        }
        Format::Text => output::write(&text(&lab.id, &found))?,
    }
    Ok(0)
}

fn text(lab: &str, found: &Found) -> String {
    let Found { compared, students, groups, common, passed_over } = found;
    let mut text = format!("{lab}: {compared} submissions of {students} students compared\n");
    for group in groups {
        let head = format!("suspicion: {} share", super::some(&group.students));
        text.push('\n');
        text.push_str(&super::paragraph(&head, 0));
        for shared in &group.shared {
            let who = match shared.students.len() == group.students.len() {
                true => String::new(),
                false => format!(", {}", super::some(&shared.students)),
            };
            let count = if shared.count > 1 { format!(" ({})", shared.count) } else { String::new() };
            text.push_str(&super::paragraph(&format!("{}{count}{who}", shared.code.says()), 2));
            for example in &shared.examples {
                text.push_str(&super::paragraph(example, 4));
            }
        }
    }
    match groups.is_empty() {
        true => text.push_str("no two students share what no two should\n"),
        false => text.push_str("\na suspicion is no verdict: pairs and lent laptops look the same\n"),
    }
    for common in common {
        let says = common.code.says();
        text.push_str(&super::paragraph(
            &format!("{} of {students} students have {says}: that says nothing of anyone", common.students),
            0,
        ));
    }
    if !passed_over.is_empty() {
        text.push_str(&format!("not compared: {}\n", passed_over.len()));
    }
    for one in passed_over {
        text.push_str(&super::paragraph(&format!("{}: {}", one.place, one.why), 2));
    }
    text
}
