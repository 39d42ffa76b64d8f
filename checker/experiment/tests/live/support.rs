//! A cluster, a namespace, workloads and settings for the tests.

use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use futures::FutureExt;
use indexmap::IndexMap;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod, Service};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use lab_experiment::{Cluster, Identity, Permission, Place, RecoverError, Recovery, Setting, System, Target};
use lab_spec::evidence::Provenance;
use lab_spec::{Experiment, Observation, Outcome};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

pub const NAMESPACE: &str = "exp-dev";

/// The cluster of LABCHECK_TEST_KUBECONFIG, with the namespace made.
pub async fn client() -> Client {
    let path = std::env::var("LABCHECK_TEST_KUBECONFIG")
        .expect("LABCHECK_TEST_KUBECONFIG is not set; name the kubeconfig of a cluster that may be changed");
    let kubeconfig = Kubeconfig::read_from(&path).expect("a readable kubeconfig");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let client = Client::try_from(config.expect("a usable kubeconfig")).expect("a client");
    namespace(&client, NAMESPACE).await;
    client
}

/// A client for a server that is not there.
pub fn nowhere() -> Client {
    Client::try_from(Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap()
}

pub async fn namespace(client: &Client, name: &str) {
    let namespace: Namespace = from(json!({"metadata": {"name": name}}));
    match Api::all(client.clone()).create(&PostParams::default(), &namespace).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.is_already_exists() => {}
        Err(error) => panic!("namespace `{name}`: {error}"),
    }
    // Pods are refused until the namespace has its service account.
    let accounts: Api<k8s_openapi::api::core::v1::ServiceAccount> = Api::namespaced(client.clone(), name);
    eventually("service account `default`", async || accounts.get_opt("default").await.unwrap().is_some())
        .await;
}

pub fn from<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// Asks again and again until it is so, a minute long.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_so().await {
        assert!(Instant::now() < until, "not so within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

pub fn image() -> String {
    std::env::var("LABCHECK_TEST_IMAGE").unwrap_or_else(|_| "ms:v1".to_owned())
}

pub fn probe_image() -> String {
    std::env::var("LABCHECK_TEST_PROBE_IMAGE").unwrap_or_else(|_| "labcheck/probe:0.1.0".to_owned())
}

pub fn pods(client: &Client) -> Api<Pod> {
    Api::namespaced(client.clone(), NAMESPACE)
}

/// A Deployment of the workload with a Service on port 80, both anew.
pub async fn workload(client: &Client, name: &str, replicas: u32) {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    let services: Api<Service> = Api::namespaced(client.clone(), NAMESPACE);
    let _ = deployments.delete(name, &DeleteParams::foreground()).await;
    let _ = services.delete(name, &DeleteParams::default()).await;
    let labels = ListParams::default().labels(&format!("app={name}"));
    eventually("old workload gone", async || {
        deployments.get_opt(name).await.unwrap().is_none()
            && pods(client).list(&labels).await.unwrap().items.is_empty()
    })
    .await;
    let deployment = json!({
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": serving()},
        },
    });
    deployments.create(&PostParams::default(), &from(deployment)).await.unwrap();
    let service = json!({
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]},
    });
    services.create(&PostParams::default(), &from(service)).await.unwrap();
}

fn serving() -> Value {
    json!({
        "terminationGracePeriodSeconds": 1,
        "containers": [{
            "name": "api", "image": image(), "imagePullPolicy": "Never", "args": ["serve"],
            "env": [{"name": "MARK", "value": "kept"}],
            "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}, "periodSeconds": 1},
        }],
    })
}

/// A running, ready bare pod; returns its UID. One that is there stays.
pub async fn bare_pod(client: &Client, name: &str) -> String {
    let pod = json!({"metadata": {"name": name, "labels": {"bare": name}}, "spec": serving()});
    match pods(client).create(&PostParams::default(), &from(pod)).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.is_already_exists() => {}
        Err(error) => panic!("pod `{name}`: {error}"),
    }
    eventually(&format!("pod `{name}` ready"), async || ready(client, name).await).await;
    uid(client, name).await.unwrap()
}

async fn ready(client: &Client, name: &str) -> bool {
    let pod = pods(client).get_opt(name).await.unwrap().map(|pod| serde_json::to_value(pod).unwrap());
    let pod = pod.unwrap_or_default();
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array).cloned().unwrap_or_default();
    pod.pointer("/metadata/deletionTimestamp").is_none()
        && conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// The UID of a pod that is there and not going.
pub async fn uid(client: &Client, name: &str) -> Option<String> {
    let pod = pods(client).get_opt(name).await.unwrap()?;
    if pod.metadata.deletion_timestamp.is_some() { None } else { pod.metadata.uid }
}

/// Deletes a pod at once.
pub async fn remove(client: &Client, name: &str) {
    let _ = pods(client).delete(name, &DeleteParams::default().grace_period(0)).await;
    eventually("pod gone", async || pods(client).get_opt(name).await.unwrap().is_none()).await;
}

/// Whether a pod's container runs.
pub async fn running(client: &Client, name: &str) -> bool {
    let pod = pods(client).get_opt(name).await.unwrap();
    let phase = pod.and_then(|pod| pod.status).and_then(|status| status.phase);
    phase.as_deref() == Some("Running")
}

/// Prober pods whose address is part of the arguments; tests run side by side.
pub async fn probers(client: &Client, url: &str) -> Vec<String> {
    let probes = ListParams::default().labels("labcheck.dev/probe=true");
    let pods = pods(client).list(&probes).await.unwrap();
    let with_url = |pod: &Pod| serde_json::to_string(&pod.spec).unwrap().contains(url);
    pods.items.into_iter().filter(with_url).filter_map(|pod| pod.metadata.name).collect()
}

pub fn journals(dir: &Path) -> usize {
    std::fs::read_dir(dir).map(Iterator::count).unwrap_or_default()
}

pub async fn identity(client: &Client) -> Identity {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let uid = namespaces.get("kube-system").await.unwrap().metadata.uid.unwrap();
    Identity { ca_sha256: "of the tests".to_owned(), kube_system_uid: uid }
}

pub fn experiment(steps: Value) -> Experiment {
    from(json!({"budget": {"requests": 100, "time": "90s"}, "steps": steps}))
}

fn rolled_out(deployment: &Value) -> bool {
    let number = |pointer: &str| deployment.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    let replicas = number("/spec/replicas");
    number("/status/observedGeneration") >= number("/metadata/generation")
        && number("/status/updatedReplicas") == replicas
        && number("/status/availableReplicas") == replicas
        && number("/status/replicas") == replicas
}

fn clock() -> u64 {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    u64::try_from(BEGAN.get_or_init(Instant::now).elapsed().as_millis()).unwrap()
}

/// One look, with one answer in it.
fn look() -> IndexMap<String, Observation> {
    let answer = Observation { outcome: Outcome::Present(json!([])), provenance: Provenance::default() };
    IndexMap::from([("list v1 pods -n exp-dev".to_owned(), answer)])
}

/// The cluster of the tests, taken for the one of this identity.
pub fn cluster(client: &Client, identity: &Identity) -> Cluster {
    Cluster {
        client: client.clone(),
        name: "the cluster of the tests".to_owned(),
        identity: identity.clone(),
    }
}

/// Where a setting works.
pub fn place<'s>(setting: &'s mut Setting<'_>) -> &'s mut Place {
    match &mut setting.target {
        Target::Kubernetes(place) => place,
        Target::Compose(_) => panic!("the tests of clusters work on a cluster"),
    }
}

/// Undoes what killed runs left in the cluster of this identity.
pub async fn recover(client: &Client, dir: &Path, identity: &Identity) -> Result<Recovery, RecoverError> {
    lab_experiment::recover(System::Kubernetes(&cluster(client, identity)), dir).await
}

/// A setting that may change the cluster; `progress` hears every line.
pub fn setting<'a>(
    client: &Client,
    identity: &Identity,
    journal_dir: &Path,
    progress: &'a (dyn Fn(&str) + Send + Sync),
) -> Setting<'a> {
    Setting {
        target: Target::Kubernetes(Box::new(Place {
            cluster: cluster(client, identity),
            namespace: NAMESPACE.to_owned(),
            probe_image: probe_image(),
            rolled_out,
        })),
        permission: Permission::Owned,
        journal_dir: journal_dir.to_owned(),
        nonce: "n0".to_owned(),
        clock: &clock,
        look: &|_| async { look() }.boxed(),
        progress,
        cancel: CancellationToken::new(),
    }
}
