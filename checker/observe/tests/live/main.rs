//! Against a real API server: `LABCHECK_TEST_KUBECONFIG=… cargo test --workspace --test live_observe`.

#![allow(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

mod looks;
mod proxy;
mod watches;

use std::{env, fs, future::Future, path::PathBuf, process, sync::Arc, time::Duration};

use kube::{Client, config::Kubeconfig};
use lab_observe::{Observer, Options};
use lab_spec::{
    Kind, Look, Outcome, Request,
    evidence::{Reason, Unavailable},
};
use serde_json::{Value, json};

fn kubeconfig() -> PathBuf {
    let path = env::var_os("LABCHECK_TEST_KUBECONFIG").expect(
        "set LABCHECK_TEST_KUBECONFIG to the kubeconfig of a cluster these tests may create namespaces in",
    );
    PathBuf::from(path)
}

fn options() -> Options {
    Options { kubeconfig: Some(kubeconfig()), ..Options::default() }
}

async fn observer() -> Observer {
    Observer::connect(options()).await.unwrap()
}

/// An observer whose kubeconfig was changed.
async fn altered(alter: impl FnOnce(&mut Kubeconfig)) -> Observer {
    let mut kubeconfig = Kubeconfig::read_from(kubeconfig()).unwrap();
    alter(&mut kubeconfig);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    fs::write(&path, serde_json::to_string(&kubeconfig).unwrap()).unwrap();
    let request_timeout = Duration::from_secs(2);
    Observer::connect(Options { kubeconfig: Some(path), request_timeout, ..options() }).await.unwrap()
}

/// Runs a test in a namespace of its own, which goes also if the test fails.
async fn in_namespace<F: Future<Output = ()> + Send + 'static>(name: &str, test: impl FnOnce(Cluster) -> F) {
    let namespace = format!("obs-{name}-{}", process::id());
    let client = observer().await.client().unwrap();
    let cluster = Cluster { client: client.clone(), namespace: namespace.clone() };
    cluster.post("/api/v1/namespaces", json!({"metadata": {"name": namespace}})).await;
    let result = tokio::spawn(test(cluster.clone())).await;
    cluster.delete(&format!("/api/v1/namespaces/{namespace}")).await;
    result.unwrap();
}

/// What the tests do to the cluster; the crate itself only reads.
#[derive(Clone)]
struct Cluster {
    client: Client,
    namespace: String,
}

impl Cluster {
    fn path(&self, plural: &str) -> String {
        format!("/api/v1/namespaces/{}/{plural}", self.namespace)
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header(
                "content-type",
                if method == "PATCH" { "application/merge-patch+json" } else { "application/json" },
            )
            .body(body.map(|body| body.to_string().into_bytes()).unwrap_or_default())
            .unwrap();
        self.client.request(request).await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.send("POST", path, Some(body)).await
    }

    async fn delete(&self, path: &str) {
        self.send("DELETE", path, None).await;
    }

    async fn configmap(&self, name: &str, value: &str) {
        let body = json!({"metadata": {"name": name, "labels": {"test": "yes"}}, "data": {"value": value}});
        self.post(&self.path("configmaps"), body).await;
    }

    async fn set(&self, name: &str, value: &str) {
        let path = format!("{}/{name}", self.path("configmaps"));
        self.send("PATCH", &path, Some(json!({"data": {"value": value}}))).await;
    }

    fn list(&self, kind: &str) -> Request {
        Request::List { kind: Kind::named(kind).unwrap(), namespace: Some(self.namespace.clone()) }
    }
}

fn outcome<'a>(look: &'a Look, request: &Request) -> &'a Outcome {
    &look.observations[&request.key()].outcome
}

fn items<'a>(look: &'a Look, request: &Request) -> &'a Vec<Value> {
    match outcome(look, request) {
        Outcome::Present(Value::Array(items)) => items,
        other => panic!("expected items, found {other:?}"),
    }
}

fn named<'a>(look: &'a Look, request: &Request, name: &str) -> Option<&'a Value> {
    items(look, request).iter().find(|item| item["metadata"]["name"] == name)
}

fn refusal<'a>(look: &'a Look, request: &Request) -> &'a Unavailable {
    match outcome(look, request) {
        Outcome::Unavailable(why) => why,
        other => panic!("expected unavailable, found {other:?}"),
    }
}

fn assert_reason(look: &Look, request: &Request, reason: Reason) {
    let why = refusal(look, request);
    assert_eq!(why.reason, reason, "{why:?}");
}

/// Keeps several changes under way.
async fn many<F: Future<Output = ()> + Send + 'static>(count: usize, one: impl Fn(usize) -> F) {
    let limit = Arc::new(tokio::sync::Semaphore::new(8));
    let mut running = tokio::task::JoinSet::new();
    for n in 0..count {
        let permit = Arc::clone(&limit).acquire_owned().await.unwrap();
        let work = one(n);
        running.spawn(async move {
            work.await;
            drop(permit);
        });
    }
    running.join_all().await;
}
