//! When a pod that restarted is believed again.

use lab_spec::{Lab, Verdict};
use serde_json::{Value, from_value, json};

use crate::literal::{evidence, lab, look, verdict, verdicts};

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

/// A machine that slept ends what ran for hours, and starts it again.
#[test]
fn a_last_run_of_ten_minutes_was_no_crash_loop() {
    let lab = lab(
        "{pods: {pods: {labels: app=a}}}",
        "[{id: a, title: A, each: pods, expect: settled(it), wrong: w}]",
    );
    let judged = |up_s, started: &str| {
        let last = json!({"terminated": {"exitCode": 255, "startedAt": started, "finishedAt": "2025-12-31T23:58:00Z"}});
        let pod = restarted(up_s, last);
        verdicts(&lab, &evidence(&[look(0, &[("list v1 pods -n lab90", json!({"present": [pod]}))])]))
    };
    assert_eq!(judged(5, "2025-12-31T20:00:00Z"), [Verdict::Pending]);
    assert_eq!(judged(20, "2025-12-31T20:00:00Z"), [Verdict::Pass]);
    assert_eq!(judged(20, "2025-12-31T23:57:00Z"), [Verdict::Pending]);
}

/// A probe that fails is no end: a busy machine may be late with the answer.
#[test]
fn a_pod_has_twice_its_probes_time_to_become_ready() {
    let judged = |up_s: i64, probe: Value| {
        let started = format!("2025-12-31T23:{:02}:{:02}Z", 59 - up_s / 60, 59 - up_s % 60);
        let status = json!({"name": "c", "ready": false, "restartCount": 0, "state": {"running": {"startedAt": started}}});
        let pod = json!({"kind": "Pod", "metadata": {"name": "p", "labels": {"app": "a"}},
            "spec": {"containers": [{"name": "c", "readinessProbe": probe}]},
            "status": {"phase": "Running", "containerStatuses": [status]}});
        verdict(
            "{pods: {pods: {labels: app=a}}}",
            "each: pods, expect: ready(it)",
            &[("list v1 pods -n lab90", json!([pod]))],
        )
    };
    let default = json!({"httpGet": {"path": "/", "port": 80}});
    assert_eq!(judged(50, default.clone()), Verdict::Pending);
    assert_eq!(judged(80, default), Verdict::Fail);
    let hasty = json!({"periodSeconds": 1, "failureThreshold": 1});
    assert_eq!(judged(20, hasty.clone()), Verdict::Pending);
    assert_eq!(judged(40, hasty), Verdict::Fail);
}

/// A new pod pulls again within seconds, as where another pod's pull is under
/// way; kubelet says `ImagePullBackOff` once it has seen the same before.
#[test]
fn the_first_failed_pull_is_not_the_last_word() {
    let judged = |waiting: &str, restarts: u32| {
        let status = json!({"name": "c", "image": "ms:v1", "ready": false, "restartCount": restarts,
            "state": {"waiting": {"reason": waiting}}});
        let pod = json!({"kind": "Pod", "metadata": {"name": "p", "uid": "p", "labels": {"app": "a"}},
            "status": {"phase": "Pending", "containerStatuses": [status]}});
        verdict(
            "{pods: {pods: {labels: app=a}}}",
            "each: pods, expect: ready(it)",
            &[("list v1 pods -n lab90", json!([pod]))],
        )
    };
    assert_eq!(judged("ErrImagePull", 0), Verdict::Pending);
    for (waiting, restarts) in
        [("ImagePullBackOff", 0), ("ErrImageNeverPull", 0), ("InvalidImageName", 0), ("ErrImagePull", 3)]
    {
        assert_eq!(judged(waiting, restarts), Verdict::Fail, "{waiting}");
    }
}

/// A busy node may fail to start a container (runc: unable to freeze), and the
/// kubelet calls the time until it tries again a crash loop.
#[test]
fn a_container_that_never_ran_has_a_second_turn() {
    let judged = |last: &str, restarts: u32| {
        let status = json!({"name": "c", "ready": false, "restartCount": restarts,
            "lastState": {"terminated": {"exitCode": 128, "reason": last, "startedAt": "1970-01-01T00:00:00Z"}},
            "state": {"waiting": {"reason": "CrashLoopBackOff"}}});
        let pod = json!({"kind": "Pod", "metadata": {"name": "p", "uid": "p", "labels": {"app": "a"}},
            "status": {"phase": "Running", "containerStatuses": [status]}});
        verdict(
            "{pods: {pods: {labels: app=a}}}",
            "each: pods, expect: ready(it)",
            &[("list v1 pods -n lab90", json!([pod]))],
        )
    };
    assert_eq!(judged("StartError", 0), Verdict::Pending);
    assert_eq!(judged("StartError", 1), Verdict::Pending);
    assert_eq!(judged("StartError", 2), Verdict::Fail);
    assert_eq!(judged("Error", 1), Verdict::Fail);
}

/// The check may be about the workload that is still at work; once none is,
/// what is broken decides.
#[test]
fn a_broken_workload_fails_no_check_while_another_is_being_started() {
    let pod = |name: &str, owner: &str, waiting: &str| {
        let status = json!({"name": "c", "ready": false, "restartCount": 3, "state": {"waiting": {"reason": waiting}}});
        let owner = json!([{"kind": "ReplicaSet", "name": owner, "uid": owner, "controller": true}]);
        json!({"kind": "Pod", "metadata": {"name": name, "uid": name, "labels": {"app": "a"}, "ownerReferences": owner},
            "status": {"phase": "Pending", "containerStatuses": [status]}})
    };
    let judged = |other: Value| {
        let broken = pod("broken", "x", "CrashLoopBackOff");
        verdict(
            "{pods: {pods: {labels: app=a}}}",
            "each: pods, expect: ready(it)",
            &[("list v1 pods -n lab90", json!([broken, other]))],
        )
    };
    assert_eq!(judged(pod("other", "y", "ContainerCreating")), Verdict::Pending);
    assert_eq!(judged(pod("other", "y", "ErrImagePull")), Verdict::Fail);
    // Pods of one workload fail for one reason.
    assert_eq!(judged(pod("other", "x", "ContainerCreating")), Verdict::Fail);
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
