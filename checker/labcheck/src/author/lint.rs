//! `labcheck author lint`: what can be said of a lab without a cluster.

use lab_judge::Judge;
use lab_spec::Lab;

use super::state;
use crate::{
    failure::Failure,
    labs::{self, Library},
};

/// Arguments of `labcheck author lint`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Labs [default: all]
    #[arg(value_name = "LAB")]
    only: Vec<String>,
}

/// Checks lab files, expressions, states and what they expect.
///
/// # Errors
/// All problems of the first lab that has some.
pub fn run(args: &Args, library: &Library) -> Result<u8, Failure> {
    let wanted = if args.only.is_empty() { library.folders()? } else { args.only.clone() };
    for wanted in &wanted {
        let entry = library.find(wanted)?;
        Judge::new(&entry.file(), &entry.lab).map_err(|problems| labs::broken(&problems))?;
        let problems = states(&entry.lab, &entry.path()?)?;
        if !problems.is_empty() {
            return Err(Failure::usage(format!("`{}`:\n{}", entry.lab.id, problems.join("\n"))));
        }
        anstream::println!("{}: {} checks, no problem found", entry.lab.id, entry.lab.checks().count());
    }
    Ok(0)
}

/// What the states of a lab fail to prove.
fn states(lab: &Lab, dir: &std::path::Path) -> Result<Vec<String>, Failure> {
    let states = state::all(dir)?;
    let mut problems = Vec::new();
    let known = |id: &String| lab.checks().any(|(_, check)| check.id == *id);
    for state in &states {
        for id in state.expect.fails.iter().chain(&state.expect.either).filter(|id| !known(id)) {
            problems.push(format!("`{}/expect.yaml` names `{id}`, which is no check of the lab", state.name));
        }
    }
    for (_, check) in lab.checks().filter(|(_, check)| check.weight > 0) {
        let proven = states.iter().any(|state| state.expect.fails.contains(&check.id));
        if !proven && !state::unprovable(dir)?.contains_key(&check.id) {
            problems.push(format!(
                "no state fails check `{}`: a check nobody has seen fail proves nothing",
                check.id
            ));
        }
    }
    Ok(problems)
}
