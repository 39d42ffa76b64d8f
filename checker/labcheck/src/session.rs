//! One grading session: which cluster is looked at, by whom, for which lab.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use indexmap::IndexMap;
use lab_observe::{
    Observer, Options, Unreachable,
    compose::{self, ComposeError},
};
use lab_spec::{
    Evidence, FORMAT, Kind, Lab, Outcome, Request, Target as Looks,
    evidence::{Cluster, LabRef, Params},
};

use crate::{
    failure::Failure,
    kind,
    state::{Identity, State},
};

/// How the user says what is meant; the names are kubectl's and compose's.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Target {
    /// Kubeconfig file
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig [default: the cluster the lab was started on]
    #[arg(long)]
    pub context: Option<String>,
    /// Namespace [default: the lab's]
    #[arg(short, long)]
    pub namespace: Option<String>,
    /// Compose file, may be given several times [default: the one here]
    #[arg(short, long, value_name = "FILE")]
    pub file: Vec<PathBuf>,
    /// Name of the compose project [default: the one compose chooses]
    #[arg(short, long, value_name = "NAME")]
    pub project_name: Option<String>,
    /// Where the user stands, if not in the current directory.
    #[arg(skip)]
    pub directory: Option<PathBuf>,
}

/// A connection to what a lab is judged on.
pub struct Session {
    /// Looks at it.
    pub observer: Observer,
    /// Namespace the lab is judged in.
    pub namespace: String,
    /// Values fixed by `labcheck start`.
    pub params: Params,
    /// Digests of loaded images by tag.
    pub images: BTreeMap<String, Vec<String>>,
}

impl Session {
    /// Connects to the cluster that is meant: the one named, or the one the
    /// lab was started on, or the only one `labcheck up` made, or the current
    /// context's.
    ///
    /// # Errors
    /// If the kubeconfig does not lead anywhere (the server is not asked), or
    /// there is no Docker daemon or compose file.
    pub async fn open(target: &Target, lab: &Lab, state: &State) -> Result<Self, Failure> {
        let started = state.lab(&lab.id)?;
        let clusters = state.clusters()?;
        let recorded = match started.as_ref().and_then(|started| started.cluster.as_ref()) {
            Some(identity) => clusters.iter().find(|cluster| cluster.identity.same_cluster(identity)),
            None if clusters.len() == 1 => clusters.first(),
            None => None,
        };
        let named = target.kubeconfig.is_some() || target.context.is_some();
        let chosen = recorded.filter(|_| !named);
        misplaced(target, lab)?;
        let directory = target.directory.clone().unwrap_or_else(|| PathBuf::from("."));
        let compose = lab.has(Looks::Compose).then(|| compose::Options {
            files: target.file.clone(),
            project: target.project_name.clone(),
            directory: directory.clone(),
            program: kind::offline::compose(),
        });
        let options = Options {
            cluster: lab.has(Looks::Kind),
            compose,
            files: directory,
            kubeconfig: target
                .kubeconfig
                .clone()
                .or_else(|| chosen.map(|cluster| cluster.kubeconfig.clone())),
            context: target.context.clone().or_else(|| chosen.map(|cluster| cluster.context.clone())),
            namespace: target.namespace.clone(),
            request_timeout: Duration::from_secs(10),
            reveal_env: lab.reveal.env.clone(),
        };
        let observer = Observer::connect(options).await.map_err(|error| unreachable(&error, lab, state))?;
        let namespace = target
            .namespace
            .clone()
            .or_else(|| started.as_ref().map(|started| started.namespace.clone()))
            .unwrap_or_else(|| lab.namespace.clone());
        let ca = observer.ca_sha256();
        let mut images = clusters
            .iter()
            .find(|cluster| lab.has(Looks::Kind) && cluster.identity.ca_sha256 == ca)
            .map(|cluster| cluster.images.clone())
            .unwrap_or_default();
        if let Some(project) = observer.project()
            && let Some(engine) = state.engine(&project.engine)?
        {
            images.extend(engine.images);
        }
        let params = started.map_or_else(fresh_params, |started| started.params);
        Ok(Self { observer, namespace, params, images })
    }

    /// The same session, to be given another observer.
    pub fn again(&self) -> Self {
        Self {
            observer: self.observer.clone(),
            namespace: self.namespace.clone(),
            params: fresh_params(),
            images: self.images.clone(),
        }
    }

    /// The evidence before the first look.
    pub fn evidence(&self, lab: &Lab) -> Evidence {
        Evidence {
            format: FORMAT,
            lab: LabRef { id: lab.id.clone(), digest: lab.digest.clone() },
            cluster: match lab.has(Looks::Kind) {
                true => Cluster {
                    context: self.observer.context().to_owned(),
                    server: self.observer.server().to_owned(),
                    namespace: self.namespace.clone(),
                    owned: false,
                },
                false => Cluster::default(),
            },
            project: self.observer.project(),
            params: self.params.clone(),
            images: self.images.clone().into_iter().collect(),
            looks: Vec::new(),
            experiments: IndexMap::new(),
            ended: None,
        }
    }

    /// What is looked at, in a word or two.
    pub fn place(&self) -> String {
        match self.observer.project() {
            Some(project) if self.observer.context().is_empty() => project.name,
            _ => self.observer.context().to_owned(),
        }
    }

    /// Asks the cluster which one it is.
    ///
    /// # Errors
    /// If it does not answer, or refuses to.
    pub async fn identify(&self, lab: &Lab) -> Result<Identity, Failure> {
        let kind = Kind::named("Namespace").ok_or_else(|| Failure::usage("kind `Namespace` is unknown"))?;
        let mut evidence = self.evidence(lab);
        evidence.looks.push(self.observer.look(&[Request::List { kind, namespace: None }]).await);
        let server = self.observer.server();
        let uid = cluster_uid(&evidence).ok_or_else(|| {
            let why = match evidence.seen("list v1 namespaces").map(|seen| &seen.outcome) {
                Some(Outcome::Unavailable(why)) => why.message.clone(),
                _ => "it has no namespace `kube-system`".to_owned(),
            };
            Failure::unobservable(format!("`{server}` cannot be used: {why}")).next("labcheck doctor")
        })?;
        Ok(Identity {
            name: self.observer.context().to_owned(),
            server: server.to_owned(),
            ca_sha256: self.observer.ca_sha256(),
            kube_system_uid: uid,
        })
    }
}

/// Params of an attempt that begins now.
pub fn fresh_params() -> Params {
    let seed: u64 = rand::random();
    Params { seed: seed >> 1, nonce: format!("{:016x}", rand::random::<u64>()) }
}

/// UID of namespace `kube-system`, which with the CA makes a cluster's
/// identity, from what was seen.
pub fn cluster_uid(evidence: &Evidence) -> Option<String> {
    let Outcome::Present(items) = &evidence.seen("list v1 namespaces")?.outcome else { return None };
    let system = items.as_array()?.iter().find(|item| item["metadata"]["name"] == "kube-system")?;
    system["metadata"]["uid"].as_str().map(str::to_owned)
}

fn unreachable(error: &Unreachable, lab: &Lab, state: &State) -> Failure {
    let failure = match error {
        Unreachable::Compose(ComposeError::Docker(error)) => {
            let known = if error.is_usage() { Failure::usage } else { Failure::unobservable };
            return known(error.to_string()).next(error.next_step());
        }
        Unreachable::Compose(ComposeError::Files(error)) => Failure::usage(error.to_string()),
        Unreachable::Cluster(error) => return Failure::unobservable(error.to_string()),
    };
    match state.lab(&lab.id).ok().flatten().and_then(|started| started.directory) {
        Some(directory) => {
            failure.next(format!("`cd {}`, where you started {}", directory.display(), lab.id))
        }
        None => failure.next(format!("`labcheck start {}` writes one, `-f` names another", lab.id)),
    }
}

/// Options that say nothing about this lab are a mistake of the user's.
fn misplaced(target: &Target, lab: &Lab) -> Result<(), Failure> {
    let compose = !target.file.is_empty() || target.project_name.is_some();
    if compose && !lab.has(Looks::Compose) {
        return Err(Failure::usage(format!("`-f` and `-p` are about compose, and `{}` is not", lab.id)));
    }
    let cluster = target.kubeconfig.is_some() || target.context.is_some() || target.namespace.is_some();
    if cluster && !lab.has(Looks::Kind) {
        return Err(Failure::usage(format!(
            "`--kubeconfig`, `--context` and `-n` are about a cluster, and `{}` is not",
            lab.id
        )));
    }
    Ok(())
}
