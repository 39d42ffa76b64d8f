//! `labcheck up`: a kind cluster that is ours, with the labs' images on it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    checkout,
    commands::down,
    docker::{Docker, archive, nodes::Node, workload},
    failure::Failure,
    kind::{
        self, Kind, Nodes,
        api::Server,
        kubeconfig,
        node_image::{self, Mode},
    },
    progress::Progress,
    state::{Claim, Cluster, State},
};

/// How long a new API server may take to answer.
const SERVER: Duration = Duration::from_secs(60);
/// How long all nodes may take to be ready: pulled images are unpacked first.
const READY: Duration = Duration::from_secs(180);

/// Arguments of `labcheck up`.
#[derive(clap::Args)]
pub struct Args {
    /// How many nodes: 1, or 3 (a control plane and two workers) [default: 1]
    #[arg(long, value_enum, hide_possible_values = true, value_name = "1|3")]
    nodes: Option<Nodes>,
    /// Name of the cluster; its context is kind-NAME
    #[arg(long, default_value = "labcheck", value_parser = cluster_name)]
    name: String,
    /// Use the node image that clusters/offline builds, whatever can be pulled
    #[arg(long, conflicts_with = "pull")]
    offline: bool,
    /// Use kind's own node image, and fail if it cannot be pulled
    #[arg(long)]
    pull: bool,
    /// Make no cluster: only put into Docker what compose labs need
    #[arg(long, conflicts_with_all = ["nodes", "name", "kubeconfig"])]
    compose: bool,
    /// Write the context to this file instead of the usual kubeconfig
    #[arg(long, value_name = "PATH")]
    kubeconfig: Option<PathBuf>,
}

/// A name kind accepts, short enough for a host name.
pub fn cluster_name(name: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let edges = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if name.len() > 40
        || !name.chars().all(allowed)
        || !edges(name.chars().next())
        || !edges(name.chars().last())
    {
        return Err(
            "expected up to 40 lower-case letters, digits, `-` and `.`, with a letter or digit at both \
                    ends"
                .to_owned(),
        );
    }
    Ok(name.to_owned())
}

/// Makes the cluster, or looks whether the one there is all it should be.
///
/// # Errors
/// Docker, kind or the cluster fails, or the name belongs to somebody else's
/// cluster.
pub fn run(args: &Args, progress: Progress) -> Result<u8, Failure> {
    super::block_on(async {
        tokio::select! {
            result = up(args, progress) => result,
            () = super::interrupted() => Err(Failure::unobservable("interrupted")
                .next(format!("`labcheck down --name {}` removes what was begun", args.name))),
        }
    })
}

async fn up(args: &Args, progress: Progress) -> Result<u8, Failure> {
    let state = State::open()?;
    let docker = Docker::connect().await?;
    if args.compose {
        return super::engine::up(&state, &docker, args.offline, progress).await;
    }
    let _lock = super::cluster_lock(&state, &args.name, progress)?;
    let found = docker.nodes(&args.name).await?;
    let recorded = state.cluster(&args.name)?;
    let mut cluster = match (&recorded, found.is_empty()) {
        (_, true) => create(args, &state, &docker, progress).await?,
        (Some(cluster), false) => reuse(args, cluster, &found, &docker, progress).await?,
        (None, false) => return Err(not_ours(args, &state, &found)?),
    };
    let merged = publish(args, &mut cluster, &docker).await?;
    state.save_cluster(&cluster)?;
    state.remove_claim(&args.name)?;
    load(&mut cluster, &docker, progress).await?;
    state.save_cluster(&cluster)?;
    tell(&cluster, &merged);
    Ok(0)
}

/// The cluster's name is taken, and no record says by us.
fn not_ours(args: &Args, state: &State, found: &[Node]) -> Result<Failure, Failure> {
    let name = &args.name;
    if let Some(claim) = state.claim(name)?
        && down::made_under(&claim, found)
    {
        return Ok(Failure::unobservable(format!(
            "cluster `{name}` is left from a `labcheck up` that was interrupted at {}",
            claim.begun
        ))
        .next(format!("`labcheck down --name {name}` removes it, then again")));
    }
    Ok(Failure::usage(format!(
        "a kind cluster called `{name}` exists (node `{}`), and labcheck did not make it",
        found.first().map_or("", |node| node.name.as_str())
    ))
    .next(format!(
        "`labcheck up --name {name}-2` makes another one; or `kind delete cluster --name {name}`, if it is \
         yours and of no use"
    )))
}

async fn create(args: &Args, state: &State, docker: &Docker, progress: Progress) -> Result<Cluster, Failure> {
    let (name, nodes) = (args.name.as_str(), args.nodes.unwrap_or(Nodes::One));
    if state.remove_cluster(name)? {
        progress
            .say(&format!("cluster `{name}` is gone, though labcheck did not delete it: making a new one"));
    }
    let checkout = checkout::root();
    let forced = match (args.offline, args.pull) {
        (true, _) => Some(Mode::Offline),
        (_, true) => Some(Mode::Pulled),
        _ => None,
    };
    let choice = node_image::choose(docker, checkout.as_deref(), forced).await?;
    progress.say(&match choice.mode {
        Mode::Pulled => format!("node image: kind's own, because {}", choice.why),
        Mode::Offline => format!("node image: built offline, because {}", choice.why),
    });
    let image = node_image::prepare(docker, checkout.as_deref(), &choice, progress).await?;
    let kind = Kind::find(Some(docker)).await?;
    state.save_claim(name, &Claim::now())?;
    let step = progress.step(&format!("creating cluster `{name}`"));
    if let Err(failure) = kind.create(name, nodes, &image, &step).await {
        drop(step);
        if docker.nodes(name).await?.is_empty() {
            state.remove_claim(name)?;
        }
        return Err(failure);
    }
    let server = Server::new(&kind.kubeconfig(name).await?).await?;
    step.note("waiting for the API server");
    let identity = server.identity(name, SERVER).await?;
    server.ready(name, nodes.count(), READY, &step).await?;
    step.done(&format!("{} ready", count(nodes.count(), "node")));
    let target = PathBuf::new();
    let mut cluster = Cluster::new(identity, kind::context(name), target, &choice.mode.to_string(), image);
    cluster.containers = docker.nodes(name).await?.into_iter().map(|node| node.id).collect();
    Ok(cluster)
}

/// Looks whether the cluster that is there is the one recorded, and healthy.
async fn reuse(
    args: &Args,
    cluster: &Cluster,
    found: &[Node],
    docker: &Docker,
    progress: Progress,
) -> Result<Cluster, Failure> {
    let name = args.name.as_str();
    if let Some(wanted) = args.nodes
        && wanted.count() != found.len()
    {
        return Err(Failure::usage(format!(
            "cluster `{name}` has {}, expected {}",
            count(found.len(), "node"),
            wanted.count()
        ))
        .next(format!("`labcheck down --name {name}` first, or another --name")));
    }
    let step = progress.step(&format!("looking at cluster `{name}`"));
    let started = docker.start_nodes(found).await?;
    let kind = Kind::find(Some(docker)).await?;
    let server = Server::new(&kind.kubeconfig(name).await?).await?;
    let identity = server.identity(name, SERVER).await?;
    if !identity.same_cluster(&cluster.identity) {
        return Err(Failure::usage(format!(
            "a kind cluster called `{name}` exists, but it is not the one labcheck made on {}: its CA or the \
             UID of kube-system is another",
            cluster.created
        ))
        .next(format!("`labcheck up --name {name}-2` makes another one")));
    }
    server.ready(name, found.len(), READY, &step).await?;
    step.done(&match started {
        0 => format!("it is ours and healthy, {}", count(found.len(), "node")),
        started => format!("it is ours and healthy again, {} started", count(started, "stopped node")),
    });
    let mut cluster = cluster.clone();
    cluster.identity = identity;
    Ok(cluster)
}

/// Writes the context to the user's kubeconfig.
async fn publish(args: &Args, cluster: &mut Cluster, docker: &Docker) -> Result<kubeconfig::Merged, Failure> {
    let kinds = Kind::find(Some(docker)).await?.kubeconfig(&args.name).await?;
    let merged = kubeconfig::merge(args.kubeconfig.as_deref(), &kinds, &cluster.context)?;
    cluster.kubeconfig = std::path::absolute(&merged.path).unwrap_or_else(|_| merged.path.clone());
    Ok(merged)
}

/// Makes the labs' images and puts them wherever they are missing.
async fn load(cluster: &mut Cluster, docker: &Docker, progress: Progress) -> Result<(), Failure> {
    let checkout = checkout::root();
    let step = progress.step("making the labs' images");
    let binary = workload::binary(&docker.architecture, checkout.as_deref(), &step).await?;
    let archive = archive::build(&binary, &docker.architecture, &workload::variants())
        .map_err(|error| Failure::unobservable(format!("cannot make the labs' images: {error}")))?;
    let nodes: Vec<_> =
        docker.nodes(&cluster.identity.name).await?.into_iter().map(|node| node.name).collect();
    let loaded = docker.load(&archive, &nodes, &step).await?;
    let tags: Vec<_> = archive.images.iter().map(|image| image.tag.as_str()).collect();
    step.done(&match (loaded.engine, loaded.nodes.len()) {
        (false, 0) => format!("{} are everywhere already", tags.join(", ")),
        (true, 0) => format!("{} loaded into Docker", tags.join(", ")),
        (_, nodes) => format!("{} loaded into {}", tags.join(", "), count(nodes, "node")),
    });
    super::engine::record(&State::open()?, &docker.endpoint.host, &archive)?;
    cluster.images = archive.images.iter().map(|image| (image.tag.clone(), image.digests())).collect();
    Ok(())
}

fn tell(cluster: &Cluster, merged: &kubeconfig::Merged) {
    let (name, context) = (&cluster.identity.name, &cluster.context);
    anstream::println!("cluster `{name}` is ready at {}", cluster.identity.server);
    let file = merged.path.display();
    match &merged.before {
        None => anstream::println!("current context: `{context}` in `{file}`; you had none"),
        Some(before) if before == context => anstream::println!("current context: `{context}` in `{file}`"),
        Some(before) => {
            anstream::println!(
                "context `{context}` is in `{file}`; your current context is still `{before}`"
            );
            anstream::println!("next: kubectl config use-context {context}{}", with(&merged.path));
        }
    }
}

/// The option kubectl needs when the file is not one it reads by itself.
fn with(path: &Path) -> String {
    match kubeconfig::files(None) {
        Ok(files) if files.iter().any(|file| file == path) => String::new(),
        _ => format!(" --kubeconfig {}", path.display()),
    }
}

fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::cluster_name;

    #[test]
    fn names_are_those_kind_accepts() {
        for good in ["labcheck", "lct-up", "a", "lab.1"] {
            assert!(cluster_name(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a/b", "../x", &"a".repeat(41)] {
            assert!(cluster_name(bad).is_err(), "{bad}");
        }
    }
}
