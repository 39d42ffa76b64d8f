//! The kubeconfig a learner would have in a state.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::state::Context;
use crate::{failure::Failure, session::Target, state::State};

/// Name of the context that leads to the lab's cluster.
pub const LAB: &str = "lab";

/// Writes a kubeconfig with the lab's cluster as context [`LAB`], and the
/// current context the state wants.
///
/// # Errors
/// If the cluster's own kubeconfig cannot be read, or the new one written.
pub fn write(
    folder: &Path,
    target: &Target,
    records: &State,
    context: &Context,
    namespace: &str,
) -> Result<PathBuf, Failure> {
    let source = source(target, records)?;
    let text = fs::read_to_string(&source)
        .map_err(|error| Failure::unobservable(format!("kubeconfig `{}`: {error}", source.display())))?;
    let config: Value = serde_yaml::from_str(&text).map_err(|error| {
        Failure::usage(format!("kubeconfig `{}`: {}", source.display(), error.without_snippet()))
    })?;
    let recorded = records.clusters()?.into_iter().find(|cluster| cluster.kubeconfig == source);
    let wanted = target
        .context
        .clone()
        .or_else(|| recorded.map(|cluster| cluster.context))
        .or_else(|| config["current-context"].as_str().map(str::to_owned))
        .unwrap_or_default();
    let chosen = named(&config["contexts"], &wanted, "context")?;
    let cluster = named(&config["clusters"], chosen["cluster"].as_str().unwrap_or_default(), "cluster")?;
    let user = named(&config["users"], chosen["user"].as_str().unwrap_or_default(), "user")?;
    let space = context.namespace.as_deref().unwrap_or(namespace);
    let server = context.server.as_deref().unwrap_or("https://127.0.0.1:1");
    let current = match (context.current, &context.server) {
        (false, _) => "",
        (true, None) => LAB,
        (true, Some(_)) => "elsewhere",
    };
    let written = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current,
        "clusters": [
            {"name": LAB, "cluster": cluster},
            {"name": "elsewhere", "cluster": {"server": server}},
        ],
        "users": [{"name": LAB, "user": user}],
        "contexts": [
            {"name": LAB, "context": {"cluster": LAB, "user": LAB, "namespace": space}},
            {"name": "elsewhere", "context": {"cluster": "elsewhere", "user": LAB, "namespace": namespace}},
        ],
    });
    let path = folder.join("kubeconfig");
    fs::write(&path, written.to_string())
        .map_err(|error| Failure::unobservable(format!("`{}` cannot be written: {error}", path.display())))?;
    Ok(path)
}

/// The kubeconfig of the cluster that is tested on.
fn source(target: &Target, records: &State) -> Result<PathBuf, Failure> {
    if let Some(path) = &target.kubeconfig {
        return Ok(path.clone());
    }
    match records.clusters()?.as_slice() {
        [cluster] => Ok(cluster.kubeconfig.clone()),
        clusters => {
            Err(Failure::usage(format!("`labcheck up` made {} clusters, expected one", clusters.len()))
                .next("--kubeconfig FILE"))
        }
    }
}

fn named(list: &Value, name: &str, what: &str) -> Result<Value, Failure> {
    list.as_array()
        .into_iter()
        .flatten()
        .find(|item| item["name"] == name)
        .map(|item| item[what].clone())
        .ok_or_else(|| Failure::usage(format!("the kubeconfig has no {what} `{name}`")))
}
