//! `labcheck down`: deletes the cluster that `up` made, and no other.

use std::time::Duration;

use crate::{
    docker::{Docker, nodes::Node},
    failure::Failure,
    kind::{Kind, api::Server, kubeconfig},
    progress::Progress,
    state::{Claim, Cluster, State},
};

/// How long the API server may take to prove what cluster this is; after that
/// the node containers' ids have to do.
const SERVER: Duration = Duration::from_secs(5);
/// How soon after a claim kind makes its containers, in seconds.
const CLAIM_SECONDS: i64 = 120;

/// Arguments of `labcheck down`.
#[derive(clap::Args)]
pub struct Args {
    /// Name of the cluster
    #[arg(long, default_value = "labcheck", value_parser = super::up::cluster_name)]
    name: String,
}

/// Deletes the cluster, its record and its context.
///
/// # Errors
/// A cluster that is not ours, or one that cannot be deleted.
pub fn run(args: &Args, progress: Progress) -> Result<u8, Failure> {
    super::block_on(down(args, progress))
}

async fn down(args: &Args, progress: Progress) -> Result<u8, Failure> {
    let (name, state) = (args.name.as_str(), State::open()?);
    let _lock = super::cluster_lock(&state, name, progress)?;
    let recorded = state.cluster(name)?;
    let claim = state.claim(name)?;
    if recorded.is_none() && claim.is_none() {
        anstream::println!("labcheck made no cluster `{name}`: nothing to delete");
        return Ok(0);
    }
    let docker = Docker::connect().await?;
    let found = docker.nodes(name).await?;
    if found.is_empty() {
        anstream::println!("cluster `{name}` is gone already");
    } else {
        let proof = match (&recorded, &claim) {
            (Some(cluster), _) => prove(cluster, &found, &docker).await?,
            (None, Some(claim)) if made_under(claim, &found) => "it was never finished",
            (None, _) => {
                return Err(not_ours(name, "it was made at another time than the one that was begun"));
            }
        };
        let step = progress.step(&format!("deleting cluster `{name}`"));
        Kind::find(Some(&docker)).await?.delete(name, &step).await?;
        step.done("done");
        anstream::println!("deleted cluster `{name}` ({proof})");
    }
    if let Some(cluster) = &recorded {
        forget_context(cluster)?;
        super::unfinished::forget(&state, &cluster.identity);
        for lab in state.remove_labs_on(&cluster.identity)? {
            anstream::println!("{lab} is no longer started; your best result stays");
        }
    }
    state.remove_cluster(name)?;
    state.remove_claim(name)?;
    Ok(0)
}

/// Whether the containers were made right after the claim.
pub fn made_under(claim: &Claim, found: &[Node]) -> bool {
    let begun = claim.begun.as_second();
    found.iter().all(|node| (begun..begun + CLAIM_SECONDS).contains(&node.created))
}

/// That the cluster is the recorded one: by its CA and the UID of kube-system
/// or, if the API server does not answer, by the ids of its containers.
async fn prove(cluster: &Cluster, found: &[Node], docker: &Docker) -> Result<&'static str, Failure> {
    let name = cluster.identity.name.as_str();
    let identity = async {
        let kubeconfig = Kind::find(Some(docker)).await?.kubeconfig(name).await?;
        Server::new(&kubeconfig).await?.identity(name, SERVER).await
    };
    match identity.await {
        Ok(identity) if identity.same_cluster(&cluster.identity) => {
            Ok("CA and kube-system UID are those recorded")
        }
        Ok(_) => Err(not_ours(name, "its CA or the UID of kube-system is not the one recorded")),
        Err(_) if found.iter().all(|node| cluster.containers.contains(&node.id)) => {
            Ok("its API server does not answer; its containers are those recorded")
        }
        Err(_) => {
            Err(not_ours(name, "its API server does not answer and its containers are not those recorded"))
        }
    }
}

fn not_ours(name: &str, reason: &str) -> Failure {
    Failure::usage(format!("cluster `{name}` is not the one labcheck made: {reason}"))
        .next(format!("`kind delete cluster --name {name}`, if it is yours and of no use"))
}

fn forget_context(cluster: &Cluster) -> Result<(), Failure> {
    let (context, path) = (&cluster.context, &cluster.kubeconfig);
    match kubeconfig::remove(path, context, &cluster.identity.server)? {
        None => {}
        Some(false) => anstream::println!("removed context `{context}` from `{}`", path.display()),
        Some(true) => {
            anstream::println!(
                "removed context `{context}` from `{}`; it was your current context, now you have none",
                path.display()
            );
            anstream::println!("next: kubectl config use-context NAME");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Claim, Node, made_under};

    #[test]
    fn only_containers_made_right_after_a_claim_fall_under_it() {
        let claim = Claim::now();
        let node = |offset: i64| Node {
            name: "x-control-plane".to_owned(),
            id: "1".to_owned(),
            role: "control-plane".to_owned(),
            running: true,
            created: claim.begun.as_second() + offset,
        };
        assert!(made_under(&claim, &[node(0), node(5)]));
        assert!(!made_under(&claim, &[node(-1)]));
        assert!(!made_under(&claim, &[node(5), node(3600)]));
    }
}
