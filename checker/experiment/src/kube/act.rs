//! Every request that changes a cluster; nothing else in labcheck sends one.
//!
//! These calls are never cancelled half-way, only timed out: an undo must not
//! run beside a change that may still be on its way.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Client};
use serde_json::{Value, json};

/// What became of a change.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The server answered with an error.
    Server(Box<kube::Error>),
    /// No answer in time: the change may or may not have happened.
    Silence,
    /// The manifest is none.
    Manifest(serde_json::Error),
}

/// The field manager of changes, the one that applied the lab.
const MANAGER: &str = "labcheck";

/// How long one change may take. Admission webhooks may take 30 s by
/// themselves.
const PATIENCE: Duration = Duration::from_secs(35);

/// Creates a pod.
pub(crate) async fn create_pod(client: &Client, namespace: &str, manifest: &Value) -> Result<(), Refusal> {
    let object: DynamicObject = serde_json::from_value(manifest.clone()).map_err(Refusal::Manifest)?;
    let api: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), namespace, &kube::api::ApiResource::erase::<Pod>(&()));
    answer(api.create(&PostParams::default(), &object)).await.map(drop)
}

/// Deletes the pod of this name if it still has this UID, with its own grace
/// period or at once.
pub(crate) async fn delete_pod(
    client: &Client,
    namespace: &str,
    name: &str,
    uid: &str,
    at_once: bool,
) -> Result<(), Refusal> {
    let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
    let params = DeleteParams {
        preconditions: Some(preconditions),
        grace_period_seconds: at_once.then_some(0),
        ..DeleteParams::default()
    };
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    answer(api.delete(name, &params)).await.map(drop)
}

/// Sets labels of the pod of this name if it still has this UID; `None`
/// removes one.
pub(crate) async fn relabel_pod<'l>(
    client: &Client,
    namespace: &str,
    name: &str,
    uid: &str,
    labels: impl Iterator<Item = (&'l str, Option<&'l str>)>,
) -> Result<(), Refusal> {
    let labels: serde_json::Map<_, _> =
        labels.map(|(label, value)| (label.to_owned(), Value::from(value))).collect();
    // A UID in the patch is a precondition: another pod answers 409.
    let patch = Patch::Merge(json!({"metadata": {"uid": uid, "labels": labels}}));
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    answer(api.patch(name, &PatchParams::default(), &patch)).await.map(drop)
}

/// Patches a Deployment by strategic merge.
pub(crate) async fn patch_deployment(
    client: &Client,
    namespace: &str,
    name: &str,
    patch: &Value,
) -> Result<(), Refusal> {
    let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    answer(api.patch(name, &params, &Patch::Strategic(patch))).await.map(drop)
}

async fn answer<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, Refusal> {
    match tokio::time::timeout(PATIENCE, request).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Refusal::Server(Box::new(error))),
        Err(_) => Err(Refusal::Silence),
    }
}

impl Refusal {
    /// The server's own words and code, if it was the server that refused.
    pub(crate) fn status(&self) -> Option<&kube::core::Status> {
        match self {
            Self::Server(error) => match &**error {
                kube::Error::Api(status) => Some(status),
                _ => None,
            },
            Self::Silence | Self::Manifest(_) => None,
        }
    }

    /// The HTTP code, if the server answered.
    pub(crate) fn code(&self) -> Option<u16> {
        self.status().map(|status| status.code)
    }

    /// Whether admission refused, which is part of the system under test,
    /// rather than the rights we have, which are not.
    pub(crate) fn by_admission(&self) -> bool {
        self.status().is_some_and(|status| {
            status.message.contains("denied the request") || status.message.contains("denied request")
        })
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Server(error) => f.write_str(&super::read::words(error)),
            Self::Silence => write!(f, "no answer within {} s", PATIENCE.as_secs()),
            Self::Manifest(error) => write!(f, "not a manifest: {error}"),
        }
    }
}
