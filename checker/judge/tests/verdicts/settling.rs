//! When a pod that restarted is believed again.

use lab_spec::{Lab, Verdict};
use serde_json::{Value, from_value, json};

use crate::literal::{evidence, lab, look, verdicts};

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
fn a_container_that_could_not_be_started_at_first_has_not_crashed() {
    let lab = lab(
        "{pods: {pods: {labels: app=a}}}",
        "[{id: a, title: A, each: pods, expect: settled(it), wrong: w}]",
    );
    let judged = |reason: &str| {
        let pod = restarted(4, json!({"terminated": {"exitCode": 128, "reason": reason}}));
        verdicts(&lab, &evidence(&[look(0, &[("list v1 pods -n lab90", json!({"present": [pod]}))])]))
    };
    assert_eq!(judged("StartError"), [Verdict::Pass]);
    assert_eq!(judged("Error"), [Verdict::Pending]);
}

/// What an experiment met while a controller was at work, when time was over,
/// is no failure yet.
#[test]
fn an_experiment_on_what_is_still_converging_fails_nothing() {
    let text = "format: 1\nid: lab90\ntitle: T\ntarget: [kind]\nminutes: 1\nstory: S\n\
        observe: {pods: {pods: {labels: app=a}}}\n\
        experiments: {lose: {budget: {requests: 0, time: 9s}, steps: [{delete: {labels: 'app=a'}, as: got}]}}\n\
        tasks:\n- {id: task, title: T, points: 10, text: T, hints: [a, b, c], checks: [{id: a, title: A, wrong: w, \
        expect: 'lose.got.owned && pods.all(p, ready(p))'}]}\n";
    let lab = Lab::parse("lab.yaml", text).expect("the lab is right");
    let judged = |waiting: &str| {
        let status = json!({"name": "c", "ready": false, "restartCount": 0, "state": {"waiting": {"reason": waiting}}});
        let pod = json!({"kind": "Pod", "metadata": {"name": "p", "labels": {"app": "a"}},
            "status": {"phase": "Pending", "containerStatuses": [status]}});
        let mut evidence = evidence(&[look(30_000, &[("list v1 pods -n lab90", json!({"present": [pod]}))])]);
        let record = json!({"started_ms": 30_000, "ended": "completed", "looks": {}, "log": [],
            "results": {"got": {"owned": false}}});
        evidence.experiments.insert("lose".to_owned(), from_value(record).expect("the record is right"));
        verdicts(&lab, &evidence)
    };
    assert_eq!(judged("ContainerCreating"), [Verdict::Pending]);
    assert_eq!(judged("ErrImageNeverPull"), [Verdict::Fail]);
}
