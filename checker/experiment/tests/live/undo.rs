//! What the steps leave behind: nothing.

use std::sync::Mutex;

use lab_experiment::run;
use lab_spec::experiment::ExperimentEnd;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::{bare_pod, client, experiment, identity, journals, pods, recover, remove, setting, uid};

#[tokio::test]
async fn bare_pod_stays_gone_during_the_experiment_and_is_there_again_after() {
    let (client, dir) = (client().await, tempfile::tempdir().unwrap());
    let before = bare_pod(&client, "bare").await;
    let progress = |line: &str| eprintln!("  {line}");
    let setting = setting(&client, &identity(&client).await, dir.path(), &progress);
    let steps =
        json!([{"delete": {"pod": "bare"}, "as": "deleted"}, {"after": "1s", "look": {}, "as": "gone"}]);
    let record = run(&setting, "bare", &experiment(steps)).await;
    assert_eq!(record.ended, ExperimentEnd::Completed, "{record:#?}");
    let deleted = &record.results["deleted"];
    assert_eq!((&deleted["uid"], &deleted["owned"]), (&json!(before), &json!(false)));
    assert!(deleted["gone_ms"].is_u64(), "{deleted}");
    assert!(record.log.iter().any(|line| line.what == "created pod/bare again"), "{record:#?}");
    let pod = pods(&client).get("bare").await.unwrap();
    assert_ne!(pod.metadata.uid, Some(before), "another pod of the same name");
    let pod = serde_json::to_value(pod).unwrap();
    assert_eq!(pod["metadata"]["labels"]["bare"], "bare");
    assert_eq!(pod["spec"]["containers"][0]["env"][0], json!({"name": "MARK", "value": "kept"}));
    let tokens = pod["spec"]["volumes"].as_array().unwrap();
    assert_eq!(tokens.len(), 1, "one token volume, not the old one and a new one");
    assert_eq!(journals(dir.path()), 0);
}

#[tokio::test]
async fn experiment_that_is_cancelled_is_undone_and_nobody_undoes_it_before() {
    let (client, dir) = (client().await, tempfile::tempdir().unwrap());
    bare_pod(&client, "cancelled").await;
    let identity = identity(&client).await;
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let progress = move |line: &str| told.send(line.to_owned()).unwrap();
    let mut setting = setting(&client, &identity, dir.path(), &progress);
    let cancel = CancellationToken::new();
    setting.cancel = cancel.clone();
    let steps = json!([{"delete": {"pod": "cancelled"}}, {"after": "60s", "look": {}, "as": "never"}]);
    let experiment = experiment(steps);
    let interrupt = async {
        while hears.recv().await.is_some_and(|line| !line.starts_with("letting")) {}
        let recovery = recover(&client, dir.path(), &identity).await.unwrap();
        assert!(recovery.undone.is_empty() && recovery.left.is_empty(), "a busy run is left alone");
        assert_eq!(uid(&client, "cancelled").await, None);
        assert_eq!(journals(dir.path()), 1);
        cancel.cancel();
    };
    let (record, ()) = tokio::join!(run(&setting, "cancelled", &experiment), interrupt);
    assert_eq!(record.ended, ExperimentEnd::Unavailable { why: "interrupted".to_owned() });
    assert!(record.looks.is_empty());
    assert!(uid(&client, "cancelled").await.is_some());
    assert_eq!(journals(dir.path()), 0);
}

/// `progress` is told of a deletion between the choice of the pod and the
/// request: there the pod is swapped for another of the same name.
#[tokio::test(flavor = "multi_thread")]
async fn pod_of_another_uid_is_never_deleted() {
    let (client, dir) = (client().await, tempfile::tempdir().unwrap());
    bare_pod(&client, "swapped").await;
    let last = Mutex::new(String::new());
    let progress = |line: &str| {
        if line.starts_with("deleting") {
            let swap = async {
                remove(&client, "swapped").await;
                bare_pod(&client, "swapped").await
            };
            let swapped = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(swap));
            *last.lock().unwrap() = swapped;
        }
    };
    let setting = setting(&client, &identity(&client).await, dir.path(), &progress);
    let steps = json!([{"delete": {"pod": "swapped"}, "as": "deleted"}]);
    let record = run(&setting, "swapped", &experiment(steps)).await;
    let ExperimentEnd::Stopped { step: 0, why } = &record.ended else { panic!("{record:#?}") };
    assert!(why.contains("changed each time"), "{why}");
    assert!(record.results.is_empty());
    let last = last.lock().unwrap().clone();
    assert_eq!(uid(&client, "swapped").await, Some(last), "the last pod was not touched");
    assert_eq!(journals(dir.path()), 0);
}
