//! Labs and evidence, written down.

use lab_judge::Judge;
use lab_spec::{Evidence, Lab, Verdict};
use serde_json::{Value, json};

/// 2026-01-01T00:00:00Z, the moment of the first look, in milliseconds.
const NOW: i64 = 1_767_225_600_000;

/// A lab of one task with these observations and checks.
pub fn lab(observe: &str, checks: &str) -> Lab {
    let text = format!(
        "format: 1\nid: lab90\ntitle: T\ntarget: [kind]\nminutes: 1\nstory: S\nobserve: {observe}\n\
         tasks:\n- {{id: task, title: T, points: 10, text: T, hints: [a, b, c], checks: {checks}}}\n"
    );
    Lab::parse("lab.yaml", &text).expect("the lab is right")
}

/// A look at so many milliseconds, with answers by request.
pub fn look(at_ms: u64, lists: &[(&str, Value)]) -> Value {
    let provenance = json!({"request": "", "resourceVersion": null, "atMs": at_ms, "skewMs": 0});
    let seen: serde_json::Map<_, _> = lists
        .iter()
        .map(|(key, outcome)| ((*key).to_owned(), json!({"outcome": outcome, "provenance": provenance})))
        .collect();
    json!({"atMs": at_ms, "wallMs": NOW + at_ms as i64, "gap": false, "observations": seen})
}

/// Evidence of these looks, while looking goes on.
pub fn evidence(looks: &[Value]) -> Evidence {
    let cluster = json!({"context": "c", "server": "s", "namespace": "lab90", "owned": true});
    serde_json::from_value(json!({
        "format": 1, "lab": {"id": "lab90", "digest": ""}, "cluster": cluster,
        "params": {"seed": 0, "nonce": "n"}, "images": {}, "looks": looks, "experiments": {}, "ended": null
    }))
    .expect("the evidence is right")
}

/// The verdict of each check.
pub fn verdicts(lab: &Lab, evidence: &Evidence) -> Vec<Verdict> {
    let judge = Judge::new("lab.yaml", lab).unwrap_or_else(|problems| panic!("{problems:?}"));
    judge.report(evidence).tasks.iter().flat_map(|task| &task.checks).map(|check| check.verdict).collect()
}

/// The verdict of one check on one look at lists of these keys.
pub fn verdict(observe: &str, check: &str, lists: &[(&str, Value)]) -> Verdict {
    let lab = lab(observe, &format!("[{{id: a, title: A, wrong: w, {check}}}]"));
    let present: Vec<_> = lists.iter().map(|(key, items)| (*key, json!({"present": items}))).collect();
    verdicts(&lab, &evidence(&[look(0, &present)]))[0]
}
