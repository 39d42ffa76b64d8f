//! What keeps experiments away from clusters they may not change.

use std::path::Path;

use lab_experiment::{Identity, Permission, RecoverError, forget, run};
use lab_spec::experiment::{ExperimentEnd, ExperimentRecord};
use serde_json::json;

use crate::support::{bare_pod, client, experiment, identity, journals, nowhere, recover, setting, uid};

async fn attempt(client: &kube::Client, identity: &Identity, permission: Permission) -> ExperimentRecord {
    let dir = tempfile::tempdir().unwrap();
    let mut setting = setting(client, identity, dir.path(), &|_| {});
    setting.permission = permission;
    let steps = json!([{"delete": {"pod": "fenced"}, "as": "deleted"}]);
    let record = run(&setting, "fenced", &experiment(steps)).await;
    assert_eq!(journals(dir.path()), 0, "not even a journal was begun");
    assert!(record.results.is_empty() && record.log.is_empty());
    record
}

fn why(record: ExperimentRecord) -> String {
    let ExperimentEnd::Unavailable { why } = record.ended else { panic!("{record:#?}") };
    why
}

fn elsewhere() -> Identity {
    Identity { ca_sha256: "other".to_owned(), kube_system_uid: "0-0-0".to_owned() }
}

#[tokio::test]
async fn refused_permission_sends_nothing() {
    let refused = Permission::Refused("cluster `prod` was not made by `labcheck up`".to_owned());
    // Any request would fail with another message.
    let record = attempt(&nowhere(), &elsewhere(), refused).await;
    assert_eq!(why(record), "cluster `prod` was not made by `labcheck up`");
}

#[tokio::test]
async fn server_that_is_not_there_is_unavailable() {
    let why = why(attempt(&nowhere(), &elsewhere(), Permission::Owned).await);
    assert!(why.contains("kube-system") && why.to_lowercase().contains("connect"), "{why}");
}

#[tokio::test]
async fn cluster_of_another_identity_is_not_touched() {
    let client = client().await;
    let before = bare_pod(&client, "fenced").await;
    for permission in [Permission::Owned, Permission::Confirmed] {
        let why = why(attempt(&client, &elsewhere(), permission).await);
        assert!(why.contains("`0-0-0`"), "{why}");
    }
    assert_eq!(uid(&client, "fenced").await, Some(before));
}

/// A journal as a run in the cluster `elsewhere` leaves it when killed.
fn foreign(dir: &Path) {
    let header = json!({
        "format": 2, "run": "r", "experiment": "heal",
        "target": {"kubernetes": {"identity": elsewhere(), "cluster": "kind-other", "namespace": "exp-dev"}},
    });
    let entry = json!({"kubernetes": {"delete": {
        "name": "foreign", "uid": "u",
        "manifest": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "foreign"}, "spec": {"containers": []}},
    }}});
    std::fs::write(dir.join("r.jsonl"), format!("{header}\n{entry}\n")).unwrap();
}

#[tokio::test]
async fn journal_of_another_cluster_is_left_and_names_it() {
    let (client, dir) = (client().await, tempfile::tempdir().unwrap());
    foreign(dir.path());
    let recovery = recover(&client, dir.path(), &identity(&client).await).await.unwrap();
    assert!(recovery.undone.is_empty());
    let why = &recovery.left[0].why;
    assert!(why.contains("`heal`") && why.contains("`kind-other`"), "{why}");
    assert_eq!(uid(&client, "foreign").await, None);
    assert_eq!(journals(dir.path()), 1);

    // The identity matches the journal, but the client leads elsewhere.
    let error = recover(&client, dir.path(), &elsewhere()).await.unwrap_err();
    assert!(matches!(error, RecoverError::Other(_)), "{error}");
    assert_eq!(uid(&client, "foreign").await, None);
    assert_eq!(journals(dir.path()), 1);

    assert_eq!(forget(dir.path(), &identity(&client).await).unwrap(), 0);
    assert_eq!(forget(dir.path(), &elsewhere()).unwrap(), 1);
    assert_eq!(journals(dir.path()), 0);
}
