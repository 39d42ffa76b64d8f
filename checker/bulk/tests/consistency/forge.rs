//! Forgeries of recorded evidence of lab 01, in which nothing is found.

use lab_bulk::consistency;
use lab_bundle::Submission;
use lab_spec::Evidence;
use serde_json::{Value, json};

use super::{bundles, said, submitted};

pub const SOLUTION: &str = "01-environment/evidence/solution.labcheck";
pub const PODS: &str = "list v1 pods";
pub const SETS: &str = "list apps/v1 replicasets";
pub const DEPLOYMENTS: &str = "list apps/v1 deployments";
pub const OTHER: &str = "01234567-89ab-4cde-8f01-23456789abcd";

/// How much slower time goes in forgeries. Rules leave controllers some
/// seconds, and no recording has to last that long.
pub const SLOWER: i64 = 10;

/// The evidence of a recorded state.
pub fn recorded(state: &str) -> Evidence {
    let bundle = bundles().into_iter().find(|path| path.ends_with(state)).unwrap();
    lab_bundle::read(&bundle).unwrap()
}

pub fn solution() -> Value {
    serde_json::to_value(recorded(SOLUTION)).unwrap()
}

pub fn submission(evidence: Value) -> Submission {
    submitted(serde_json::from_value(evidence).unwrap())
}

pub fn said_of(evidence: Value) -> Vec<String> {
    said(&consistency::findings(&submission(evidence)))
}

/// What is found after the solution of lab 01 was changed.
pub fn found(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut evidence = serde_json::to_value(class::slowed(&recorded(SOLUTION), SLOWER).unwrap()).unwrap();
    change(&mut evidence);
    said_of(evidence)
}

/// What is found once every object of a list was changed, in all looks.
pub fn found_where(list: &str, change: impl FnMut(&mut Value)) -> Vec<String> {
    found(|evidence| every(evidence, list, change))
}

/// The lists of this kind: those of looks, then those of experiments.
pub fn lists<'v>(evidence: &'v mut Value, list: &str) -> Vec<&'v mut Value> {
    let mut answers = Vec::new();
    let evidence = evidence.as_object_mut().unwrap();
    let mut looks = Vec::new();
    for (field, value) in evidence {
        match field.as_str() {
            "looks" => {
                looks.extend(value.as_array_mut().unwrap().iter_mut().map(|look| &mut look["observations"]))
            }
            "experiments" => answers.extend(
                value
                    .as_object_mut()
                    .unwrap()
                    .values_mut()
                    .flat_map(|record| record["looks"].as_object_mut().unwrap().values_mut()),
            ),
            _ => {}
        }
    }
    looks.extend(answers);
    let answers = looks.into_iter().flat_map(|look| look.as_object_mut().unwrap().iter_mut());
    answers.filter(|(key, _)| key.starts_with(list)).map(|(_, answer)| answer).collect()
}

pub fn every(evidence: &mut Value, list: &str, mut change: impl FnMut(&mut Value)) {
    for answer in lists(evidence, list) {
        for item in answer["outcome"]["present"].as_array_mut().unwrap() {
            change(item);
        }
    }
}

#[track_caller]
pub fn only(found: &[String], expected: &[&str]) {
    let alike = found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected));
    assert!(alike, "found {found:#?}\nexpected {expected:#?}");
}

pub fn is_owned(item: &Value) -> bool {
    item["metadata"].get("ownerReferences").is_some()
}

/// The name of the only ReplicaSet. It ends with the hash of its template.
pub fn set_name() -> String {
    let mut evidence = solution();
    let sets = lists(&mut evidence, SETS);
    let [set] = sets[0]["outcome"]["present"].as_array().unwrap().as_slice() else {
        panic!("one ReplicaSet")
    };
    set["metadata"]["name"].as_str().unwrap().to_owned()
}

/// Pods of the ReplicaSet, as findings begin to tell them.
pub fn its_pods() -> String {
    format!("`pod/{}-", set_name())
}

/// Gives pods an owner that is in no list.
pub fn disown(pod: &mut Value) {
    if is_owned(pod) {
        pod["metadata"]["ownerReferences"][0]["uid"] = json!(OTHER);
    }
}

/// Gives pods a hash that their ReplicaSet does not select.
pub fn relabel(pod: &mut Value) {
    if is_owned(pod) {
        pod["metadata"]["labels"]["pod-template-hash"] = json!("5d5d5d5d5d");
    }
}
