//! A run that is killed with SIGKILL, at each of its steps in turn.

use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use lab_experiment::run;
use lab_spec::Experiment;
use lab_spec::experiment::ExperimentEnd;
use serde_json::{Value, json};

use crate::killed::kill_after;
use crate::support::{
    NAMESPACE, bare_pod, client, from, identity, journals, probers, recover, setting, uid, workload,
};

/// Directory of the journals; set in the child only.
const DIR: &str = "LABCHECK_TEST_JOURNALS";
const URL: &str = "http://killed/predict";

/// One experiment with every step and every sampler there is.
fn everything() -> Experiment {
    from(json!({
        "budget": {"requests": 300, "time": "120s"},
        "sample": {"load": {"http": URL, "rate": 2}, "pods": {"watch": "pods", "labels": "app=killed"}},
        "steps": steps(),
    }))
}

fn steps() -> Value {
    json!([
        {"wait": {"deployment": "killed", "within": "60s"}, "as": "settled"},
        {"delete": {"pod": "killed-bare"}, "as": "deleted"},
        {"ask": {"http": URL, "count": 4}, "as": "answers"},
        {"start": "load"},
        {"setImage": {"deployment": "killed", "container": "api", "image": "ms:v2"}},
        {"scale": {"deployment": "killed", "replicas": 2}},
        {"after": "500ms", "stop": "load"},
        {"after": "500ms", "look": {}, "as": "end"},
    ])
}

/// The child: the experiment, each line of progress on stdout.
#[tokio::test]
#[ignore = "run by `killed_at_any_step_the_run_is_undone_by_recover` in a process of its own"]
async fn child() {
    let dir = std::env::var_os(DIR).expect("the directory of the journals");
    let client = client().await;
    let progress = |line: &str| println!("\nprogress: {line}");
    let setting = setting(&client, &identity(&client).await, Path::new(&dir), &progress);
    let record = run(&setting, "killed", &everything()).await;
    assert_eq!(record.ended, ExperimentEnd::Completed, "{record:#?}");
}

/// Lines that announce a request are killed at twice: at once, and while the
/// request is under way.
fn next_moment(reached: &str, line: usize, later: Duration) -> (usize, Duration) {
    let announces = ["deleting", "asking", "changing"].iter().any(|word| reached.starts_with(word));
    if announces && later.is_zero() { (line, Duration::from_millis(150)) } else { (line + 1, Duration::ZERO) }
}

/// What the steps change of the Deployment.
async fn template(client: &kube::Client) -> (Option<i32>, String) {
    let deployments: kube::Api<Deployment> = kube::Api::namespaced(client.clone(), NAMESPACE);
    let spec = deployments.get("killed").await.unwrap().spec;
    (spec.replicas, spec.template.spec.unwrap().containers[0].image.clone().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_step_the_run_is_undone_by_recover() {
    let client = client().await;
    workload(&client, "killed", 1).await;
    let identity = identity(&client).await;
    let mut killed_with_journal = 0;
    let mut moment = Some((0, Duration::ZERO));
    while let Some((line, later)) = moment {
        let dir = tempfile::tempdir().unwrap();
        bare_pod(&client, "killed-bare").await;
        let reached = tokio::task::block_in_place(|| {
            kill_after("kill::child", (DIR, dir.path().as_os_str()), line, later)
        });
        let left = journals(dir.path());
        killed_with_journal += left;
        let recovery = recover(&client, dir.path(), &identity).await.unwrap();
        let did: Vec<_> = recovery.undone.iter().flat_map(|undone| &undone.did).collect();
        eprintln!("killed {later:?} after {reached:?}: {left} journals, {did:?}");
        assert!(recovery.left.is_empty(), "{recovery:#?}");
        assert_eq!(recovery.undone.len(), left);
        assert_eq!(journals(dir.path()), 0);
        assert!(uid(&client, "killed-bare").await.is_some(), "the bare pod is there");
        assert!(probers(&client, URL).await.is_empty(), "no prober is left");
        let (replicas, image) = template(&client).await;
        assert_eq!((replicas, image), (Some(1), crate::support::image()), "killed after {reached:?}");
        let again = recover(&client, dir.path(), &identity).await.unwrap();
        assert!(again.undone.is_empty() && again.left.is_empty());
        moment = reached.map(|reached| next_moment(&reached, line, later));
    }
    assert!(killed_with_journal >= 12, "killed {killed_with_journal} times in the middle of a run");
}
