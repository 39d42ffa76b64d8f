//! A lab's own manifests: into its namespace by server-side apply, and out of
//! the cluster again with the namespace. Like `act`, this changes a cluster;
//! nothing else does.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use kube::{
    Api, Client, Error, ResourceExt as _,
    api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams},
    runtime::wait::{await_condition, conditions},
};
use lab_spec::{Kind, experiment::Relabel};
use serde_json::{Value, json};

/// The field manager of everything a lab brings.
const MANAGER: &str = "labcheck";

/// How long a namespace may take to go, with all in it.
const GONE_WITHIN: Duration = Duration::from_secs(120);

/// How long the service account of a new namespace may take.
const ACCOUNT_WITHIN: Duration = Duration::from_secs(10);

/// One object of a lab's manifest files.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// File it stands in, for messages.
    file: String,
    kind: Kind,
    object: Value,
}

/// Why a manifest could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The file is not a list of objects.
    #[error("`{file}`: {problem}")]
    File {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The server refused.
    #[error("{what} could not be applied: {problem}")]
    Refused {
        /// The object and its file.
        what: String,
        /// The server's words.
        problem: String,
    },
    /// The namespace did not go away in time.
    #[error(
        "namespace `{0}` is still being deleted after two minutes; next: `kubectl get namespace {0} -o yaml`"
    )]
    StillThere(String),
}

impl Manifest {
    /// Reads the documents of one file. Quantities such as `0644` read as
    /// kubectl reads them.
    ///
    /// # Errors
    /// If it is no YAML, or an object is of a kind labs do not use.
    pub fn parse(file: &str, text: &str) -> Result<Vec<Self>, ApplyError> {
        let broken = |problem: String| ApplyError::File { file: file.to_owned(), problem };
        let options = serde_yaml::options! { legacy_octal_numbers: true };
        let objects: Vec<Value> = serde_yaml::from_multiple_with_options(text, options)
            .map_err(|error| broken(error.without_snippet().to_string()))?;
        objects
            .into_iter()
            .filter(|object| !object.is_null())
            .map(|object| {
                let name = object["kind"].as_str().unwrap_or_default();
                let kind = Kind::named(name).ok_or_else(|| broken(format!("kind `{name}` is not known")))?;
                if object["metadata"]["name"].as_str().is_none() {
                    return Err(broken(format!("a `{name}` has no name")));
                }
                Ok(Self { file: file.to_owned(), kind, object })
            })
            .collect()
    }

    fn name(&self) -> &str {
        self.object["metadata"]["name"].as_str().unwrap_or_default()
    }
}

/// Makes the namespace if it is missing and applies the manifests in it.
///
/// # Errors
/// The first object the server refuses; those before it stay applied.
pub async fn apply(client: &Client, namespace: &str, manifests: &[Manifest]) -> Result<(), ApplyError> {
    let own = format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {}}}}}", json!(namespace));
    let own = Manifest::parse("labcheck's own", &own)?;
    for manifest in own.iter().chain(manifests) {
        let api = api(client, &manifest.kind, namespace);
        let params = PatchParams::apply(MANAGER).force();
        api.patch(manifest.name(), &params, &Patch::Apply(&manifest.object)).await.map_err(|error| {
            ApplyError::Refused {
                what: format!("{} `{}` of `{}`", manifest.kind.word(), manifest.name(), manifest.file),
                problem: words(&error),
            }
        })?;
        if manifest.kind.kind == "Namespace" {
            accounted(client, manifest.name()).await;
        }
    }
    Ok(())
}

/// Puts labels on every pod that is selected, as a learner with `kubectl label`
/// would, and says on how many.
///
/// # Errors
/// If the server refuses one.
pub async fn relabel_pods(client: &Client, namespace: &str, relabel: &Relabel) -> Result<usize, ApplyError> {
    let refused = |error: Error| ApplyError::Refused {
        what: format!("labels of pods with `{}`", relabel.labels),
        problem: words(&error),
    };
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let pods = api.list(&ListParams::default().labels(&relabel.labels)).await.map_err(refused)?;
    let patch = Patch::Merge(json!({"metadata": {"labels": relabel.set}}));
    for pod in &pods {
        api.patch(&pod.name_any(), &PatchParams::default(), &patch).await.map_err(refused)?;
    }
    Ok(pods.items.len())
}

/// Deletes the namespace and waits until it is gone; a missing one is fine.
///
/// # Errors
/// If the server refuses, or something in it does not go.
pub async fn delete_namespace(client: &Client, namespace: &str) -> Result<(), ApplyError> {
    let Some(uid) = discard_namespace(client, namespace).await? else { return Ok(()) };
    let gone = await_condition(namespaces(client), namespace, conditions::is_deleted(&uid));
    match tokio::time::timeout(GONE_WITHIN, gone).await {
        Ok(Ok(_)) => Ok(()),
        _ => Err(ApplyError::StillThere(namespace.to_owned())),
    }
}

/// Begins the deletion of a namespace and does not wait for its end; gives
/// its UID, or `None` if there is none of that name.
///
/// # Errors
/// If the server refuses.
pub async fn discard_namespace(client: &Client, namespace: &str) -> Result<Option<String>, ApplyError> {
    let refused = |error: &Error| ApplyError::Refused {
        what: format!("the deletion of namespace `{namespace}`"),
        problem: words(error),
    };
    let api = namespaces(client);
    let uid = match api.get_opt(namespace).await {
        Ok(None) => return Ok(None),
        Ok(Some(found)) => found.metadata.uid.unwrap_or_default(),
        Err(error) => return Err(refused(&error)),
    };
    match api.delete(namespace, &DeleteParams::background()).await {
        Err(Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(refused(&error)),
        Ok(_) => Ok(Some(uid)),
    }
}

/// Pods of a new namespace are refused until it has its service account.
async fn accounted(client: &Client, namespace: &str) {
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let there = await_condition(api, "default", |account: Option<&ServiceAccount>| account.is_some());
    // Without it the server says itself what is missing.
    let _ = tokio::time::timeout(ACCOUNT_WITHIN, there).await;
}

fn namespaces(client: &Client) -> Api<Namespace> {
    Api::all(client.clone())
}

fn api(client: &Client, kind: &Kind, namespace: &str) -> Api<DynamicObject> {
    let (group, version) = kind.api_version.rsplit_once('/').unwrap_or(("", &kind.api_version));
    let gvk = GroupVersionKind::gvk(group, version, &kind.kind);
    let resource = ApiResource::from_gvk_with_plural(&gvk, &kind.plural);
    if kind.namespaced {
        Api::namespaced_with(client.clone(), namespace, &resource)
    } else {
        Api::all_with(client.clone(), &resource)
    }
}

fn words(error: &Error) -> String {
    match error {
        Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}
