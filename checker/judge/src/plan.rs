//! What is asked next. A pure fixpoint: the same lab and the same evidence
//! give the same question, and in the end none.

use std::collections::BTreeSet;

use lab_spec::{
    Ended, Evidence, Kind, Lab, Observe, Outcome, Request, Source, Target, Verdict,
    observe::{Logs, Part},
};

use crate::{
    Judge,
    cel::Value,
    functions::{items, number, pod, text},
    verdict::Assessed,
    view::{Listed, View},
};

/// What to do next for an evidence that is not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Take a look with these requests.
    Look(Vec<Request>),
    /// Watch every list asked so far until something changes, or until this
    /// many milliseconds after the first look.
    Watch {
        /// Milliseconds after the first look.
        until_ms: u64,
    },
    /// Run this experiment.
    Experiment(String),
    /// Nothing: the evidence is complete.
    Done(Ended),
}

/// How long and how far to look.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Milliseconds a converging system is given, from the first look.
    pub wait_ms: u64,
    /// Whether experiments run.
    pub experiments: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { wait_ms: 30_000, experiments: true }
    }
}

/// Kinds that every evidence of a cluster holds, whatever the lab asks:
/// causes are found in them, and a changed rubric can be judged again.
const ALWAYS: &[&str] = &["Namespace", "Node", "Pod", "Service", "EndpointSlice", "Deployment", "ReplicaSet"];

/// While something converges, time alone can change a verdict (a pod grows
/// old enough), so it is judged again this often, in milliseconds.
const TICK_MS: u64 = 1_000;

/// Milliseconds after which events and logs are read again before a verdict.
const STALE_MS: u64 = 2_000;

/// Lines of a failed container's log that a cause may quote.
const CAUSE_TAIL: u32 = 5;

impl Judge<'_> {
    /// What to ask next.
    pub fn next(&self, evidence: &Evidence, limits: Limits) -> Next {
        if evidence.looks.is_empty() {
            return Next::Look(base(self.lab, evidence));
        }
        let last = evidence.looks.len() - 1;
        let view = View::at(self.lab, evidence, last);
        if evidence.experiments.is_empty() {
            let unseen = unseen(evidence, second(self.lab, evidence, &view));
            if !unseen.is_empty() {
                return Next::Look(unseen);
            }
            let assessed = self.assess(evidence);
            let again = again(evidence, &view, &assessed);
            if !again.is_empty() {
                return Next::Look(again);
            }
            let now = evidence.looks[last].at_ms;
            let until = self.until(&assessed, limits);
            if now < until {
                return Next::Watch { until_ms: until.min(now + TICK_MS) };
            }
            let stale = stale(evidence, &view, &assessed, now);
            if !stale.is_empty() {
                return Next::Look(stale);
            }
        }
        if limits.experiments
            && let Some(name) =
                self.lab.experiments.keys().find(|name| !evidence.experiments.contains_key(*name))
        {
            return Next::Experiment(name.clone());
        }
        let waiting = self.assess(evidence).iter().any(Assessed::wants_time);
        Next::Done(if waiting { Ended::Timeout } else { Ended::Settled })
    }

    /// When looking ends, in milliseconds after the first look: a check that
    /// names a longer time than the limit's is given it.
    fn until(&self, assessed: &[Assessed], limits: Limits) -> u64 {
        let checks = self.lab.checks().zip(assessed).filter(|(_, one)| one.wants_time());
        let named = |check: &lab_spec::Check| {
            [check.within, check.throughout].into_iter().flatten().map(|span| span.as_ms()).max()
        };
        let untils = checks.map(|((_, check), _)| limits.wait_ms.max(named(check).unwrap_or(0)));
        untils.max().unwrap_or(0)
    }

    /// The requests of one whole look, for a look that an experiment takes:
    /// first the lists, and with their answers what follows from them.
    pub fn whole_look(&self, evidence: &Evidence) -> Vec<Request> {
        base(self.lab, evidence)
    }

    /// What a look that answered [`Judge::whole_look`] still lacks.
    pub fn follow_up(&self, evidence: &Evidence) -> Vec<Request> {
        match evidence.looks.len() {
            0 => Vec::new(),
            n => unseen(evidence, second(self.lab, evidence, &View::at(self.lab, evidence, n - 1))),
        }
    }
}

/// The LIST that serves every observation of a kind in a namespace.
pub(crate) fn list(kind: &Kind, namespace: &str) -> Request {
    let namespace = kind.namespaced.then(|| namespace.to_owned());
    Request::List { kind: kind.clone(), namespace }
}

fn base(lab: &Lab, evidence: &Evidence) -> Vec<Request> {
    let namespace = evidence.cluster.namespace.as_str();
    let mut requests = Vec::new();
    let mut add = |request: Request| {
        if !requests.contains(&request) {
            requests.push(request);
        }
    };
    if lab.has(Target::Kind) {
        for kind in ALWAYS.iter().filter_map(|kind| Kind::named(kind)) {
            add(list(&kind, namespace));
        }
    }
    if lab.has(Target::Compose) {
        add(Request::ComposeFile);
        for part in [Part::Containers, Part::Images, Part::Volumes, Part::Networks] {
            add(docker(part, evidence));
        }
    }
    if lab.needs.kubernetes.is_some() {
        add(Request::Version);
    }
    for observe in lab.observe.values() {
        let namespace = observe.ns.as_deref().unwrap_or(namespace);
        match &observe.source {
            Source::Object { kind, .. } | Source::List { kind, .. } => add(list(kind, namespace)),
            Source::Logs(_) => add(list(&pods(), namespace)),
            Source::Kubelet { .. } => {}
            Source::Reach => add(Request::Reach),
            Source::Version => add(Request::Version),
            Source::Context => add(Request::Context),
            Source::File { path } => add(Request::File { path: path.clone() }),
            Source::Compose | Source::ComposeFiles => add(Request::ComposeFile),
            Source::Containers { .. } | Source::Container { .. } => add(docker(Part::Containers, evidence)),
            Source::Project { part } => add(docker(*part, evidence)),
        }
    }
    requests
}

/// The request for a part of the project that is looked at.
fn docker(part: Part, evidence: &Evidence) -> Request {
    let project = evidence.project.as_ref().map(|project| project.name.clone()).unwrap_or_default();
    Request::Docker { part, project }
}

/// The answers an observation is read from, by key.
pub(crate) fn keys(observe: &Observe, evidence: &Evidence) -> Vec<String> {
    let namespace = observe.ns.as_deref().unwrap_or(&evidence.cluster.namespace);
    let asked = |starts: &str, ends: &str| {
        let keys = evidence.looks.iter().flat_map(|look| look.observations.keys());
        let found: BTreeSet<_> =
            keys.filter(|key| key.starts_with(starts) && key.ends_with(ends)).cloned().collect();
        found.into_iter()
    };
    let request = match &observe.source {
        Source::Object { kind, .. } | Source::List { kind, .. } => list(kind, namespace),
        Source::Logs(logs) => {
            let each = asked(&format!("logs -n {namespace} "), &format!("--tail {}", logs.tail));
            return std::iter::once(list(&pods(), namespace).key()).chain(each).collect();
        }
        Source::Kubelet { metric } => return asked("kubelet ", &format!(" {metric}")).collect(),
        Source::Reach => Request::Reach,
        Source::Version => Request::Version,
        Source::Context => Request::Context,
        Source::File { path } => Request::File { path: path.clone() },
        Source::Compose | Source::ComposeFiles => Request::ComposeFile,
        Source::Containers { .. } | Source::Container { .. } => docker(Part::Containers, evidence),
        Source::Project { part } => docker(*part, evidence),
    };
    vec![request.key()]
}

fn pods() -> Kind {
    Kind { api_version: "v1".to_owned(), kind: "Pod".to_owned(), plural: "pods".to_owned(), namespaced: true }
}

/// Requests that need a name which only an answer tells.
fn second(lab: &Lab, evidence: &Evidence, view: &View<'_>) -> Vec<Request> {
    // The project's name may be known only now that compose was asked.
    let renamed = base(lab, evidence).into_iter().filter(|request| matches!(request, Request::Docker { .. }));
    let mut requests: Vec<_> = renamed.collect();
    for observe in lab.observe.values() {
        let namespace = observe.ns.as_deref().unwrap_or(view.namespace());
        match &observe.source {
            Source::Logs(asked) => {
                let lists = |kind: &Kind, ns: Option<&str>| view.list(kind, ns);
                requests.extend(logs(&lists, asked, namespace).unwrap_or_default());
            }
            Source::Kubelet { metric } => {
                let nodes = view.items("Node");
                requests.extend(nodes.iter().map(|node| Request::Kubelet {
                    node: text(node, &["metadata", "name"]).to_owned(),
                    metric: metric.clone(),
                }));
            }
            _ => {}
        }
    }
    requests
}

/// The log requests of a `logs` observation, one for each container, or why
/// the pods could not be listed.
pub(crate) fn logs(
    lists: &dyn Fn(&Kind, Option<&str>) -> Listed,
    logs: &Logs,
    namespace: &str,
) -> Result<Vec<Request>, String> {
    let selector = crate::selector::Selector::parse(&logs.labels)
        .map_err(|part| format!("`{part}` is no label selector"))?;
    let items = match lists(&pods(), Some(namespace)) {
        Listed::Items(items) => items,
        Listed::NotServed => return Ok(Vec::new()),
        Listed::Unavailable(why) => return Err(why),
    };
    let chosen = items.iter().filter(|pod| selector.matches(pod.at(&["metadata", "labels"])));
    Ok(chosen
        .flat_map(|pod| {
            let names = pod::statuses(pod).map(|status| text(status, &["name"]));
            let wanted = names.filter(|name| logs.container.as_deref().is_none_or(|wanted| wanted == *name));
            wanted.map(|container| request(pod, namespace, container, logs.tail, false)).collect::<Vec<_>>()
        })
        .collect())
}

fn request(pod: &Value, namespace: &str, container: &str, tail: u32, previous: bool) -> Request {
    Request::Logs {
        namespace: namespace.to_owned(),
        pod: text(pod, &["metadata", "name"]).to_owned(),
        container: container.to_owned(),
        tail,
        previous,
    }
}

fn unseen(evidence: &Evidence, requests: Vec<Request>) -> Vec<Request> {
    let mut seen = BTreeSet::new();
    requests
        .into_iter()
        .filter(|request| evidence.seen(&request.key()).is_none() && seen.insert(request.key()))
        .collect()
}

/// A second look before anything is called wrong: the lists were taken at
/// different moments, so what joins them must be seen twice; and a failure's
/// cause may stand in events and logs.
fn again(evidence: &Evidence, view: &View<'_>, assessed: &[Assessed]) -> Vec<Request> {
    let wrong = |assessed: &&Assessed| matches!(assessed.verdict, Verdict::Fail | Verdict::Pending);
    if !assessed.iter().any(|assessed| wrong(&assessed)) {
        return Vec::new();
    }
    let mut requests = unseen(evidence, causes(view));
    let joins = assessed.iter().filter(wrong).any(|assessed| assessed.joins);
    if joins && evidence.looks.iter().filter(|look| look_lists(look)).count() < 2 {
        requests.extend(base(view.lab, evidence));
    }
    requests
}

/// Events and logs that were read long before the verdict they explain.
fn stale(evidence: &Evidence, view: &View<'_>, assessed: &[Assessed], now_ms: u64) -> Vec<Request> {
    if !assessed.iter().any(|assessed| matches!(assessed.verdict, Verdict::Fail | Verdict::Pending)) {
        return Vec::new();
    }
    let mut requests = causes(view);
    requests.retain(|request| {
        let asked = evidence.looks.iter().rposition(|look| look.observations.contains_key(&request.key()));
        asked.is_none_or(|at| evidence.looks[at].at_ms + STALE_MS < now_ms)
    });
    requests
}

/// Whether the look asked for lists, rather than having heard of a change.
fn look_lists(look: &lab_spec::Look) -> bool {
    look.observations.iter().any(|(key, seen)| {
        (key.starts_with("list v1 pods") || key.starts_with("docker containers"))
            && !seen.provenance.request.contains("watch=true")
    })
}

/// Events, and the last words of containers that ended or do not get ready.
fn causes(view: &View<'_>) -> Vec<Request> {
    let namespace = view.namespace();
    // Where the pods cannot be listed, the events would not be either, and a
    // server that hangs is not waited for twice.
    if matches!(view.list(&pods(), Some(namespace)), Listed::Unavailable(_)) {
        return Vec::new();
    }
    let Some(events) = Kind::named("Event") else { return Vec::new() };
    let mut requests = vec![list(&events, namespace)];
    for pod in view.items("Pod").iter().filter(|pod| pod::is_live(pod) && !pod::is_ready(pod)) {
        // Sidecars stand in both lists; asking twice is left to whoever asks.
        for status in pod::statuses(pod).chain(items(pod, &["status", "initContainerStatuses"])) {
            let name = text(status, &["name"]);
            if status.at(&["state", "running"]).is_some() {
                requests.push(request(pod, namespace, name, CAUSE_TAIL, false));
            } else if number(status, &["restartCount"]) > 0 {
                requests.push(request(pod, namespace, name, CAUSE_TAIL, true));
            }
        }
    }
    requests
}

/// What a lab needs and the cluster has not, each in words with what to do.
pub(crate) fn unmet(lab: &Lab, evidence: &Evidence) -> Vec<String> {
    let mut unmet = Vec::new();
    let view = View::at(lab, evidence, usize::MAX);
    if let Some(wanted) = &lab.needs.kubernetes
        && let Some(Outcome::Present(version)) = evidence.seen("version").map(|seen| &seen.outcome)
    {
        let found = version["gitVersion"].as_str().unwrap_or_default();
        let met = semver::VersionReq::parse(wanted)
            .ok()
            .zip(semver::Version::parse(found.trim_start_matches('v')).ok());
        if !met.is_some_and(|(wanted, found)| wanted.matches(&found)) {
            unmet.push(format!("the server is Kubernetes `{found}`, the lab needs `{wanted}`"));
        }
    }
    let unrecorded = lab
        .needs
        .images
        .iter()
        .filter(|image| !evidence.images.contains_key(*image))
        .map(|image| format!("no record says that image `{image}` was loaded; run `labcheck up`"));
    if !lab.has(Target::Kind) {
        unmet.extend(unrecorded);
        return unmet;
    }
    let Some(nodes) = Kind::named("Node") else { return unmet };
    // Of a cluster that cannot be seen nothing is said to be lacking: its
    // checks are unknown, and their messages say why.
    let Listed::Items(found) = view.list(&nodes, None) else { return unmet };
    unmet.extend(unrecorded);
    if let Some(wanted) = lab.needs.nodes
        && (found.len() as u32) < wanted
    {
        unmet.push(format!("the cluster has {} nodes, the lab needs {wanted}", found.len()));
    }
    let Some(namespaces) = Kind::named("Namespace") else { return unmet };
    let namespace = view.namespace();
    if let Listed::Items(found) = view.list(&namespaces, None)
        && !found.iter().any(|item| text(item, &["metadata", "name"]) == namespace)
    {
        unmet.push(format!("the cluster has no namespace `{namespace}`; run `labcheck start {}`", lab.id));
    }
    unmet
}
