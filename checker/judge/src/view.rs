//! One look as values: what the names of a lab stand for at that moment.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use lab_spec::{
    Evidence, Kind, Lab, Observation, Outcome, Request, Source,
    experiment::{ExperimentEnd, ExperimentRecord},
    observe::{Logs, Part, Select},
};

use crate::{
    cel::Value,
    functions::{compose::service, traffic},
    plan, schema,
    selector::Selector,
};

/// Where a view takes its answers from: the looks up to one of them, or the
/// look an experiment took.
#[derive(Clone, Copy)]
enum Answers<'a> {
    Looks(usize),
    Taken(&'a indexmap::IndexMap<String, Observation>),
}

/// The evidence as it stood at one look.
pub(crate) struct View<'a> {
    pub lab: &'a Lab,
    evidence: &'a Evidence,
    answers: Answers<'a>,
    lists: RefCell<HashMap<String, Listed>>,
}

/// A LIST as a value, converted once.
#[derive(Clone)]
pub(crate) enum Listed {
    /// The items.
    Items(Arc<[Value]>),
    /// The server does not serve the kind.
    NotServed,
    /// Could not be observed, in words.
    Unavailable(String),
}

impl<'a> View<'a> {
    /// The evidence at look `at`, or at the last one before it.
    pub fn at(lab: &'a Lab, evidence: &'a Evidence, at: usize) -> Self {
        Self { lab, evidence, answers: Answers::Looks(at), lists: RefCell::default() }
    }

    fn taken(&self, answers: &'a indexmap::IndexMap<String, Observation>) -> Self {
        let (lab, evidence) = (self.lab, self.evidence);
        Self { lab, evidence, answers: Answers::Taken(answers), lists: RefCell::default() }
    }

    /// The namespace the lab is judged in.
    pub fn namespace(&self) -> &'a str {
        &self.evidence.cluster.namespace
    }

    /// The answer to a request.
    pub fn answer(&self, key: &str) -> Option<&'a Observation> {
        match self.answers {
            Answers::Looks(at) => self.evidence.seen_at(key, at),
            Answers::Taken(answers) => answers.get(key),
        }
    }

    /// The server's time when an answer held, in milliseconds since the epoch.
    /// Between two looks of a watch nothing changed, so there it is the look's
    /// time, not the answer's.
    fn seen_ms(&self, observation: &Observation) -> i64 {
        let looks = &self.evidence.looks;
        let wall = match (self.answers, looks.first()) {
            (_, None) => 0,
            (Answers::Looks(at), Some(_)) => looks[at.min(looks.len() - 1)].wall_ms,
            (Answers::Taken(_), Some(first)) => {
                let later = i64::try_from(observation.provenance.at_ms).unwrap_or(i64::MAX);
                let earlier = i64::try_from(first.at_ms).unwrap_or(i64::MAX);
                first.wall_ms.saturating_add(later.saturating_sub(earlier))
            }
        };
        wall.saturating_add(observation.provenance.skew_ms)
    }

    /// All objects of a kind in the namespace the lab is about.
    pub fn list(&self, kind: &Kind, ns: Option<&str>) -> Listed {
        let request = plan::list(kind, ns.unwrap_or(&self.evidence.cluster.namespace));
        let key = request.key();
        if let Some(listed) = self.lists.borrow().get(&key) {
            return listed.clone();
        }
        let answer = self.answer(&key);
        let seen = answer.map_or(0, |observation| self.seen_ms(observation));
        let listed = match answer.map(|observation| &observation.outcome) {
            Some(Outcome::Present(serde_json::Value::Array(items))) => {
                Listed::Items(items.iter().map(|item| schema::bind(&kind.kind, item, seen)).collect())
            }
            Some(Outcome::Present(_)) => Listed::Unavailable("the answer is not a list".to_owned()),
            Some(Outcome::Absent) => Listed::NotServed,
            Some(Outcome::Unavailable(why)) => Listed::Unavailable(why.message.clone()),
            None => Listed::Unavailable("it was not asked for".to_owned()),
        };
        self.lists.borrow_mut().insert(key, listed.clone());
        listed
    }

    /// The items of a kind, or none where they could not be observed: for
    /// causes, which only ever add to a verdict.
    pub fn items(&self, kind: &str) -> Arc<[Value]> {
        match Kind::named(kind).map(|kind| self.list(&kind, None)) {
            Some(Listed::Items(items)) => items,
            _ => Arc::from([]),
        }
    }

    /// What an observation's name stands for.
    pub fn observed(&self, name: &str) -> Option<Value> {
        let observe = self.lab.observe.get(name)?;
        let ns = observe.ns.as_deref();
        Some(match &observe.source {
            Source::Object { kind, name } => self.object(kind, name, ns),
            Source::List { kind, select } => self.selected(kind, select, ns),
            Source::Logs(logs) => self.logs(logs, ns),
            Source::Kubelet { metric } => self.kubelet(metric),
            Source::Reach => self.single(&Request::Reach, "whether the API server is ready"),
            Source::Version => self.single(&Request::Version, "the API server's version"),
            Source::Context => self.single(&Request::Context, "the current context"),
            Source::File { path } => {
                self.single(&Request::File { path: path.clone() }, &format!("file `{path}`"))
            }
            Source::Compose => self.compose(),
            Source::ComposeFiles => self.compose_files(),
            Source::Containers { service } => {
                self.part(Part::Containers, |container| of_service(container, service.as_deref()))
            }
            Source::Container { service } => {
                match self.part(Part::Containers, |container| of_service(container, Some(service))) {
                    Value::List(found) => found
                        .first()
                        .cloned()
                        .unwrap_or_else(|| Value::absent(format!("a container of service `{service}`"))),
                    other => other,
                }
            }
            Source::Project { part } => self.part(*part, |_| true),
        })
    }

    fn object(&self, kind: &Kind, name: &str, ns: Option<&str>) -> Value {
        let what = format!("{} `{name}`", kind.word());
        match self.list(kind, ns) {
            Listed::Items(items) => items
                .iter()
                .find(|item| item.at(&["metadata", "name"]).and_then(Value::as_str) == Some(name))
                .cloned()
                .unwrap_or_else(|| Value::absent(what)),
            Listed::NotServed => Value::absent(what),
            Listed::Unavailable(why) => Value::unavailable(what, why),
        }
    }

    fn selected(&self, kind: &Kind, select: &Select, ns: Option<&str>) -> Value {
        let service = select.service.as_ref().map(|name| format!("kubernetes.io/service-name={name}"));
        let selectors: Result<Vec<_>, _> =
            select.labels.iter().chain(&service).map(|text| Selector::parse(text)).collect();
        let selectors = match selectors {
            Ok(selectors) => selectors,
            Err(part) => {
                return Value::unavailable(kind.plural.clone(), format!("`{part}` is no label selector"));
            }
        };
        match self.list(kind, ns) {
            Listed::Items(items) => {
                let fits = |item: &&Value| {
                    selectors.iter().all(|selector| selector.matches(item.at(&["metadata", "labels"])))
                };
                Value::list(items.iter().filter(fits).cloned().collect::<Vec<_>>())
            }
            Listed::NotServed => Value::list([]),
            Listed::Unavailable(why) => Value::unavailable(kind.plural.clone(), why),
        }
    }

    fn logs(&self, logs: &Logs, ns: Option<&str>) -> Value {
        let what = format!("logs of pods with labels `{}`", logs.labels);
        let namespace = ns.unwrap_or(&self.evidence.cluster.namespace);
        let requests = match plan::logs(&|kind, ns| self.list(kind, ns), logs, namespace) {
            Ok(requests) => requests,
            Err(why) => return Value::unavailable(what, why),
        };
        let mut found = Vec::new();
        for request in requests {
            let Request::Logs { pod, container, .. } = &request else { continue };
            let lines = match self.answer(&request.key()).map(|observation| &observation.outcome) {
                Some(Outcome::Present(lines)) => Value::from_json(lines),
                Some(Outcome::Absent) => Value::list([]),
                Some(Outcome::Unavailable(why)) => return Value::unavailable(what, why.message.clone()),
                None => return Value::unavailable(what, "they were not asked for"),
            };
            found.push(Value::object([
                ("pod", Value::string(pod.as_str())),
                ("container", Value::string(container.as_str())),
                ("lines", lines),
            ]));
        }
        Value::list(found)
    }

    fn kubelet(&self, metric: &str) -> Value {
        let what = format!("kubelet metric `{metric}`");
        let nodes = match Kind::named("Node").map(|kind| self.list(&kind, None)) {
            Some(Listed::Items(nodes)) => nodes,
            Some(Listed::Unavailable(why)) => return Value::unavailable(what, why),
            _ => Arc::from([]),
        };
        let mut values = Vec::new();
        for node in nodes.iter().filter_map(|node| node.at(&["metadata", "name"])?.as_str()) {
            let request = Request::Kubelet { node: node.to_owned(), metric: metric.to_owned() };
            match self.single(&request, &what) {
                unavailable @ Value::Unavailable(_) => return unavailable,
                // An older kubelet, or one that tells us nothing: not the learner's fault.
                Value::Absent(_) => {
                    return Value::unavailable(
                        what,
                        format!("the kubelet of node `{node}` does not report it"),
                    );
                }
                value => values.push((node.to_owned(), value)),
            }
        }
        Value::object(values)
    }

    /// The resolved compose file. One that compose refuses does not exist; one
    /// that does not fit what was written proves nothing.
    fn compose(&self) -> Value {
        let what = "the compose file";
        match self.answer(&Request::ComposeFile.key()).map(|observation| &observation.outcome) {
            Some(Outcome::Present(file)) => match (&file["resolved"], file["error"].as_str()) {
                (serde_json::Value::Null, error) => {
                    let error = error.unwrap_or_default();
                    Value::absent(format!("a compose file that `docker compose` accepts (it says: {error})"))
                }
                (resolved, _) => match crate::compose::disagreement(resolved, &file["files"]) {
                    Some(why) => Value::unavailable(what, format!("the evidence contradicts itself: {why}")),
                    None => {
                        let directory = file["directory"].as_str().unwrap_or_default();
                        let bound = crate::compose::from_directory(resolved.clone(), directory);
                        Value::from_json_with(&bound, schema::of("ComposeFile"))
                    }
                },
            },
            Some(Outcome::Absent) => Value::absent(what),
            Some(Outcome::Unavailable(why)) => Value::unavailable(what, why.message.clone()),
            None => Value::unavailable(what, "it was not asked for"),
        }
    }

    /// The compose files as written; one that is no YAML has no `document`.
    fn compose_files(&self) -> Value {
        match self.single(&Request::ComposeFile, "the compose file") {
            Value::Map(_) => {}
            other => return other,
        }
        let Some(Outcome::Present(answer)) =
            self.answer(&Request::ComposeFile.key()).map(|observation| &observation.outcome)
        else {
            return Value::list([]);
        };
        let files = answer["files"].as_array().into_iter().flatten().map(|file| {
            let mut fields: serde_json::Map<_, _> = file.as_object().cloned().unwrap_or_default();
            fields.retain(|_, value| !value.is_null());
            Value::from_json(&serde_json::Value::Object(fields))
        });
        Value::list(files.collect::<Vec<_>>())
    }

    fn part(&self, part: Part, fits: impl Fn(&Value) -> bool) -> Value {
        let what = format!("the project's {}", part.word());
        let project = self.evidence.project.as_ref().map(|project| project.name.clone()).unwrap_or_default();
        let key = Request::Docker { part, project }.key();
        let Some(observation) = self.answer(&key) else {
            return Value::unavailable(what, "they were not asked for");
        };
        match &observation.outcome {
            Outcome::Present(serde_json::Value::Array(items)) => {
                let seen = self.seen_ms(observation);
                let schema = if part == Part::Containers { "Container" } else { "Docker" };
                let bound = items.iter().map(|item| schema::bind(schema, item, seen)).filter(fits);
                Value::list(bound.collect::<Vec<_>>())
            }
            Outcome::Present(_) => Value::unavailable(what, "the answer is not a list"),
            Outcome::Absent => Value::list([]),
            Outcome::Unavailable(why) => Value::unavailable(what, why.message.clone()),
        }
    }

    /// The containers of a compose service, or of all; none where they could
    /// not be observed: for causes, which only ever add to a verdict.
    pub fn containers(&self, service: Option<&str>) -> Arc<[Value]> {
        match self.part(Part::Containers, |container| of_service(container, service)) {
            Value::List(found) => found.iter().cloned().collect(),
            _ => Arc::from([]),
        }
    }

    fn single(&self, request: &Request, what: &str) -> Value {
        match self.answer(&request.key()).map(|observation| &observation.outcome) {
            Some(Outcome::Present(value)) => Value::from_json(value),
            Some(Outcome::Absent) => Value::absent(what),
            Some(Outcome::Unavailable(why)) => Value::unavailable(what, why.message.clone()),
            None => Value::unavailable(what, "it was not asked for"),
        }
    }

    /// What an experiment's name stands for: `reached`, its named results,
    /// and the looks it took.
    pub fn experiment(&self, name: &str) -> Option<Value> {
        let declared = self.lab.experiments.get(name)?;
        let what = format!("experiment `{name}`");
        let Some(record) = self.evidence.experiments.get(name) else {
            return Some(Value::unavailable(what, "it was not run"));
        };
        let why = match &record.ended {
            ExperimentEnd::Unavailable { why } => return Some(Value::unavailable(what, why.clone())),
            ExperimentEnd::Stopped { why, .. } => why.as_str(),
            ExperimentEnd::Completed => "its step did not run",
        };
        let mut fields = vec![("reached".to_owned(), (record.ended == ExperimentEnd::Completed).into())];
        for name in declared.steps.iter().filter_map(|step| step.name.as_ref()) {
            fields.push((name.clone(), self.step(record, name, why)));
        }
        for name in declared.sample.keys() {
            let what = format!("what sampler `{name}` recorded ({why}), so it");
            let sampled = record.samples.get(name).map(|sample| traffic::bind(name, sample));
            fields.push((name.clone(), sampled.unwrap_or_else(|| Value::absent(what))));
        }
        Some(Value::object(fields))
    }

    fn step(&self, record: &'a ExperimentRecord, name: &str, why: &str) -> Value {
        if let Some(result) = record.results.get(name) {
            return Value::from_json(result);
        }
        let Some(look) = record.looks.get(name) else {
            return Value::absent(format!("result `{name}` ({why}), so it"));
        };
        let view = self.taken(look);
        let names = self.lab.observe.keys();
        Value::object(names.filter_map(|name| Some((name.clone(), view.observed(name)?))))
    }
}

fn of_service(container: &Value, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| service(container) == wanted)
}
