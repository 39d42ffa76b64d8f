//! Hostile inputs 25 to 28: lists that no API server answers with.

use std::{fs, path::Path};

use lab_spec::{
    Evidence, Observation, Outcome,
    evidence::{Reason, Unavailable},
};
use serde_json::{Value, json};

use crate::{
    forge::{self, parts},
    place::repository,
    room::{Class, Graded},
};

const DEPLOYMENTS: &str = "list apps/v1 deployments -n lab01-solution";

/// Changes every answer to a request, in looks and in experiments.
pub fn each(evidence: &mut Evidence, key: &str, mut change: impl FnMut(&mut Observation)) {
    let looks = evidence.looks.iter_mut().map(|look| &mut look.observations);
    let steps = evidence.experiments.values_mut().flat_map(|record| record.looks.values_mut());
    let found: Vec<_> = looks.chain(steps).filter_map(|answers| answers.get_mut(key)).collect();
    assert!(!found.is_empty(), "`{key}` was not asked");
    found.into_iter().for_each(&mut change);
}

pub fn items(observation: &mut Observation) -> &mut Vec<Value> {
    match &mut observation.outcome {
        Outcome::Present(Value::Array(items)) => items,
        other => panic!("no list: {other:?}"),
    }
}

/// Grades this evidence of eve's.
pub fn grade(evidence: &Evidence) -> Graded {
    let class = Class::new();
    class.put("eve.tar.zst", parts(&serde_json::to_vec(evidence).unwrap()).packed());
    class.grade(&[])
}

/// The verdicts of eve's checks, by id.
pub fn verdicts(graded: &Graded) -> Vec<(String, String)> {
    let tasks = graded.of("eve")["report"]["tasks"].as_array().unwrap().iter();
    let checks = tasks.flat_map(|task| task["checks"].as_array().unwrap());
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    checks.map(|check| (word(&check["id"]), word(&check["verdict"]))).collect()
}

#[test]
fn two_objects_of_one_name_are_refused() {
    // 25: which of them counts would depend on the reader.
    let mut evidence = forge::evidence("eve");
    each(&mut evidence, DEPLOYMENTS, |observation| {
        let items = items(observation);
        let mut other = items[0].clone();
        other["metadata"]["uid"] = json!("another");
        items.push(other);
    });
    grade(&evidence).is_refused(
        "ungradable",
        "`list apps/v1 deployments -n lab01-solution` has two objects called `api`",
    );
}

#[test]
fn objects_of_another_group_are_no_deployments() {
    // 26: in the list of Deployments, and in a list of their own.
    let mut evidence = forge::evidence("eve");
    each(&mut evidence, DEPLOYMENTS, |observation| {
        items(observation)[0]["apiVersion"] = json!("evil.example/v1");
    });
    grade(&evidence).is_refused(
        "ungradable",
        "`list apps/v1 deployments -n lab01-solution` holds a `evil.example/v1` object",
    );
    let mut evidence = forge::evidence("eve");
    let looks = evidence.looks.iter_mut().map(|look| &mut look.observations);
    let steps = evidence.experiments.values_mut().flat_map(|record| record.looks.values_mut());
    for answers in looks.chain(steps) {
        let Some(answer) = answers.get_mut(DEPLOYMENTS) else { continue };
        let mut mimic = answer.clone();
        items(answer).clear();
        items(&mut mimic)[0]["apiVersion"] = json!("evil.example/v1");
        answers.insert("list evil.example/v1 deployments -n lab01-solution".to_owned(), mimic);
    }
    let graded = grade(&evidence);
    graded.is_full("ada");
    let verdicts = verdicts(&graded);
    assert!(verdicts.contains(&("image-name".to_owned(), "fail".to_owned())), "{verdicts:?}");
}

#[test]
fn times_that_no_clock_shows_are_refused() {
    let mut evidence = forge::evidence("eve");
    evidence.looks[0].wall_ms = i64::MAX;
    grade(&evidence).is_refused("ungradable", "look 1 has a time of 9223372036854775807 ms");
    for far in [i64::MAX, i64::MIN, 253_402_300_800_000] {
        let mut evidence = forge::evidence("eve");
        each(&mut evidence, DEPLOYMENTS, |observation| observation.provenance.skew_ms = far);
        let told = format!("`{DEPLOYMENTS}` has a time of {} ms, which no clock shows", far.unsigned_abs());
        grade(&evidence).is_refused("ungradable", &told);
    }
}

#[test]
fn what_could_not_be_listed_is_unknown_and_never_absent() {
    // 27 and 28.
    for (key, reason) in [
        (DEPLOYMENTS, Reason::Truncated),
        (DEPLOYMENTS, Reason::Forbidden),
        (DEPLOYMENTS, Reason::Timeout),
        ("list v1 pods -n lab01-solution", Reason::Truncated),
        ("list v1 pods -n lab01-solution", Reason::Forbidden),
        ("list v1 nodes", Reason::Unauthorized),
    ] {
        let mut evidence = forge::evidence("eve");
        each(&mut evidence, key, |observation| {
            let message = "it was not answered".to_owned();
            observation.outcome = Outcome::Unavailable(Unavailable { reason, message });
        });
        let graded = grade(&evidence);
        graded.is_refused("unknown", "it was not answered");
        assert!(verdicts(&graded).iter().all(|(_, verdict)| verdict != "fail"), "{:?}", verdicts(&graded));
    }
}

#[test]
fn an_answer_that_nobody_gives_earns_nothing() {
    // 28, made up: a kind that every server serves is `absent`, or a list is empty.
    for key in [DEPLOYMENTS, "list v1 pods -n lab01-solution", "list v1 nodes"] {
        let mut evidence = forge::evidence("eve");
        each(&mut evidence, key, |observation| observation.outcome = Outcome::Absent);
        grade(&evidence).is_refused("ungradable", &format!("`{key}` was not served"));
        let mut evidence = forge::evidence("eve");
        each(&mut evidence, key, |observation| items(observation).clear());
        let graded = grade(&evidence);
        graded.is_full("ada");
        assert!(graded.of("eve")["score"].as_u64() < Some(10_000), "{key}: {:?}", verdicts(&graded));
    }
}

#[test]
fn recorded_evidence_of_every_lab_is_taken() {
    let labs = fs::read_dir(repository().join("labs")).unwrap();
    let (mut taken, mut large) = (0, Vec::new());
    for lab in labs {
        let Ok(states) = fs::read_dir(lab.unwrap().path().join("evidence")) else { continue };
        // Reading takes long; a part of them, spread over all labs, will do.
        for state in states.step_by(4) {
            let path = state.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "labcheck") {
                continue;
            }
            match submitted(&path) {
                Ok(()) => taken += 1,
                Err(why) if why.contains("larger than") => large.push(path),
                Err(why) => panic!("{}: {why}", path.display()),
            }
        }
    }
    assert!(taken > 20 && large.is_empty(), "{taken} taken, too large: {large:?}");
}

fn submitted(path: &Path) -> Result<(), String> {
    let evidence = lab_bundle::read(path).map_err(|error| error.to_string())?;
    let draft = lab_bundle::submission::Draft {
        tool: String::new(),
        student: "eve".to_owned(),
        cluster: None,
        made: String::new(),
    };
    let key = lab_bundle::submission::Key::from_secret(&[1; 32]);
    let bytes = lab_bundle::submission::write(draft, &evidence, &key).map_err(|fault| fault.to_string())?;
    lab_bundle::submission::read(&bytes).map(|_| ()).map_err(|fault| fault.to_string())
}
