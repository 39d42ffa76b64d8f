//! `labcheck author lint`: what can be said of a lab without a cluster.

use indexmap::IndexMap;
use lab_judge::Judge;
use lab_spec::{
    Evidence, Lab, Look, Observation, Outcome, Request, Target, Verdict,
    evidence::{Cluster, LabRef, Params, Project, Provenance},
};

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
        let judge = Judge::new(&entry.file(), &entry.lab).map_err(|problems| labs::broken(&problems))?;
        let mut problems = states(&entry.lab, &entry.path()?)?;
        problems.extend(vacuous(&entry.lab, &judge));
        problems.extend(by_order(&entry.lab));
        problems.extend(judge.unknown_fields(&entry.file()).iter().map(ToString::to_string));
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

/// Checks that pass on a cluster with nothing in it: `all()` of nothing, or a
/// denial without a positive control.
fn vacuous(lab: &Lab, judge: &Judge<'_>) -> Vec<String> {
    let mut evidence = Evidence {
        format: lab_spec::FORMAT,
        lab: LabRef { id: lab.id.clone(), digest: lab.digest.clone() },
        cluster: Cluster { namespace: lab.namespace.clone(), ..Cluster::default() },
        project: lab.has(Target::Compose).then(Project::default),
        params: Params::default(),
        images: IndexMap::new(),
        looks: Vec::new(),
        experiments: IndexMap::new(),
        ended: None,
    };
    let requests = judge.whole_look(&evidence);
    let empty = |request: &Request| {
        let outcome = match request {
            Request::List { .. } | Request::Docker { .. } => {
                Outcome::Present(serde_json::Value::Array(Vec::new()))
            }
            _ => Outcome::Absent,
        };
        (request.key(), Observation { outcome, provenance: Provenance::default() })
    };
    let observations = requests.iter().map(empty).collect();
    evidence.looks.push(Look { at_ms: 0, wall_ms: 0, gap: false, observations });
    let report = judge.report(&evidence);
    report
        .checks()
        .filter(|(_, check)| check.verdict == Verdict::Pass && check.weight > 0)
        .map(|(_, check)| {
            format!(
                "check `{}` passes on a cluster with nothing in it: it needs a positive control",
                check.id
            )
        })
        .collect()
}

/// Expressions that take the first element of a list, whose order nobody
/// promised.
fn by_order(lab: &Lab) -> Vec<String> {
    let first = |text: &str| text.contains("[0]");
    lab.checks()
        .filter(|(_, check)| check.expressions().any(|expr| first(&expr.text)))
        .map(|(_, check)| {
            format!("check `{}` takes element `[0]` of a list; choose the element by what it is", check.id)
        })
        .collect()
}
