//! States that other graders got wrong, judged by ours. Those that need a
//! behaviour to show are mutants of the labs.

use lab_spec::Verdict;
use serde_json::{Value, json};

use crate::literal::verdict;

const PODS: &str = "list v1 pods -n lab90";
const DEPLOYMENTS: &str = "list apps/v1 deployments -n lab90";
const SLICES: &str = "list discovery.k8s.io/v1 endpointslices -n lab90";

fn pod(name: &str, ready: &str) -> Value {
    json!({"kind": "Pod", "metadata": {"name": name, "labels": {"app": "a"}}, "status": {"phase": "Running",
        "conditions": [{"type": "Ready", "status": ready}], "containerStatuses": [{"name": "c",
        "ready": ready == "True", "restartCount": 0, "state": {"running": {"startedAt": "2025-12-31T23:00:00Z"}}}]}})
}

/// A Deployment of three, with these numbers in its status.
fn deployment(status: Value) -> Value {
    json!({"kind": "Deployment", "metadata": {"name": "api", "generation": 2}, "spec": {"replicas": 3},
        "status": status})
}

#[test]
fn an_untouched_state_passes_nothing_that_speaks_of_all() {
    let observe = "{pods: {pods: {labels: app=a}}}";
    for check in [
        "each: pods, expect: ready(it)",
        "each: live(pods), expect: restarts(it) == 0",
        "expect: 'pods.size() > 0 && pods.all(p, ready(p))'",
    ] {
        assert_eq!(verdict(observe, check, &[(PODS, json!([]))]), Verdict::Fail, "{check}");
    }
}

#[test]
fn old_pods_that_stay_ready_do_not_finish_a_rollout() {
    let observe = "{api: {deployment: api}}";
    let stuck = json!({"observedGeneration": 2, "replicas": 4, "updatedReplicas": 1, "readyReplicas": 3,
        "availableReplicas": 3, "conditions": [{"type": "Progressing", "status": "False"}]});
    let judged =
        |status| verdict(observe, "expect: rolledOut(api)", &[(DEPLOYMENTS, json!([deployment(status)]))]);
    assert_eq!(judged(stuck), Verdict::Fail);
    let done = json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3,
        "availableReplicas": 3});
    assert_eq!(judged(done.clone()), Verdict::Pass);
    let mut unseen = done;
    unseen["observedGeneration"] = json!(1);
    assert_eq!(judged(unseen), Verdict::Pending, "the controller has not looked yet");
}

#[test]
fn no_address_is_no_comparison_that_holds() {
    let observe = "{slices: {endpointslices: {service: api}}}";
    let slice = |conditions: Value| {
        json!([{"kind": "EndpointSlice", "metadata": {"name": "s", "labels": {"kubernetes.io/service-name": "api"}},
            "endpoints": [{"addresses": ["10.0.0.1"], "conditions": conditions, "targetRef": {"name": "p"}}]}])
    };
    let check = "each: readyAddresses(slices), expect: it == 'p'";
    assert_eq!(verdict(observe, check, &[(SLICES, slice(json!({"ready": false})))]), Verdict::Fail);
    assert_eq!(verdict(observe, check, &[(SLICES, json!([]))]), Verdict::Fail);
    assert_eq!(verdict(observe, check, &[(SLICES, slice(json!({"ready": true})))]), Verdict::Pass);
    assert_eq!(
        verdict(observe, check, &[(SLICES, slice(json!({})))]),
        Verdict::Pass,
        "a missing `ready` is ready"
    );
}

#[test]
fn a_sidecar_among_the_init_containers_counts_and_a_finished_one_does_not() {
    let observe = "{pods: {pods: {labels: app=a}}}";
    let with = |restart: Value, restarts: u32| {
        let mut pod = pod("p", "True");
        pod["spec"] = json!({"initContainers": [{"name": "side", "restartPolicy": restart}]});
        pod["status"]["initContainerStatuses"] = json!([{"name": "side", "restartCount": restarts}]);
        [(PODS, json!([pod]))]
    };
    let check = "each: pods, expect: restarts(it) == 2";
    assert_eq!(verdict(observe, check, &with(json!("Always"), 2)), Verdict::Pass);
    assert_eq!(verdict(observe, check, &with(Value::Null, 2)), Verdict::Fail, "it ran once and ended");
}

#[test]
fn a_terminating_pod_that_says_ready_answers_nobody() {
    let observe = "{pods: {pods: {labels: app=a}}}";
    let mut going = pod("p", "True");
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:10Z");
    let check = "expect: 'live(pods).exists(p, ready(p))'";
    assert_eq!(verdict(observe, check, &[(PODS, json!([pod("p", "True")]))]), Verdict::Pass);
    assert_ne!(verdict(observe, check, &[(PODS, json!([going]))]), Verdict::Pass);
}

#[test]
fn who_selects_whom_is_read_as_the_api_reads_it() {
    let observe = "{pods: {pods: {}}, api: {deployment: api}}";
    let mut api = deployment(json!({}));
    let judged = |api: &Value| {
        let lists = [(PODS, json!([pod("p", "True")])), (DEPLOYMENTS, json!([api]))];
        verdict(observe, "expect: 'pods.all(p, selects(api, p)) && pods.size() > 0'", &lists)
    };
    api["spec"]["selector"] =
        json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]});
    assert_eq!(judged(&api), Verdict::Pass);
    api["spec"]["selector"] = json!({"matchLabels": {"app": "a"},
        "matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]});
    assert_ne!(judged(&api), Verdict::Pass, "both must hold");
    api["spec"]["selector"] = json!({});
    assert_ne!(judged(&api), Verdict::Pass, "an empty selector claims nothing");
}
