//! The sampler `watch`: how objects change while the steps run.

use std::collections::BTreeMap;

use futures::{StreamExt, pin_mut};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watching};
use kube::{Api, ResourceExt};
use lab_spec::Kind;
use lab_spec::sample::{Changed, Sample, Sampler, Watched};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::{Duration, timeout};
use tokio_util::sync::CancellationToken;

use super::manifest::PROBE;
use super::{Place, read, route::SERVICE};
use crate::halt::Halt;
use crate::run::Run;
use crate::samplers::{Clock, Running};

/// How long the first list may take.
const FIRST_LIST: Duration = Duration::from_secs(10);

/// More changes than this are not a lab's doing.
const MOST_CHANGES: usize = 5_000;

/// Starts a watch; returns once the objects that are there have been seen.
pub(crate) async fn start(
    run: &mut Run<'_, '_>,
    place: &Place,
    name: &str,
    sampler: &Sampler,
    word: &str,
) -> Result<(Running, String), Halt> {
    let kind = Kind::plural(word)
        .ok_or_else(|| Halt::Unavailable(format!("sampler `{name}`: there is no kind `{word}`")))?;
    let (group, version) = kind.api_version.rsplit_once('/').unwrap_or(("", &kind.api_version));
    let resource =
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, &kind.kind), &kind.plural);
    let api = Api::namespaced_with(place.cluster.client.clone(), &place.namespace, &resource);
    let service = sampler.service.as_ref().map(|service| format!("{SERVICE}={service}"));
    // Our own prober is no part of what is looked at.
    let own = (kind.kind == "Pod").then(|| format!("!{PROBE}"));
    let labels: Vec<String> = sampler.labels.iter().cloned().chain(service).chain(own).collect();
    let (first, listed) = oneshot::channel();
    let watch = Watch {
        api,
        labels: labels.join(","),
        kind,
        clock: run.clock,
        first: Some(first),
        seen: Seen::default(),
    };
    let running = Running::spawn(Duration::ZERO, |stop| watch.run(stop));
    match run.unless_cancelled(timeout(FIRST_LIST, listed)).await? {
        Ok(Ok(())) => Ok((running, format!("watch `{name}` of {word} began"))),
        Ok(Err(_)) => match running.end().await {
            Sample::Unavailable { why } => Err(Halt::Unavailable(why)),
            _ => Err(Halt::Unavailable(format!("watch `{name}` of {word} ended at once"))),
        },
        Err(_) => Err(Halt::Unavailable(format!("watch `{name}` of {word} saw nothing in time"))),
    }
}

struct Watch {
    api: Api<DynamicObject>,
    labels: String,
    kind: Kind,
    clock: Clock,
    first: Option<oneshot::Sender<()>>,
    seen: Seen,
}

/// What has been seen, object by object.
#[derive(Default)]
struct Seen {
    /// By name of the watched object, what it says of each thing.
    said: BTreeMap<String, BTreeMap<String, String>>,
    /// What all of them together say of each thing.
    states: BTreeMap<String, String>,
    record: Watched,
}

impl Watch {
    async fn run(mut self, stop: CancellationToken) -> Sample {
        let config = watcher::Config::default().labels(&self.labels);
        let stream = watching(self.api.clone(), config).default_backoff();
        pin_mut!(stream);
        let mut listed: Option<BTreeMap<String, BTreeMap<String, String>>> = None;
        loop {
            let event = tokio::select! {
                biased;
                event = stream.next() => event,
                () = stop.cancelled() => return Sample::Watch(self.seen.record),
            };
            match event {
                Some(Ok(Event::Init)) => listed = Some(BTreeMap::new()),
                Some(Ok(Event::InitApply(object))) => {
                    if let Some(listed) = &mut listed {
                        listed.insert(object.name_any(), said(&self.kind, &object));
                    }
                }
                Some(Ok(Event::InitDone)) => {
                    self.seen.said = listed.take().unwrap_or_default();
                    self.seen.settle(self.clock.now_ms());
                    if let Some(first) = self.first.take() {
                        self.seen.record.from_ms = self.clock.now_ms();
                        // Nobody waits any more if the run was stopped meanwhile.
                        let _ = first.send(());
                    }
                }
                Some(Ok(Event::Apply(object))) => {
                    self.seen.said.insert(object.name_any(), said(&self.kind, &object));
                    self.seen.settle(self.clock.now_ms());
                }
                Some(Ok(Event::Delete(object))) => {
                    self.seen.said.remove(&object.name_any());
                    self.seen.settle(self.clock.now_ms());
                }
                Some(Err(error)) => {
                    let why = format!("cannot watch {}: {}", self.kind.plural, read::watch_words(&error));
                    if read::refused(&error) {
                        return Sample::Unavailable { why };
                    }
                    // It is set up again; what happened meanwhile is not known.
                    self.seen.record.gap = true;
                }
                None => {
                    return Sample::Unavailable { why: format!("the watch of {} ended", self.kind.plural) };
                }
            }
            if self.seen.record.changes.len() > MOST_CHANGES {
                return Sample::Unavailable {
                    why: format!("{} changed more than {MOST_CHANGES} times", self.kind.plural),
                };
            }
        }
    }
}

impl Seen {
    /// Writes down what is other than before.
    fn settle(&mut self, at_ms: u64) {
        let mut now: BTreeMap<String, String> = BTreeMap::new();
        for (thing, state) in self.said.values().flatten() {
            let known = now.entry(thing.clone()).or_insert_with(|| state.clone());
            // A pod may stand in two slices; in one of them ready is ready.
            if rank(state) > rank(known) {
                known.clone_from(state);
            }
        }
        for thing in self.states.keys().filter(|thing| !now.contains_key(*thing)) {
            let gone = Changed { at_ms, object: thing.clone(), state: "gone".to_owned() };
            self.record.changes.push(gone);
        }
        for (thing, state) in &now {
            if self.states.get(thing) != Some(state) {
                let change = Changed { at_ms, object: thing.clone(), state: state.clone() };
                self.record.changes.push(change);
            }
        }
        self.states = now;
    }
}

fn rank(state: &str) -> u8 {
    match state {
        "ready" => 2,
        "terminating" => 1,
        _ => 0,
    }
}

/// What an object says of the things the watch is about.
fn said(kind: &Kind, object: &DynamicObject) -> BTreeMap<String, String> {
    // An object that came from JSON goes back to it.
    let value = serde_json::to_value(object).unwrap_or_default();
    match kind.kind.as_str() {
        "EndpointSlice" => endpoints(&value),
        "Pod" => BTreeMap::from([(format!("pod/{}", object.name_any()), pod(&value).to_owned())]),
        _ => BTreeMap::from([(format!("{}/{}", kind.word(), object.name_any()), status(&value))]),
    }
}

fn pod(pod: &Value) -> &'static str {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    let ready = (conditions.into_iter().flatten()).find(|condition| condition["type"] == "Ready");
    match (pod.pointer("/metadata/deletionTimestamp"), pod.pointer("/status/phase"), ready) {
        (Some(_), ..) => "terminating",
        (None, _, Some(ready)) if ready["status"] == "True" => "ready",
        (None, Some(phase), _) if phase == "Pending" => "starting",
        _ => "unready",
    }
}

fn endpoints(slice: &Value) -> BTreeMap<String, String> {
    let endpoints = slice.pointer("/endpoints").and_then(Value::as_array);
    let state = |endpoint: &Value| {
        let condition = |name: &str| endpoint["conditions"][name].as_bool();
        // Neither said is ready; a terminating one is never ready.
        match (condition("terminating"), condition("ready")) {
            (Some(true), _) => "terminating",
            (_, Some(false)) => "unready",
            _ => "ready",
        }
    };
    let name = |endpoint: &Value| {
        let pod = endpoint["targetRef"]["name"].as_str().or_else(|| endpoint["addresses"][0].as_str());
        format!("endpoint/{}", pod.unwrap_or_default())
    };
    let endpoints = endpoints.into_iter().flatten();
    endpoints.map(|endpoint| (name(endpoint), state(endpoint).to_owned())).collect()
}

/// The numbers of a workload's status, in words.
fn status(object: &Value) -> String {
    let Some(status) = object["status"].as_object() else { return "no status".to_owned() };
    let numbers = status.iter().filter(|(name, value)| value.is_number() && *name != "observedGeneration");
    let numbers: Vec<String> = numbers.map(|(name, value)| format!("{name} {value}")).collect();
    let progressing = object.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let reason = progressing
        .filter(|condition| condition["type"] == "Progressing")
        .filter_map(|condition| condition["reason"].as_str());
    numbers.into_iter().chain(reason.map(str::to_owned)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn things(things: &[(&str, &str)]) -> BTreeMap<String, String> {
        things.iter().map(|(name, state)| ((*name).to_owned(), (*state).to_owned())).collect()
    }

    #[test]
    fn pod_is_terminating_whatever_its_conditions_say() {
        let mut api = json!({"metadata": {}, "status": {"phase": "Running", "conditions": [
            {"type": "Ready", "status": "True"},
        ]}});
        assert_eq!(pod(&api), "ready");
        api["metadata"]["deletionTimestamp"] = json!("2026-11-21T09:00:00Z");
        assert_eq!(pod(&api), "terminating");
        assert_eq!(pod(&json!({"status": {"phase": "Pending"}})), "starting");
        assert_eq!(pod(&json!({"status": {"phase": "Running"}})), "unready");
    }

    #[test]
    fn endpoint_without_conditions_is_ready() {
        let slice = json!({"endpoints": [
            {"addresses": ["10.0.0.1"], "targetRef": {"name": "a"}},
            {"addresses": ["10.0.0.2"], "targetRef": {"name": "b"}, "conditions": {"ready": false}},
            {"addresses": ["10.0.0.3"], "conditions": {"ready": false, "terminating": true}},
        ]});
        let expected =
            [("endpoint/a", "ready"), ("endpoint/b", "unready"), ("endpoint/10.0.0.3", "terminating")];
        assert_eq!(endpoints(&slice), things(&expected));
    }

    #[test]
    fn only_changes_are_written_down_and_slices_are_joined() {
        let mut seen = Seen::default();
        seen.said.insert("one".to_owned(), things(&[("endpoint/a", "ready")]));
        seen.settle(5);
        seen.settle(6);
        seen.said.insert("two".to_owned(), things(&[("endpoint/a", "unready"), ("endpoint/b", "ready")]));
        seen.settle(7);
        seen.said.remove("one");
        seen.settle(8);
        seen.said.remove("two");
        seen.settle(9);
        let said: Vec<_> =
            seen.record.changes.iter().map(|c| (c.at_ms, c.object.as_str(), c.state.as_str())).collect();
        let expected = [
            (5, "endpoint/a", "ready"),
            (7, "endpoint/b", "ready"),
            (8, "endpoint/a", "unready"),
            (9, "endpoint/a", "gone"),
            (9, "endpoint/b", "gone"),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn workload_says_its_numbers_and_its_progress() {
        let deployment = json!({"status": {"observedGeneration": 3, "replicas": 4, "updatedReplicas": 1,
            "conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]}});
        assert_eq!(status(&deployment), "replicas 4, updatedReplicas 1, ProgressDeadlineExceeded");
    }
}
