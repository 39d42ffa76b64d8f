//! Verdicts on literal evidence.

use lab_judge::{Judge, Limits, Next};
use lab_spec::{Evidence, Lab, Verdict};
use serde_json::{Value, json};

/// 2026-01-01T00:00:00Z, the moment of the first look, in milliseconds.
const NOW: i64 = 1_767_225_600_000;

fn lab(observe: &str, checks: &str) -> Lab {
    let text = format!(
        "format: 1\nid: lab90\ntitle: T\ntarget: [kind]\nminutes: 1\nstory: S\nobserve: {observe}\n\
         tasks:\n- {{id: task, title: T, points: 10, text: T, hints: [a, b, c], checks: {checks}}}\n"
    );
    Lab::parse("lab.yaml", &text).expect("the lab is right")
}

fn look(at_ms: u64, lists: &[(&str, Value)]) -> Value {
    let provenance = json!({"request": "", "resourceVersion": null, "atMs": at_ms, "skewMs": 0});
    let seen: serde_json::Map<_, _> = lists
        .iter()
        .map(|(key, outcome)| ((*key).to_owned(), json!({"outcome": outcome, "provenance": provenance})))
        .collect();
    json!({"atMs": at_ms, "wallMs": NOW + at_ms as i64, "gap": false, "observations": seen})
}

fn evidence(looks: &[Value]) -> Evidence {
    let cluster = json!({"context": "c", "server": "s", "namespace": "lab90", "owned": true});
    serde_json::from_value(json!({
        "format": 1, "lab": {"id": "lab90", "digest": ""}, "cluster": cluster,
        "params": {"seed": 0, "nonce": "n"}, "images": {}, "looks": looks, "experiments": {}, "ended": null
    }))
    .expect("the evidence is right")
}

fn verdicts(lab: &Lab, evidence: &Evidence) -> Vec<Verdict> {
    let judge = Judge::new("lab.yaml", lab).unwrap_or_else(|problems| panic!("{problems:?}"));
    judge.report(evidence).tasks.iter().flat_map(|task| &task.checks).map(|check| check.verdict).collect()
}

/// A ready pod that restarted, up for this many seconds.
fn restarted(up_s: i64, last: Value) -> Value {
    let started = format!("2025-12-31T23:59:{:02}Z", 60 - up_s);
    let status = json!({"name": "c", "ready": true, "restartCount": 1, "lastState": last,
        "state": {"running": {"startedAt": started}}});
    json!({"kind": "Pod", "metadata": {"name": "p", "labels": {"app": "a"}}, "status": {"phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [status]}})
}

#[test]
fn a_restart_without_a_record_of_the_last_run_is_not_settled_at_once() {
    let lab = lab(
        "{pods: {pods: {labels: app=a}}}",
        "[{id: a, title: A, each: pods, expect: settled(it), wrong: w}]",
    );
    let seen = |pod: Value| {
        verdicts(&lab, &evidence(&[look(0, &[("list v1 pods -n lab90", json!({"present": [pod]}))])]))
    };
    for last in [json!({}), json!({"terminated": {"exitCode": 1, "startedAt": null, "finishedAt": null}})] {
        assert_eq!(seen(restarted(4, last.clone())), [Verdict::Pending], "{last}");
        assert_eq!(seen(restarted(20, last.clone())), [Verdict::Pass], "{last}");
    }
}

#[test]
fn a_known_fail_blocks_in_whatever_order_after_names_it() {
    for order in ["[u, f]", "[f, u]"] {
        let checks = format!(
            "[{{id: u, title: U, expect: secrets.size() == 0, wrong: w}}, \
              {{id: f, title: F, expect: maps.size() == 1, wrong: w}}, \
              {{id: b, title: B, after: {order}, expect: maps.size() == 0, wrong: w}}]"
        );
        let lab = lab("{secrets: {secrets: {}}, maps: {configmaps: {}}}", &checks);
        let denied = json!({"unavailable": {"reason": "forbidden", "message": "403"}});
        let seen = evidence(&[look(
            0,
            &[("list v1 secrets -n lab90", denied), ("list v1 configmaps -n lab90", json!({"present": []}))],
        )]);
        assert_eq!(verdicts(&lab, &seen), [Verdict::Unknown, Verdict::Fail, Verdict::Blocked], "{order}");
    }
}

#[test]
fn a_check_that_must_hold_longer_than_the_limit_is_given_its_time() {
    let lab =
        lab("{maps: {configmaps: {}}}", "[{id: a, title: A, for: 40s, expect: maps.size() == 0, wrong: w}]");
    let none = json!({"present": []});
    let first = look(0, &[("list v1 configmaps -n lab90", none.clone()), ("list v1 events -n lab90", none)]);
    let judge = Judge::new("lab.yaml", &lab).unwrap_or_else(|problems| panic!("{problems:?}"));
    let next = |looks: &[Value]| judge.next(&evidence(looks), Limits::default());
    assert_eq!(next(&[first.clone(), look(35_000, &[])]), Next::Watch { until_ms: 36_000 });
    assert!(matches!(next(&[first, look(40_000, &[])]), Next::Done(_)));
}
