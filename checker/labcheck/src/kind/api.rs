//! What `up` and `down` ask the API server: is this the cluster we made, and
//! are its nodes ready?

use std::time::{Duration, Instant};

use crate::{failure::Failure, progress::Step, state::Identity};
use k8s_openapi::api::core::v1::{Namespace, Node, ServiceAccount};
use kube::{
    Api, Client, Config,
    api::ListParams,
    config::{KubeConfigOptions, Kubeconfig},
};

/// How often a cluster that is coming up is asked again.
const AGAIN: Duration = Duration::from_millis(300);
/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(5);

/// A client of a cluster that kind runs here.
pub struct Server {
    client: Client,
    url: String,
    ca_sha256: String,
}

impl Server {
    /// Reads a kubeconfig that kind wrote.
    ///
    /// # Errors
    /// One that cannot be understood.
    pub async fn new(kubeconfig: &str) -> Result<Self, Failure> {
        let broken = |error: &dyn std::fmt::Display| {
            Failure::unobservable(format!("kind's kubeconfig cannot be used: {error}"))
        };
        let kubeconfig = Kubeconfig::from_yaml(kubeconfig).map_err(|error| broken(&error))?;
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .map_err(|error| broken(&error))?;
        // The server is on this machine, whatever HTTPS_PROXY says.
        config.proxy_url = None;
        config.connect_timeout = Some(REQUEST);
        config.read_timeout = Some(REQUEST);
        let url = config.cluster_url.to_string();
        let ca_sha256 = lab_observe::ca_sha256(&config);
        let client = Client::try_from(config).map_err(|error| broken(&error))?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), ca_sha256 })
    }

    /// Asks until the cluster says who it is.
    ///
    /// # Errors
    /// No answer in time; the last error is named.
    pub async fn identity(&self, name: &str, within: Duration) -> Result<Identity, Failure> {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let namespace = until(within, || async {
            let namespace = namespaces.get("kube-system").await.map_err(|error| error.to_string())?;
            namespace.metadata.uid.ok_or_else(|| "kube-system has no UID".to_owned())
        });
        let kube_system_uid = namespace.await.map_err(|reason| {
            Failure::unobservable(format!(
                "the API server of cluster `{name}` at {} does not answer within {} s: {reason}",
                self.url,
                within.as_secs()
            ))
            .next(format!("`labcheck down --name {name}`, then `labcheck up --name {name}` makes a new one"))
        })?;
        Ok(Identity {
            name: name.to_owned(),
            server: self.url.clone(),
            ca_sha256: self.ca_sha256.clone(),
            kube_system_uid,
        })
    }

    /// Waits until this many nodes are ready and pods can be made.
    ///
    /// # Errors
    /// Not in time; says which nodes are not ready and why.
    pub async fn ready(
        &self,
        name: &str,
        nodes: usize,
        within: Duration,
        step: &Step,
    ) -> Result<(), Failure> {
        let all: Api<Node> = Api::all(self.client.clone());
        let accounts: Api<ServiceAccount> = Api::default_namespaced(self.client.clone());
        let ready = until(within, || async {
            let found = all.list(&ListParams::default()).await.map_err(|error| error.to_string())?.items;
            let waiting: Vec<_> = found.iter().filter_map(not_ready).collect();
            step.note(&format!("{} of {nodes} nodes ready", found.len() - waiting.len()));
            if found.len() < nodes {
                return Err(format!("{} of {nodes} nodes have joined", found.len()));
            }
            if !waiting.is_empty() {
                return Err(waiting.join("; "));
            }
            // No pod can be made before its namespace has this account.
            accounts.get("default").await.map(drop).map_err(|error| error.to_string())
        });
        ready.await.map_err(|reason| {
            Failure::unobservable(format!(
                "cluster `{name}` is not ready after {} s: {reason}",
                within.as_secs()
            ))
            .next(format!(
                "`labcheck doctor`, then `labcheck down --name {name}` and `labcheck up --name {name}`"
            ))
        })
    }
}

/// The name of a node that is not ready, with the kubelet's reason.
fn not_ready(node: &Node) -> Option<String> {
    let name = node.metadata.name.clone().unwrap_or_default();
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    match conditions.into_iter().flatten().find(|condition| condition.type_ == "Ready") {
        Some(condition) if condition.status == "True" => None,
        Some(condition) => Some(format!("{name}: {}", condition.message.clone().unwrap_or_default())),
        None => Some(format!("{name}: has not reported yet")),
    }
}

/// Repeats a question until it is answered or time is up, and then tells the
/// last reason.
async fn until<T, F, Q>(within: Duration, question: F) -> Result<T, String>
where
    F: Fn() -> Q,
    Q: Future<Output = Result<T, String>>,
{
    let begun = Instant::now();
    loop {
        match question().await {
            Ok(answer) => return Ok(answer),
            Err(reason) if begun.elapsed() >= within => return Err(reason),
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}
