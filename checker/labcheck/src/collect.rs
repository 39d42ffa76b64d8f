//! The loop between judge and cluster: ask what the judge wants to know until
//! it knows enough.

use std::{pin::Pin, time::Duration};

use futures::{Stream, StreamExt, future::BoxFuture};
use indexmap::IndexMap;
use lab_experiment::{Cluster, Identity, Permission, Place, Setting, Target, compose};
use lab_judge::{Judge, Limits, Next};
use lab_observe::Observer;
use lab_spec::{
    Ended, Evidence, Lab, Look, Observation, Outcome, Request,
    experiment::{ExperimentEnd, ExperimentRecord},
};
use tokio_util::sync::CancellationToken;

use crate::{
    commands::unfinished,
    session::{Session, cluster_uid},
    state::State,
};

/// Image of the observer's own prober, which `labcheck up` loads beside the
/// learner's, so that no retagged image can answer for it.
pub const PROBE_IMAGE: &str = concat!("labcheck/probe:", env!("CARGO_PKG_VERSION"));

type Watching = Pin<Box<dyn Stream<Item = Look> + Send>>;

/// Collects evidence for one lab.
pub struct Collector<'a> {
    /// The cluster.
    pub session: &'a Session,
    /// The lab.
    pub lab: &'a Lab,
    /// Its judge.
    pub judge: &'a Judge<'a>,
    /// Records of clusters and journals.
    pub state: &'a State,
    /// Whether the user allowed experiments on a cluster that is not ours.
    pub confirmed: bool,
    /// Told what is being done, a line at a time.
    pub say: &'a (dyn Fn(&str) + Send + Sync),
    /// Stops looking early.
    pub cancel: CancellationToken,
}

impl Collector<'_> {
    /// Asks until the judge is satisfied, or the user interrupts.
    pub async fn run(&self, limits: Limits) -> Evidence {
        let mut evidence = self.session.evidence(self.lab);
        let mut asked: IndexMap<String, Request> = IndexMap::new();
        let mut watching: Option<Watching> = None;
        loop {
            let next = self.judge.next(&evidence, limits);
            if self.cancel.is_cancelled() {
                evidence.ended = Some(Ended::Interrupted);
                return evidence;
            }
            if !matches!(next, Next::Watch { .. }) && watching.take().is_some() {
                // No news may also mean that nobody answers any more.
                evidence.looks.push(Look { gap: false, ..self.look_again(&asked).await });
                continue;
            }
            match next {
                Next::Look(requests) => {
                    if requests.iter().any(|request| asked.contains_key(&request.key())) {
                        // A list taken anew outdates what is being watched.
                        watching = None;
                    }
                    asked.extend(requests.iter().map(|request| (request.key(), request.clone())));
                    evidence.looks.push(self.session.observer.look(&requests).await);
                    evidence.cluster.owned = self.owner(&evidence).is_some();
                    rename(&mut evidence);
                }
                Next::Watch { until_ms } => {
                    let stream = watching.get_or_insert_with(|| self.watch(&evidence, &asked));
                    let look = self.watched(stream, until_ms).await;
                    (self.say)("waiting for what is still converging");
                    let lost = is_lost(&look);
                    evidence.looks.push(look);
                    if lost {
                        // What was seen before says nothing of how it is now.
                        watching = None;
                        self.pause().await;
                        evidence.looks.push(self.look_again(&asked).await);
                    }
                }
                Next::Experiment(name) => {
                    let record = self.experiment(&name, &evidence).await;
                    evidence.experiments.insert(name, record);
                }
                Next::Done(ended) => {
                    evidence.ended = Some(ended);
                    return evidence;
                }
            }
        }
    }

    /// Watches every list asked so far, from where it was read.
    pub fn watch(&self, evidence: &Evidence, asked: &IndexMap<String, Request>) -> Watching {
        let mut from = Vec::new();
        for (key, request) in asked {
            let Some(observation) = evidence.seen(key) else { continue };
            if let (Request::List { .. }, Outcome::Present(serde_json::Value::Array(items)), Some(version)) =
                (request, &observation.outcome, &observation.provenance.resource_version)
            {
                from.push((request.clone(), version.clone(), items.clone()));
            }
            if matches!(request, Request::Docker { .. }) {
                from.push((request.clone(), String::new(), Vec::new()));
            }
        }
        Box::pin(self.session.observer.watch(&from))
    }

    /// The next change, or at `until_ms` a look that says nothing changed.
    pub async fn watched(&self, stream: &mut Watching, until_ms: u64) -> Look {
        let left = until_ms.saturating_sub(self.session.observer.at_ms());
        tokio::select! {
            Some(look) = stream.next() => look,
            () = tokio::time::sleep(Duration::from_millis(left)) => self.unchanged().await,
            () = self.cancel.cancelled() => self.unchanged().await,
        }
    }

    /// Everything that was asked, asked anew.
    async fn look_again(&self, asked: &IndexMap<String, Request>) -> Look {
        let requests: Vec<_> = asked.values().cloned().collect();
        self.session.observer.look(&requests).await
    }

    /// Between a watch that was lost and the next try.
    async fn pause(&self) {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            () = self.cancel.cancelled() => {}
        }
    }

    /// A look at nothing while every list is being watched: no news is news.
    async fn unchanged(&self) -> Look {
        Look { gap: false, ..self.session.observer.look(&[]).await }
    }

    /// The record of the cluster that evidence is about, if it is ours.
    fn owner(&self, evidence: &Evidence) -> Option<Identity> {
        let ca_sha256 = self.session.observer.ca_sha256();
        let kube_system_uid = cluster_uid(evidence)?;
        let clusters = self.state.clusters().ok()?;
        let ours = clusters.iter().any(|cluster| {
            cluster.identity.ca_sha256 == ca_sha256 && cluster.identity.kube_system_uid == kube_system_uid
        });
        ours.then_some(Identity { ca_sha256, kube_system_uid })
    }

    /// The namespace experiments work in, and whether they may.
    fn in_cluster(&self, evidence: &Evidence) -> Result<(Target, Permission), String> {
        let observer = &self.session.observer;
        let uid = cluster_uid(evidence);
        let permission = if uid.is_none() {
            // Ours or not, it is not told apart from any other.
            let why = match evidence.seen("list v1 namespaces").map(|seen| &seen.outcome) {
                Some(Outcome::Unavailable(why)) => why.message.as_str(),
                _ => "it has no namespace `kube-system`",
            };
            Permission::Refused(format!("which cluster this is cannot be seen: {why}"))
        } else if evidence.cluster.owned {
            Permission::Owned
        } else if self.confirmed {
            Permission::Confirmed
        } else {
            Permission::Refused(format!(
                "`{}` was not made by `labcheck up`, so nothing is changed on it; `--allow-experiments` asks you first",
                observer.server()
            ))
        };
        let identity = Identity { ca_sha256: observer.ca_sha256(), kube_system_uid: uid.unwrap_or_default() };
        let client = observer.client().ok_or("the lab has no cluster to experiment on")?;
        let cluster = Cluster { client, name: observer.context().to_owned(), identity };
        let place = Place {
            cluster,
            namespace: self.session.namespace.clone(),
            probe_image: PROBE_IMAGE.to_owned(),
            rolled_out: lab_judge::is_rolled_out,
        };
        Ok((Target::Kubernetes(Box::new(place)), permission))
    }

    /// The copy of the learner's project that experiments work on. It is made
    /// by us, so nobody has to allow it.
    async fn in_copy(&self) -> Result<(Target, Permission), String> {
        let observer = &self.session.observer;
        let engine = observer.engine().ok_or("the lab has no compose project to experiment on")?;
        let daemon = unfinished::daemon(engine).await?;
        let project = project(observer).ok_or("there is no `docker compose` to make a copy with")?;
        let id = uuid::Uuid::new_v4().simple().to_string();
        let place = compose::Place {
            daemon,
            project,
            copy: format!("labcheck-{}", &id[..10]),
            copies: self.state.copies_dir(),
            beside: compose::Beside::default(),
        };
        Ok((Target::Compose(Box::new(place)), Permission::Owned))
    }

    async fn experiment(&self, name: &str, evidence: &Evidence) -> ExperimentRecord {
        let observer = &self.session.observer;
        let experiment = &self.lab.experiments[name];
        let found = match experiment.steps.iter().any(|step| step.compose.is_some()) {
            true => self.in_copy().await,
            false => self.in_cluster(evidence),
        };
        let (target, permission) = match found {
            Ok(found) => found,
            Err(why) => return unavailable(observer.at_ms(), why),
        };
        let clock = || observer.at_ms();
        let looking = |project: Option<String>| -> BoxFuture<'_, IndexMap<String, Observation>> {
            Box::pin(self.whole_look(project, evidence))
        };
        let setting = Setting {
            target,
            permission,
            journal_dir: self.state.journal_dir(),
            nonce: evidence.params.nonce.clone(),
            clock: &clock,
            look: &looking,
            progress: &|line| (self.say)(&format!("experiment `{name}`: {line}")),
            cancel: self.cancel.clone(),
        };
        lab_experiment::run(&setting, name, &self.lab.experiments[name]).await
    }

    /// One look at everything the lab observes, for a step of an experiment.
    /// What is seen of a copy stands under the keys of the learner's project,
    /// where expressions look for it.
    async fn whole_look(&self, copy: Option<String>, evidence: &Evidence) -> IndexMap<String, Observation> {
        let mut fresh = self.session.evidence(self.lab);
        fresh.project = evidence.project.clone();
        let first = self.judge.whole_look(&fresh);
        fresh.looks.push(self.look_at(copy.as_deref(), &first).await);
        let more = self.judge.follow_up(&fresh);
        if !more.is_empty() {
            fresh.looks.push(self.look_at(copy.as_deref(), &more).await);
        }
        fresh.looks.into_iter().flat_map(|look| look.observations).collect()
    }

    async fn look_at(&self, copy: Option<&str>, requests: &[Request]) -> Look {
        let Some(copy) = copy else { return self.session.observer.look(requests).await };
        let copied = requests.iter().map(|request| match request {
            Request::Docker { part, .. } => Request::Docker { part: *part, project: copy.to_owned() },
            other => other.clone(),
        });
        let copied: Vec<_> = copied.collect();
        let keys: IndexMap<_, _> =
            copied.iter().zip(requests).map(|(copied, own)| (copied.key(), own.key())).collect();
        let mut look = self.session.observer.look(&copied).await;
        look.observations = look
            .observations
            .into_iter()
            .map(|(key, observation)| (keys.get(&key).cloned().unwrap_or(key), observation))
            .collect();
        look
    }
}

/// The learner's project, as copies of it are made.
pub fn project(observer: &Observer) -> Option<compose::Project> {
    let ((files, directory), program) = (observer.project_files()?, observer.compose()?);
    Some(compose::Project {
        files: files.to_vec(),
        directory: directory.to_owned(),
        program: program.path.clone(),
        config: program.config.clone(),
    })
}

/// The record of an experiment that could not be begun.
fn unavailable(started_ms: u64, why: String) -> ExperimentRecord {
    ExperimentRecord {
        started_ms,
        ended: ExperimentEnd::Unavailable { why },
        results: IndexMap::new(),
        looks: IndexMap::new(),
        samples: IndexMap::new(),
        log: Vec::new(),
    }
}

/// Takes the project's name from the resolved file, once it is known.
pub fn rename(evidence: &mut Evidence) {
    let name = evidence.seen(&Request::ComposeFile.key()).and_then(lab_observe::compose::resolved_name);
    if let (Some(project), Some(name)) = (&mut evidence.project, name) {
        project.name = name;
    }
}

/// Whether a watch of this look can no longer see.
fn is_lost(look: &Look) -> bool {
    look.observations.values().any(|seen| matches!(seen.outcome, Outcome::Unavailable(_)))
}
