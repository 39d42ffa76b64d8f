//! Checks of lab 01 that no state of a shared cluster can fail, judged on
//! literal evidence both ways: `labs/01-environment/unprovable.yaml` names
//! this file.

use lab_judge::Judge;
use lab_spec::{Evidence, Lab, Verdict};
use serde_json::{Value, json};

const LAB: &str = include_str!("../../../labs/01-environment/lab.yaml");

/// A node as the API returns it.
fn node(ready: &str, kubelet: &str, cordoned: bool) -> Value {
    let mut spec = json!({});
    if cordoned {
        spec["unschedulable"] = json!(true);
    }
    json!({"kind": "Node", "metadata": {"name": "n"}, "spec": spec, "status": {
        "conditions": [{"type": "Ready", "status": ready}], "nodeInfo": {"kubeletVersion": kubelet}}})
}

/// The verdict of one check on a cluster of these nodes and this version.
fn verdict(check: &str, nodes: Value, server: Value) -> Verdict {
    of(check, &[("list v1 nodes", nodes), ("version", server)])
}

/// The verdict of one check where this was observed.
fn of(check: &str, outcomes: &[(&str, Value)]) -> Verdict {
    let lab = Lab::parse("lab.yaml", LAB).expect("the lab is right");
    let judge = Judge::new("lab.yaml", &lab).unwrap_or_else(|problems| panic!("{problems:?}"));
    let provenance = json!({"request": "", "resourceVersion": null, "atMs": 0, "skewMs": 0});
    let observed = |outcome: &Value| json!({"outcome": outcome, "provenance": provenance});
    let observations: serde_json::Map<_, _> =
        outcomes.iter().map(|(request, outcome)| ((*request).to_owned(), observed(outcome))).collect();
    let cluster = json!({"context": "c", "server": "s", "namespace": "lab01", "owned": true});
    let evidence: Evidence = serde_json::from_value(json!({
        "format": 1, "lab": {"id": "lab01", "digest": ""}, "cluster": cluster,
        "params": {"seed": 0, "nonce": "n"}, "images": {}, "experiments": {}, "ended": "settled",
        "looks": [{"atMs": 0, "wallMs": 0, "gap": false, "observations": observations}]
    }))
    .expect("the evidence is right");
    let report = judge.report(&evidence);
    report
        .checks()
        .find(|(_, one)| one.id == check)
        .map(|(_, one)| one.verdict)
        .expect("the lab has the check")
}

fn with_nodes(check: &str, nodes: &[Value]) -> Verdict {
    verdict(check, json!({"present": nodes}), json!({"present": {"gitVersion": "v1.36.3"}}))
}

fn forbidden() -> Value {
    json!({"unavailable": {"reason": "forbidden", "message": "nodes is forbidden"}})
}

#[test]
fn every_node_must_be_ready_and_take_pods() {
    let good = node("True", "v1.36.3", false);
    assert_eq!(with_nodes("nodes-ready", std::slice::from_ref(&good)), Verdict::Pass);
    for bad in
        [node("False", "v1.36.3", false), node("Unknown", "v1.36.3", false), node("True", "v1.36.3", true)]
    {
        assert_eq!(with_nodes("nodes-ready", &[good.clone(), bad]), Verdict::Fail);
    }
    assert_eq!(with_nodes("nodes-ready", &[]), Verdict::Fail, "no node at all proves nothing");
    let mut silent = node("True", "v1.36.3", false);
    silent["status"]["conditions"] = json!([]);
    assert_eq!(with_nodes("nodes-ready", &[silent]), Verdict::Fail);
    assert_eq!(verdict("nodes-ready", forbidden(), json!("absent")), Verdict::Unknown);
}

#[test]
fn kubelets_must_fit_the_api_server() {
    for (kubelet, expected) in [
        ("v1.36.3", Verdict::Pass),
        ("v1.36.9", Verdict::Pass),
        ("v1.33.0", Verdict::Pass),
        ("v1.33.0-rc.1+vendor", Verdict::Pass),
        ("v1.32.9", Verdict::Fail),
        ("v1.37.0", Verdict::Fail),
        ("", Verdict::Unknown),
    ] {
        assert_eq!(with_nodes("versions-fit", &[node("True", kubelet, false)]), expected, "{kubelet}");
    }
    let nodes = json!({"present": [node("True", "v1.36.3", false)]});
    assert_eq!(verdict("versions-fit", nodes, forbidden()), Verdict::Unknown);
}

#[test]
fn the_cgroup_version_is_the_kubelets() {
    let setup = json!({"metadata": {"name": "setup"}, "data": {"cgroup": "v1"}});
    for (gauge, expected) in [
        (json!({"present": 1}), Verdict::Pass),
        (json!({"present": 2}), Verdict::Fail),
        // A kubelet that does not tell is not the learner's fault.
        (json!("absent"), Verdict::Unknown),
        (forbidden(), Verdict::Unknown),
    ] {
        let outcomes = [
            ("list v1 nodes", json!({"present": [node("True", "v1.36.3", false)]})),
            ("list v1 configmaps -n lab01", json!({"present": [setup]})),
            ("kubelet n kubelet_cgroup_version", gauge.clone()),
        ];
        assert_eq!(of("cgroup", &outcomes), expected, "{gauge}");
    }
}
