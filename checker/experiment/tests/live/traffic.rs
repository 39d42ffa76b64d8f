//! Samplers beside the steps, and the steps that change a Deployment.

use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use lab_experiment::run;
use lab_spec::experiment::{ExperimentEnd, ExperimentRecord};
use lab_spec::sample::{Load, Sample, Watched};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{NAMESPACE, client, from, identity, image, journals, probers, setting, workload};

/// Runs steps beside samplers; whatever happens, everything is undone.
async fn record(sample: Value, steps: Value, cancel: CancellationToken) -> ExperimentRecord {
    let (client, dir) = (client().await, tempfile::tempdir().unwrap());
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let progress = move |line: &str| {
        eprintln!("  {line}");
        let _ = told.send(line.to_owned());
    };
    let mut setting = setting(&client, &identity(&client).await, dir.path(), &progress);
    setting.cancel = cancel.clone();
    let experiment =
        from(json!({"budget": {"requests": 10_000, "time": "90s"}, "sample": sample, "steps": steps}));
    let interrupt = async {
        while let Some(line) = hears.recv().await {
            if line.starts_with("letting 1m") {
                cancel.cancel();
            }
        }
    };
    let record = tokio::select! {
        record = run(&setting, "traffic", &experiment) => record,
        () = interrupt => unreachable!("progress is heard as long as the run lasts"),
    };
    assert_eq!(journals(dir.path()), 0, "everything is undone");
    record
}

fn load<'r>(record: &'r ExperimentRecord, name: &str) -> &'r Load {
    match &record.samples[name] {
        Sample::Load(load) => load,
        other => panic!("{other:#?}"),
    }
}

fn watched<'r>(record: &'r ExperimentRecord, name: &str) -> &'r Watched {
    match &record.samples[name] {
        Sample::Watch(watched) => watched,
        other => panic!("{other:#?}"),
    }
}

async fn template(name: &str) -> (Option<i32>, String) {
    let deployments: Api<Deployment> = Api::namespaced(client().await, NAMESPACE);
    let spec = deployments.get(name).await.unwrap().spec;
    (spec.replicas, spec.template.spec.unwrap().containers[0].image.clone().unwrap())
}

#[tokio::test]
async fn load_runs_beside_a_rollout_on_one_clock_and_the_image_is_set_back() {
    let client = client().await;
    workload(&client, "beside", 1).await;
    let url = "http://beside/predict";
    let sample = json!({
        "load": {"http": url, "rate": 50, "nonce": true},
        "pods": {"watch": "pods", "labels": "app=beside"},
        "slices": {"watch": "endpointslices", "service": "beside"},
        "deployments": {"watch": "deployments"},
    });
    let steps = json!([
        {"wait": {"deployment": "beside", "within": "60s"}},
        {"start": "load"},
        {"after": "1s", "setImage": {"deployment": "beside", "container": "api", "image": "ms:v2"}, "as": "set"},
        {"wait": {"deployment": "beside", "within": "60s"}, "as": "released"},
        {"after": "2s", "stop": "load"},
    ]);
    let record = record(sample, steps, CancellationToken::new()).await;
    assert_eq!(record.ended, ExperimentEnd::Completed, "{record:#?}");
    let load = load(&record, "load");
    assert!(load.answer.len() > 100 && load.answer.len() == load.latency.len());
    let version = |seq: usize| load.answers[load.answer[seq] as usize].version.as_deref();
    // Nodes may learn of a Service a moment after its first pod is ready.
    let first = (0..load.answer.len()).find_map(version);
    assert_eq!((first, version(load.answer.len() - 1)), (Some("v1"), Some("v2")));
    let set = record.results["set"]["at_ms"].as_u64().unwrap();
    let first_v2 = (0..load.answer.len()).find(|seq| version(*seq) == Some("v2")).unwrap();
    assert!(load.due_ms(first_v2) > set as f64, "v2 answers after it was released");
    assert!(load.start_ms < set as f64 && load.uncertainty_ms < 1_000.0, "{}", load.uncertainty_ms);

    // The pod that went was deleted after the new one was ready, all on one clock.
    let pods = watched(&record, "pods");
    let at = |state: &str, nth: usize| {
        let found = pods.changes.iter().filter(|change| change.state == state).nth(nth);
        found.unwrap_or_else(|| panic!("no {state}: {pods:#?}")).at_ms
    };
    assert!(at("ready", 1) > set && at("terminating", 0) >= at("ready", 1), "{pods:#?}");
    assert!(pods.changes.iter().all(|change| !change.object.contains("labcheck-probe")));
    let slices = watched(&record, "slices");
    assert!(slices.changes.iter().any(|change| change.object.starts_with("endpoint/beside-")), "{slices:#?}");
    let deployments = watched(&record, "deployments");
    assert!(deployments.changes.iter().any(|change| change.state.contains("updatedReplicas")));
    assert_eq!(template("beside").await.1, image(), "the image is set back");
    assert!(probers(&client, url).await.is_empty());
}

#[tokio::test]
async fn several_changes_are_undone_to_what_stood_there_first() {
    let client = client().await;
    workload(&client, "several", 1).await;
    let image_step =
        |image: &str| json!({"setImage": {"deployment": "several", "container": "api", "image": image}});
    let steps = json!([
        image_step("ms:v2"),
        image_step("ms:v2-bad"),
        {"scale": {"deployment": "several", "replicas": 3}, "as": "scaled"},
        {"scale": {"deployment": "several", "replicas": 2}},
        image_step("ms:v2"),
    ]);
    let record = record(json!({}), steps, CancellationToken::new()).await;
    assert_eq!(record.ended, ExperimentEnd::Completed, "{record:#?}");
    assert_eq!(record.results["scaled"]["was"], 1);
    assert_eq!(template("several").await, (Some(1), image()));
    let back = record.log.iter().filter(|line| line.what.contains("back to")).count();
    assert_eq!(back, 2, "one for the image, one for the replicas: {:#?}", record.log);
}

#[tokio::test]
async fn what_is_not_there_to_be_changed_is_an_answer() {
    workload(&client().await, "changeless", 1).await;
    for (step, says) in [
        (
            json!({"setImage": {"deployment": "none", "container": "api", "image": "ms:v2"}}),
            "no deployment `none`",
        ),
        (
            json!({"setImage": {"deployment": "changeless", "container": "x", "image": "ms:v2"}}),
            "no image of container `x`",
        ),
        (json!({"scale": {"deployment": "none", "replicas": 2}}), "no deployment `none`"),
    ] {
        let ended = record(json!({}), json!([step]), CancellationToken::new()).await.ended;
        let ExperimentEnd::Stopped { step: 0, why } = &ended else { panic!("{ended:#?}") };
        assert!(why.contains(says), "{why}");
    }
}

#[tokio::test]
async fn rollout_that_is_stuck_is_reported_by_its_controller() {
    let client = client().await;
    workload(&client, "stuck", 1).await;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    let patch = kube::api::Patch::Merge(json!({"spec": {"progressDeadlineSeconds": 2}}));
    deployments.patch("stuck", &kube::api::PatchParams::default(), &patch).await.unwrap();
    let steps = json!([
        {"wait": {"deployment": "stuck", "within": "60s"}},
        {"wait": {"deployment": "stuck", "stalled": true, "within": "1s"}, "as": "well"},
        {"setImage": {"deployment": "stuck", "container": "api", "image": "ms:v2-bad"}},
        {"wait": {"deployment": "stuck", "stalled": true, "within": "30s"}, "as": "stalled"},
    ]);
    let record = record(json!({}), steps, CancellationToken::new()).await;
    assert_eq!(record.results["well"]["ok"], false);
    assert_eq!(record.results["stalled"]["ok"], true, "{record:#?}");
}

#[tokio::test]
async fn load_that_is_never_stopped_ends_with_the_experiment() {
    let url = "http://127.0.0.1:9/never-stopped";
    let sample = json!({"load": {"http": url, "rate": 20}});
    let record =
        record(sample, json!([{"after": "1s", "look": {}, "as": "end"}]), CancellationToken::new()).await;
    assert_eq!(record.ended, ExperimentEnd::Completed, "{record:#?}");
    let load = load(&record, "load");
    assert!(load.answer.len() > 10, "{load:#?}");
    assert_eq!(load.answers.len(), 1);
    assert_eq!(load.answers[0].error.as_deref(), Some("refused"), "what the target does is an answer");
    assert!(probers(&client().await, url).await.is_empty());
}

#[tokio::test]
async fn interrupted_load_leaves_nothing_and_nobody_waits_for_its_answers() {
    let url = "http://127.0.0.1:9/interrupted";
    let sample = json!({"load": {"http": url, "rate": 20}, "pods": {"watch": "pods"}});
    let steps = json!([{"after": "60s", "look": {}, "as": "never"}]);
    let record = record(sample, steps, CancellationToken::new()).await;
    assert_eq!(record.ended, ExperimentEnd::Unavailable { why: "interrupted".to_owned() });
    assert!(probers(&client().await, url).await.is_empty());
}

/// A prober that someone kills reports no end: nothing is known, nobody failed.
#[tokio::test]
async fn load_whose_prober_is_lost_is_unavailable() {
    let client = client().await;
    workload(&client, "lost", 1).await;
    let url = "http://lost/predict";
    let sample = json!({"load": {"http": url, "rate": 20}});
    let steps = json!([{"after": "4s", "look": {}, "as": "end"}]);
    let lose = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            if let [prober] = &probers(&client, url).await[..]
                && crate::support::running(&client, prober).await
            {
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                crate::support::remove(&client, prober).await;
                return;
            }
        }
    };
    let (record, ()) = tokio::join!(record(sample, steps, CancellationToken::new()), lose);
    let Sample::Unavailable { why } = &record.samples["load"] else { panic!("{record:#?}") };
    assert!(why.contains("did not do its work"), "{why}");
}
