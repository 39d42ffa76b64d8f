//! What the steps see.

use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, ResourceQuota, Service};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use lab_experiment::run;
use lab_spec::experiment::{ExperimentEnd, ExperimentRecord};
use serde_json::{Value, json};

use crate::support::{
    client, eventually, experiment, from, identity, journals, namespace, place, probers, setting, uid,
    workload,
};

async fn record(namespace: &str, steps: Value, image: Option<&str>) -> ExperimentRecord {
    let (client, dir) = (client().await, tempfile::tempdir().unwrap());
    let progress = |line: &str| eprintln!("  {line}");
    let mut setting = setting(&client, &identity(&client).await, dir.path(), &progress);
    place(&mut setting).namespace = namespace.to_owned();
    if let Some(image) = image {
        place(&mut setting).probe_image = image.to_owned();
    }
    let record = run(&setting, "test", &experiment(steps)).await;
    assert_eq!(journals(dir.path()), 0, "everything is undone");
    record
}

#[tokio::test]
async fn answers_are_proven_by_nonces_of_their_own() {
    let client = client().await;
    workload(&client, "ask", 2).await;
    let url = "http://ask/predict";
    let steps = json!([
        {"wait": {"deployment": "ask", "within": "60s"}, "as": "settled"},
        {"ask": {"http": url, "count": 8}, "as": "answers"},
        {"look": {}, "as": "after"},
    ]);
    let record = record("exp-dev", steps, None).await;
    assert_eq!(record.ended, ExperimentEnd::Completed, "{record:#?}");
    assert_eq!(record.results["settled"]["ok"], true);
    let answers = &record.results["answers"];
    assert_eq!((&answers["reached"], &answers["sent"]), (&json!(true), &json!(8)));
    let requests = answers["requests"].as_array().unwrap();
    for (seq, request) in requests.iter().enumerate() {
        assert_eq!(request["seq"], seq);
        assert_eq!(request["nonce"], format!("n0-2-{seq}"));
        assert_eq!((&request["status"], &request["proven"]), (&json!(200), &json!(true)), "{request}");
        assert_eq!(request["version"], "v1");
    }
    assert_eq!(record.looks["after"].len(), 1);
    assert!(record.log.iter().any(|line| line.what == format!("asked {url} 8 times: 8 answered 200")));
    assert!(probers(&client, url).await.is_empty());
}

/// kube-proxy knows of a change a moment later than the EndpointSlice.
#[tokio::test]
async fn a_service_that_has_just_changed_is_given_time() {
    let client = client().await;
    workload(&client, "late", 1).await;
    let services: Api<Service> = Api::namespaced(client.clone(), "exp-dev");
    let select = async |app: &str| {
        let selector = Patch::Merge(json!({"spec": {"selector": {"app": app}}}));
        services.patch("late", &PatchParams::default(), &selector).await.unwrap();
    };
    select("nobody").await;
    let ready = json!([{"wait": {"deployment": "late", "within": "60s"}, "as": "settled"}]);
    assert_eq!(record("exp-dev", ready, None).await.results["settled"]["ok"], true);
    select("late").await;
    let changed = Instant::now();
    let ask = json!([{"ask": {"http": "http://late/predict", "count": 1}, "as": "answers"}]);
    let record = record("exp-dev", ask, None).await;
    assert_eq!(record.results["answers"]["requests"][0]["status"], 200, "{record:#?}");
    // The server writes whole seconds.
    assert!(changed.elapsed() >= Duration::from_secs(4), "{:?}", changed.elapsed());
}

#[tokio::test]
async fn what_the_target_does_to_a_request_is_an_answer() {
    let steps = json!([
        {"ask": {"http": "http://127.0.0.1:9/predict", "count": 2}, "as": "refused"},
        {"ask": {"http": "http://no-such-service/predict", "count": 1}, "as": "unknown"},
    ]);
    let record = record("exp-dev", steps, None).await;
    assert_eq!(record.ended, ExperimentEnd::Completed, "{record:#?}");
    for (name, error) in [("refused", "refused"), ("unknown", "dns")] {
        let result = &record.results[name];
        assert_eq!(result["reached"], true);
        let request = &result["requests"][0];
        assert_eq!((&request["status"], &request["error"]), (&Value::Null, &json!(error)), "{request}");
        assert_eq!(request["proven"], false);
    }
}

#[tokio::test]
async fn deployment_heals_and_answers_from_another_pod() {
    let client = client().await;
    workload(&client, "heal", 1).await;
    let steps = json!([
        {"wait": {"deployment": "heal", "within": "60s"}},
        {"ask": {"http": "http://heal/predict", "count": 1}, "as": "before"},
        {"delete": {"labels": "app=heal"}, "as": "deleted"},
        {"wait": {"deployment": "heal", "within": "60s"}, "as": "healed"},
        {"after": "1s", "ask": {"http": "http://heal/predict", "count": 1}, "as": "after"},
    ]);
    let record = record("exp-dev", steps, None).await;
    assert_eq!(record.ended, ExperimentEnd::Completed, "{record:#?}");
    let deleted = &record.results["deleted"];
    let name = deleted["name"].as_str().unwrap();
    assert_eq!(deleted["owned"], true);
    assert!(deleted["gone_ms"].as_u64() >= deleted["at_ms"].as_u64(), "{deleted}");
    assert_eq!(uid(&client, name).await, None, "a controller's pod is not made again by us");
    assert_eq!(record.results["healed"]["ok"], true);
    let pod = |step: &str| record.results[step]["requests"][0]["pod"].clone();
    assert_eq!(pod("before"), name);
    assert!(pod("after").is_string() && pod("after") != name, "{}", pod("after"));
}

#[tokio::test]
async fn nothing_to_work_on_is_an_answer() {
    let missing = json!([
        {"wait": {"deployment": "no-such", "within": "5s"}, "as": "settled"},
        {"delete": {"labels": "app=no-such"}, "as": "deleted"},
        {"look": {}, "as": "never"},
    ]);
    let ended = record("exp-dev", missing, None).await;
    assert_eq!(ended.results["settled"]["ok"], false);
    assert_eq!(ended.results["settled"]["note"], "deployment `no-such` does not exist");
    let ExperimentEnd::Stopped { step: 1, why } = &ended.ended else { panic!("{ended:#?}") };
    assert!(why.contains("app=no-such"), "{why}");
    assert!(ended.looks.is_empty() && !ended.results.contains_key("deleted"));

    let ask = json!([{"ask": {"http": "http://api/", "count": 1}, "as": "answers"}]);
    let ended = record("exp-dev-not-there", ask, None).await;
    let ExperimentEnd::Stopped { step: 0, why } = &ended.ended else { panic!("{ended:#?}") };
    assert!(why.contains("namespace `exp-dev-not-there` does not exist"), "{why}");
}

/// A quota that is in force: before it has a status, its refusals are others.
async fn quota(client: &Client, namespace: &str, hard: Value) {
    let quotas: Api<ResourceQuota> = Api::namespaced(client.clone(), namespace);
    let quota = from(json!({"metadata": {"name": "quota"}, "spec": {"hard": hard}}));
    let _ = quotas.create(&PostParams::default(), &quota).await;
    eventually("quota in force", async || {
        let status = quotas.get("quota").await.unwrap().status;
        status.is_some_and(|status| status.hard.is_some())
    })
    .await;
}

#[tokio::test]
async fn prober_that_cannot_start_is_not_the_targets_doing() {
    let client = client().await;
    let url = "http://never-asked/";
    let steps = json!([{"ask": {"http": url, "count": 1}, "as": "answers"}]);
    let ended = record("exp-dev", steps.clone(), Some("labcheck/none:0")).await;
    let ExperimentEnd::Unavailable { why } = &ended.ended else { panic!("{ended:#?}") };
    assert!(why.contains("ErrImageNeverPull"), "{why}");
    assert!(ended.results.is_empty());
    assert!(probers(&client, url).await.is_empty(), "the pod that did not start is removed");

    namespace(&client, "exp-dev-full").await;
    quota(&client, "exp-dev-full", json!({"pods": "0"})).await;
    let ended = record("exp-dev-full", steps, None).await;
    let ExperimentEnd::Unavailable { why } = &ended.ended else { panic!("{ended:#?}") };
    assert!(why.contains("exceeded quota"), "{why}");
}

#[tokio::test]
async fn rollout_that_does_not_end_in_time_is_a_result() {
    let client = client().await;
    workload(&client, "slow", 1).await;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "exp-dev");
    let patch =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "api", "image": "ms:never"}]}}}});
    let patch = Patch::Strategic(patch);
    deployments.patch("slow", &PatchParams::default(), &patch).await.unwrap();
    let steps = json!([{"wait": {"deployment": "slow", "within": "3s"}, "as": "settled"}]);
    let ended = record("exp-dev", steps, None).await;
    assert_eq!(ended.ended, ExperimentEnd::Completed);
    let settled = &ended.results["settled"];
    assert_eq!(settled["ok"], false);
    let took = settled["took_ms"].as_u64().unwrap();
    assert!((3000..6000).contains(&took), "{settled}");
    assert!(settled["note"].as_str().unwrap().contains("replicas updated"), "{settled}");
}

/// The prober must run where a lab is about pod security or quotas.
#[tokio::test]
async fn prober_runs_in_a_restricted_namespace_under_a_quota() {
    let client = client().await;
    let name = "exp-dev-restricted";
    namespace(&client, name).await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let label = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    let label = Patch::Merge(label);
    namespaces.patch(name, &PatchParams::default(), &label).await.unwrap();
    let hard =
        json!({"requests.cpu": "1", "requests.memory": "1Gi", "limits.cpu": "1", "limits.memory": "1Gi"});
    quota(&client, name, hard).await;
    let steps = json!([{"ask": {"http": "http://127.0.0.1:9/", "count": 1}, "as": "answers"}]);
    let ended = record(name, steps, None).await;
    assert_eq!(ended.ended, ExperimentEnd::Completed, "{ended:#?}");
    assert_eq!(ended.results["answers"]["requests"][0]["error"], "refused");
}
