//! Undoing one change. Everything here may be done twice.

use std::time::Duration;

use indexmap::IndexMap;
use kube::Client;
use serde_json::Value;
use tokio::time::Instant;

use super::Change;
use super::deployment::Restore;
use super::manifest::RUN;
use super::{act, read};
use crate::halt::Halt;

/// How long a pod that is going may take before its like can be made: the
/// longest grace period labs use, and the kubelet's own work.
const GOING: Duration = Duration::from_secs(75);

/// Undoes one change of a run and says what it did; `None` if nothing was to
/// be done.
pub(crate) async fn undo(
    client: &Client,
    run: &str,
    namespace: &str,
    change: &Change,
) -> Result<Option<String>, Halt> {
    match change {
        Change::Probe { name } => remove_probe(client, run, namespace, name).await,
        // Its controller makes another.
        Change::Delete { manifest: None, .. } => Ok(None),
        Change::Delete { name, uid, manifest: Some(manifest) } => {
            restore(client, namespace, name, uid, manifest).await
        }
        Change::Relabel { name, uid, set, before } => {
            label_back(client, namespace, (name, uid), set, before).await
        }
        Change::Field { deployment, uid, container, was, now } => {
            let change = Restore { uid, container: container.as_deref(), was, now };
            super::deployment::restore(client, namespace, deployment, change).await
        }
    }
}

async fn remove_probe(
    client: &Client,
    run: &str,
    namespace: &str,
    name: &str,
) -> Result<Option<String>, Halt> {
    let Some(pod) = read::get(&read::pods(client, namespace), name).await? else { return Ok(None) };
    if pod["metadata"]["labels"][RUN] != run {
        // The name was taken, so ours was never made.
        return Ok(None);
    }
    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
    match act::delete_pod(client, namespace, name, uid, true).await {
        Ok(()) => Ok(Some(format!("deleted pod/{name} (prober)"))),
        Err(refusal) if matches!(refusal.code(), Some(404 | 409)) => Ok(None),
        Err(refusal) => Err(Halt::Unavailable(format!(
            "cannot delete prober pod `{name}` in namespace `{namespace}`: {refusal}"
        ))),
    }
}

/// Gives the labels their old values, unless someone changed them meanwhile.
async fn label_back(
    client: &Client,
    namespace: &str,
    (name, uid): (&str, &str),
    set: &IndexMap<String, String>,
    before: &IndexMap<String, Option<String>>,
) -> Result<Option<String>, Halt> {
    let Some(pod) = read::get(&read::pods(client, namespace), name).await? else { return Ok(None) };
    let ours =
        |label: &String| pod["metadata"]["labels"][label].as_str() == set.get(label).map(String::as_str);
    let labels: Vec<_> = before
        .iter()
        .filter(|(label, _)| ours(label))
        .map(|(label, value)| (label.as_str(), value.as_deref()))
        .collect();
    if pod["metadata"]["uid"] != uid || labels.is_empty() {
        return Ok(None);
    }
    match act::relabel_pod(client, namespace, name, uid, labels.into_iter()).await {
        Ok(()) => Ok(Some(format!("gave pod/{name} its labels back"))),
        Err(refusal) if matches!(refusal.code(), Some(404 | 409)) => Ok(None),
        Err(refusal) => Err(Halt::Unavailable(format!(
            "cannot give pod `{name}` in namespace `{namespace}` its labels back: {refusal}"
        ))),
    }
}

async fn restore(
    client: &Client,
    namespace: &str,
    name: &str,
    uid: &str,
    manifest: &Value,
) -> Result<Option<String>, Halt> {
    let api = read::pods(client, namespace);
    // The pod with our UID still there and not going was never deleted; with
    // another UID, someone was faster.
    let there =
        |pod: &Value| pod["metadata"]["uid"] != uid || pod.pointer("/metadata/deletionTimestamp").is_none();
    let limit = Instant::now() + GOING;
    match read::watch(&api, name, limit, |pod| match pod {
        None => Some(false),
        Some(pod) if there(pod) => Some(true),
        Some(_) => None,
    })
    .await?
    {
        Some(true) => return Ok(None),
        Some(false) => {}
        None => {
            let seconds = GOING.as_secs();
            return Err(Halt::Unavailable(format!(
                "pod `{name}` in namespace `{namespace}` is still being deleted after {seconds} s"
            )));
        }
    }
    match act::create_pod(client, namespace, manifest).await {
        Ok(()) => Ok(Some(format!("created pod/{name} again"))),
        // 409: someone was faster. 404: its namespace is gone with all in it.
        Err(refusal) if matches!(refusal.code(), Some(404 | 409)) => Ok(None),
        Err(refusal) => Err(Halt::Unavailable(format!(
            "cannot create pod `{name}` in namespace `{namespace}` again: {refusal}"
        ))),
    }
}
