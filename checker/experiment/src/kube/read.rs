//! Reading: single requests, and watching one object.

use std::error::Error as _;
use std::time::Duration;

use futures::{StreamExt, pin_mut};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Event, Namespace, Pod};
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use crate::halt::Halt;

/// How long one read may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pods as the server sends them, fields we have no type for included.
pub(crate) fn pods(client: &Client, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &ApiResource::erase::<Pod>(&()))
}

/// ReplicaSets as the server sends them.
pub(crate) fn replica_sets(client: &Client, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &ApiResource::erase::<ReplicaSet>(&()))
}

/// Deployments as the server sends them.
pub(crate) fn deployments(client: &Client, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &ApiResource::erase::<Deployment>(&()))
}

/// One object, or `None` if it does not exist.
pub(crate) async fn get(api: &Api<DynamicObject>, name: &str) -> Result<Option<Value>, Halt> {
    let what = format!("`{name}`");
    Ok(answer(&what, api.get_opt(name)).await?.map(|object| json(&object)))
}

/// All objects with these labels.
pub(crate) async fn list(api: &Api<DynamicObject>, labels: &str) -> Result<Vec<Value>, Halt> {
    let what = format!("the {}", api.resource_url().rsplit('/').next().unwrap_or_default());
    let list = answer(&what, api.list(&ListParams::default().labels(labels))).await?;
    Ok(list.items.iter().map(json).collect())
}

/// UID of `kube-system`, half of a cluster's identity.
pub(crate) async fn kube_system_uid(client: &Client) -> Result<String, Halt> {
    let api: Api<Namespace> = Api::all(client.clone());
    let namespace = answer("namespace `kube-system`", api.get("kube-system")).await?;
    Ok(namespace.uid().unwrap_or_default())
}

/// The newest event about an object, in words; events are a help, not a
/// proof, so that failing to read them is no failure.
pub(crate) async fn newest_event(client: &Client, namespace: &str, name: &str) -> Option<String> {
    let api: Api<Event> = Api::namespaced(client.clone(), namespace);
    let params = ListParams::default().fields(&format!("involvedObject.name={name}"));
    let events = answer("events", api.list(&params)).await.ok()?;
    let newest = events.items.into_iter().max_by_key(|event| event.creation_timestamp())?;
    Some(format!("{}: {}", newest.reason.unwrap_or_default(), newest.message.unwrap_or_default()))
}

/// Waits for a read, a bounded time.
pub(crate) async fn answer<T>(what: &str, request: impl Future<Output = kube::Result<T>>) -> Result<T, Halt> {
    match timeout(PATIENCE, request).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Halt::Unavailable(format!("cannot read {what}: {}", words(&error)))),
        Err(_) => {
            Err(Halt::Unavailable(format!("cannot read {what}: no answer within {} s", PATIENCE.as_secs())))
        }
    }
}

/// Watches one object until `check` has an answer; `None` once `limit` is
/// reached. `check` sees every state, `None` standing for no object.
///
/// # Errors
/// We may not watch, or could not see the object when time ran out.
pub(crate) async fn watch<T>(
    api: &Api<DynamicObject>,
    name: &str,
    limit: Instant,
    mut check: impl FnMut(Option<&Value>) -> Option<T>,
) -> Result<Option<T>, Halt> {
    let stream = watcher::watch_object(api.clone(), name).default_backoff();
    pin_mut!(stream);
    let mut blind = Some(format!("no answer about `{name}` in time"));
    loop {
        match timeout_at(limit, stream.next()).await {
            Ok(Some(Ok(object))) => {
                blind = None;
                if let Some(answer) = check(object.as_ref().map(json).as_ref()) {
                    return Ok(Some(answer));
                }
            }
            Ok(Some(Err(error))) => {
                let why = format!("cannot watch `{name}`: {}", watch_words(&error));
                if refused(&error) {
                    return Err(Halt::Unavailable(why));
                }
                // A watch that expired or broke is set up again; only a limit
                // reached while it is broken is a failure.
                blind = Some(why);
            }
            Ok(None) => return Err(Halt::Unavailable(format!("the watch of `{name}` ended"))),
            Err(_) => return blind.map_or(Ok(None), |why| Err(Halt::Unavailable(why))),
        }
    }
}

/// What a failed watch said.
pub(crate) fn watch_words(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => words(error),
        other => other.to_string(),
    }
}

/// Whether we may not watch at all.
pub(crate) fn refused(error: &watcher::Error) -> bool {
    let (watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error)) = error else {
        return false;
    };
    matches!(error, kube::Error::Api(status) if matches!(status.code, 401 | 403))
}

fn json(object: &DynamicObject) -> Value {
    // An object that came from JSON goes back to it.
    serde_json::to_value(object).unwrap_or_default()
}

/// What a failed request said, in words: the server's message, or the chain of
/// causes on our side.
pub(crate) fn words(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return format!("{} {}: {}", status.code, status.reason, status.message);
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let next_text = next.to_string();
        if !text.contains(&next_text) {
            text = format!("{text}: {next_text}");
        }
        cause = next.source();
    }
    text
}
