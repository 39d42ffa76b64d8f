//! The prober: a pod of ours that sends requests from inside the cluster.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use super::act::{self, Refusal};
use super::manifest::CONTAINER;
use super::{Change, Place, read, undo};
use crate::halt::Halt;
use crate::run::Run;

/// How long the prober may take to start. Its image is already on the node, but
/// where a sandbox fails the kubelet tries again only after 10 s to 20 s.
pub(crate) const START: Duration = Duration::from_secs(45);

/// A name no other prober has.
pub(crate) fn name() -> String {
    format!("labcheck-probe-{}", &Uuid::new_v4().simple().to_string()[..10])
}

/// Creates the prober pod and waits until it runs or has run. Where the node's
/// runtime could not start its container, nothing was sent and it is tried once
/// more: a busy node does that to one container in some thousands.
pub(crate) async fn start(
    run: &Run<'_, '_>,
    place: &Place,
    manifest: &Value,
    name: &str,
) -> Result<(), Halt> {
    create(place, manifest).await?;
    let first = match started(run, place, name).await? {
        Start::Runs => return Ok(()),
        Start::Not { why, by_runtime: true } => why,
        Start::Not { why, .. } => return Err(not_started(place, name, &why).await),
    };
    run.tell(&format!("starting pod/{name} once more: {first}"));
    let client = &place.cluster.client;
    let change = Change::Probe { name: name.to_owned() };
    undo(client, run.id(), &place.namespace, &change).await?;
    let api = read::pods(client, &place.namespace);
    let gone = read::watch(&api, name, run.limit(START), |pod| pod.is_none().then_some(()));
    if run.unless_cancelled(gone).await??.is_none() {
        return Err(not_started(place, name, &first).await);
    }
    create(place, manifest).await?;
    match started(run, place, name).await? {
        Start::Runs => Ok(()),
        Start::Not { why, .. } => Err(not_started(place, name, &why).await),
    }
}

/// Creates the prober pod.
async fn create(place: &Place, manifest: &Value) -> Result<(), Halt> {
    let namespace = &place.namespace;
    let refusal = match act::create_pod(&place.cluster.client, namespace, manifest).await {
        Ok(()) => return Ok(()),
        Err(refusal) => refusal,
    };
    let missing = |refusal: &Refusal| {
        let details = refusal.status().and_then(|status| status.details.clone());
        refusal.code() == Some(404) && details.is_some_and(|details| details.kind == "namespaces")
    };
    Err(if missing(&refusal) {
        Halt::Stopped(format!("namespace `{namespace}` does not exist, so nothing in it can be asked"))
    } else {
        Halt::Unavailable(format!("cannot create the prober pod in namespace `{namespace}`: {refusal}"))
    })
}

/// What a prober pod is doing.
#[derive(Debug, PartialEq, Eq)]
enum Stage {
    /// Not running yet, and why.
    Starting(String),
    /// It will not run, and why.
    Stuck(String),
    /// The node's runtime could not start its container, and why.
    Unstarted(String),
    Running,
    /// Its container ended with this code.
    Ended(i64),
    /// The pod failed without its container having ended by itself.
    Failed(String),
    Gone,
}

fn stage(pod: Option<&Value>) -> Stage {
    let Some(pod) = pod else { return Stage::Gone };
    let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let state = |name: &str| pod.pointer(&format!("/status/containerStatuses/0/state/{name}"));
    let said = |value: &Value| {
        let part = |key: &str| value[key].as_str().unwrap_or_default();
        format!("{} {}", part("reason"), part("message")).trim().to_owned()
    };
    let status = || said(&pod["status"]);
    if let Some(terminated) = state("terminated") {
        return match terminated["reason"].as_str() {
            Some("StartError" | "ContainerCannotRun") => Stage::Unstarted(said(terminated)),
            _ if !text("/status/reason").is_empty() => Stage::Failed(status()),
            _ => Stage::Ended(terminated["exitCode"].as_i64().unwrap_or(-1)),
        };
    }
    if matches!(text("/status/phase"), "Failed" | "Succeeded") {
        return Stage::Failed(status());
    }
    if state("running").is_some() {
        return Stage::Running;
    }
    if let Some(waiting) = state("waiting") {
        let stuck = [
            "ErrImageNeverPull",
            "ErrImagePull",
            "ImagePullBackOff",
            "ImageInspectError",
            "InvalidImageName",
            "CreateContainerConfigError",
            "CreateContainerError",
            "RunContainerError",
        ];
        let reason = waiting["reason"].as_str().unwrap_or_default();
        let said = said(waiting);
        return if stuck.contains(&reason) { Stage::Stuck(said) } else { Stage::Starting(said) };
    }
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    let unscheduled = (conditions.into_iter().flatten())
        .find(|condition| condition["type"] == "PodScheduled" && condition["status"] == "False");
    Stage::Starting(unscheduled.map_or_else(|| "not scheduled yet".to_owned(), said))
}

/// Whether a prober started.
enum Start {
    /// It runs or has run.
    Runs,
    Not {
        why: String,
        /// The node's runtime failed, not what the pod asks for.
        by_runtime: bool,
    },
}

/// Waits until the prober runs or has run.
async fn started(run: &Run<'_, '_>, place: &Place, name: &str) -> Result<Start, Halt> {
    let api = read::pods(&place.cluster.client, &place.namespace);
    let mut last = String::new();
    let not = |why| Some(Start::Not { why, by_runtime: false });
    let seen = read::watch(&api, name, run.limit(START), |pod| match stage(pod) {
        Stage::Starting(why) => {
            last = why;
            None
        }
        Stage::Stuck(why) => not(why),
        Stage::Unstarted(why) => Some(Start::Not { why, by_runtime: true }),
        Stage::Failed(why) => not(format!("failed: {why}")),
        Stage::Gone => not("someone deleted it".to_owned()),
        Stage::Running | Stage::Ended(_) => Some(Start::Runs),
    });
    let seen = run.unless_cancelled(seen).await??;
    Ok(seen.unwrap_or(Start::Not { why: last, by_runtime: false }))
}

/// Not starting is never the target's doing.
async fn not_started(place: &Place, name: &str, why: &str) -> Halt {
    let event = read::newest_event(&place.cluster.client, &place.namespace, name).await;
    let event = event.map(|event| format!("; last event: {event}")).unwrap_or_default();
    Halt::Unavailable(format!("the prober pod `{name}` did not start: {why}{event}"))
}

/// Waits for the prober's end and says in words what it was.
pub(crate) async fn ended(
    run: &Run<'_, '_>,
    place: &Place,
    name: &str,
    limit: Instant,
) -> Result<String, Halt> {
    let api = read::pods(&place.cluster.client, &place.namespace);
    let seen = read::watch(&api, name, limit, |pod| match stage(pod) {
        Stage::Starting(_) | Stage::Running => None,
        Stage::Ended(code) => Some(Ok(format!("exit code {code}"))),
        Stage::Stuck(why) | Stage::Unstarted(why) | Stage::Failed(why) => Some(Err(why)),
        Stage::Gone => Some(Err("someone deleted it".to_owned())),
    });
    match run.unless_cancelled(seen).await?? {
        Some(Ok(end)) => Ok(end),
        Some(Err(why)) => Err(Halt::Unavailable(format!("the prober pod `{name}` was lost: {why}"))),
        None if run.is_over() => Err(Halt::OutOfTime),
        None => Err(Halt::Unavailable(format!("the prober pod `{name}` did not come to its end in time"))),
    }
}

/// All that the prober wrote.
pub(crate) async fn log(run: &Run<'_, '_>, place: &Place, name: &str) -> Result<String, Halt> {
    let api: Api<Pod> = Api::namespaced(place.cluster.client.clone(), &place.namespace);
    let params = LogParams { container: Some(CONTAINER.to_owned()), ..LogParams::default() };
    run.unless_cancelled(read::answer("the prober's log", api.logs(name, &params))).await?
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn waiting(reason: &str) -> Value {
        json!({"status": {"phase": "Pending", "containerStatuses": [
            {"state": {"waiting": {"reason": reason, "message": "because"}}},
        ]}})
    }

    #[test]
    fn image_that_is_not_there_will_not_come() {
        let stuck = Stage::Stuck("ErrImageNeverPull because".to_owned());
        assert_eq!(stage(Some(&waiting("ErrImageNeverPull"))), stuck);
        let starting = Stage::Starting("ContainerCreating because".to_owned());
        assert_eq!(stage(Some(&waiting("ContainerCreating"))), starting);
    }

    #[test]
    fn a_runtime_that_failed_is_told_from_a_pod_that_asks_too_much() {
        let pod = json!({"status": {"phase": "Failed", "containerStatuses": [
            {"state": {"terminated": {"exitCode": 128, "reason": "StartError", "message": "unable to freeze"}}},
        ]}});
        assert_eq!(stage(Some(&pod)), Stage::Unstarted("StartError unable to freeze".to_owned()));
    }

    #[test]
    fn pod_without_a_node_says_why() {
        let pod = json!({"status": {"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"},
        ]}});
        assert_eq!(stage(Some(&pod)), Stage::Starting("Unschedulable 0/1 nodes".to_owned()));
    }

    #[test]
    fn end_of_the_container_is_told_from_the_end_of_the_pod() {
        let ended = json!({"status": {"phase": "Succeeded", "containerStatuses": [
            {"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}},
        ]}});
        assert_eq!(stage(Some(&ended)), Stage::Ended(0));
        let mut late = ended.clone();
        late["status"]["reason"] = json!("DeadlineExceeded");
        assert_eq!(stage(Some(&late)), Stage::Failed("DeadlineExceeded".to_owned()));
        let evicted = json!({"status": {"phase": "Failed", "reason": "Evicted", "message": "disk"}});
        assert_eq!(stage(Some(&evicted)), Stage::Failed("Evicted disk".to_owned()));
        assert_eq!(stage(None), Stage::Gone);
    }
}
