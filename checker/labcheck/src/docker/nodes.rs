//! The containers that are the nodes of a kind cluster.

use std::collections::HashMap;

use bollard::query_parameters::ListContainersOptionsBuilder;

use super::{Docker, failed};
use crate::failure::Failure;

/// The label kind puts on every node.
const CLUSTER: &str = "io.x-k8s.kind.cluster";
const ROLE: &str = "io.x-k8s.kind.role";

/// A node of a kind cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Name of the container, which is the node's name.
    pub name: String,
    /// Id of the container.
    pub id: String,
    /// `control-plane` or `worker`.
    pub role: String,
    /// Whether it runs.
    pub running: bool,
    /// When the container was made, in seconds since 1970.
    pub created: i64,
}

impl Docker {
    /// The nodes of a kind cluster, by name; none if there is no such cluster.
    ///
    /// # Errors
    /// A daemon that fails.
    pub async fn nodes(&self, cluster: &str) -> Result<Vec<Node>, Failure> {
        let filters = HashMap::from([("label".to_owned(), vec![format!("{CLUSTER}={cluster}")])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let found = self
            .client
            .list_containers(Some(options))
            .await
            .map_err(|error| failed("list the cluster's nodes", &error))?;
        let mut nodes: Vec<_> = found
            .into_iter()
            .map(|container| Node {
                name: container
                    .names
                    .unwrap_or_default()
                    .first()
                    .map(|name| name.trim_start_matches('/').to_owned())
                    .unwrap_or_default(),
                id: container.id.unwrap_or_default(),
                role: container.labels.unwrap_or_default().remove(ROLE).unwrap_or_default(),
                running: container.state.is_some_and(|state| state.to_string() == "running"),
                created: container.created.unwrap_or_default(),
            })
            // A load balancer of several control planes runs no pods.
            .filter(|node| node.role != "external-load-balancer")
            .collect();
        nodes.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(nodes)
    }

    /// Starts the nodes that are stopped, as they are after a reboot; says
    /// how many that were.
    ///
    /// # Errors
    /// A daemon that fails.
    pub async fn start_nodes(&self, nodes: &[Node]) -> Result<usize, Failure> {
        let stopped: Vec<_> = nodes.iter().filter(|node| !node.running).collect();
        for node in &stopped {
            self.client
                .start_container(&node.id, None::<bollard::query_parameters::StartContainerOptions>)
                .await
                .map_err(|error| failed(&format!("start node `{}`", node.name), &error))?;
        }
        Ok(stopped.len())
    }
}
