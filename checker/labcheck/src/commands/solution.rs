//! `labcheck solution lab01`: the official solution, as a diff against what
//! the learner was given. Asks first.

use similar::TextDiff;

use super::confirm;
use crate::{failure::Failure, labs::Library, output};

/// Arguments of `labcheck solution`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Lab, as in lab01
    lab: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Prints the solution.
///
/// # Errors
/// If there is no such lab, or nobody can be asked.
pub fn run(args: &Args, library: &Library) -> Result<u8, Failure> {
    let entry = library.find(&args.lab)?;
    let question = format!("This shows how {} is solved. You learn more by asking for hints.", entry.lab.id);
    if !args.yes && !confirm::yes(&question)? {
        anstream::eprintln!("not shown; `labcheck hint {}` lists the tasks", entry.lab.id);
        return Ok(0);
    }
    let (starter, solution) = (entry.files("starter"), entry.files("solution"));
    let names: std::collections::BTreeSet<&String> =
        starter.iter().chain(&solution).map(|(name, _)| name).collect();
    let mut diffs = String::new();
    for name in names {
        let text = |files: &[(String, String)]| {
            files.iter().find(|(file, _)| file == name).map(|(_, text)| text.clone()).unwrap_or_default()
        };
        let (old, new) = (text(&starter), text(&solution));
        if old != new {
            let diff = TextDiff::from_lines(&old, &new);
            let (from, to) = (format!("starter/{name}"), format!("solution/{name}"));
            diffs.push_str(&diff.unified_diff().header(&from, &to).to_string());
        }
    }
    output::write(&diffs)?;
    Ok(0)
}
