//! Lists as API servers answer them. One that no server gives was made by hand,
//! and which of its objects counts would depend on who reads it.

use std::collections::HashSet;

use lab_spec::{Evidence, Observation, Outcome};
use serde_json::Value;

use crate::{Fault, observations};

/// Groups that every API server serves.
const SERVED: [&str; 9] = [
    "v1",
    "apps/v1",
    "batch/v1",
    "discovery.k8s.io/v1",
    "networking.k8s.io/v1",
    "policy/v1",
    "rbac.authorization.k8s.io/v1",
    "storage.k8s.io/v1",
    "autoscaling/v2",
];

/// Refuses lists with two objects of one name, with objects of another group or
/// version than was asked for, and kinds that every server serves and this one
/// is said not to.
pub fn check(evidence: &Evidence) -> Result<(), Fault> {
    for (key, observation) in observations(evidence) {
        let Some(version) = key.strip_prefix("list ").and_then(|rest| rest.split(' ').next()) else {
            continue;
        };
        list(key, version, observation)?;
    }
    Ok(())
}

fn list(key: &str, version: &str, observation: &Observation) -> Result<(), Fault> {
    let shown = key.escape_debug();
    let items = match &observation.outcome {
        Outcome::Present(Value::Array(items)) => items,
        Outcome::Absent if SERVED.contains(&version) => {
            return Err(Fault::Forged(format!("`{shown}` was not served, which every server does")));
        }
        Outcome::Present(_) => return Err(Fault::Forged(format!("`{shown}` is no list"))),
        Outcome::Absent | Outcome::Unavailable(_) => return Ok(()),
    };
    let mut names = HashSet::new();
    for item in items {
        if let Some(found) = item["apiVersion"].as_str().filter(|found| *found != version) {
            let found = found.escape_debug();
            return Err(Fault::Forged(format!("`{shown}` holds a `{found}` object")));
        }
        let of = |field: &str| item["metadata"][field].as_str();
        if let Some(name) = of("name")
            && !names.insert((of("namespace"), name))
        {
            let name = name.escape_debug();
            return Err(Fault::Forged(format!("`{shown}` has two objects called `{name}`")));
        }
    }
    Ok(())
}
