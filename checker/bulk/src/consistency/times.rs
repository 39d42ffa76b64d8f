//! Times in objects, against each other and the clock of whoever looked.

use serde_json::Value;

use super::{
    Findings, quoted,
    seen::{Object, Seen, State, text, time},
};

/// Clocks of API server, nodes and learner differ, and are set now and then.
const SLACK_MS: i64 = 120_000;
/// Some runtimes write the beginning of time for containers that never began.
const EPOCH_MS: i64 = 946_684_800_000;
/// A pod of this annotation is only the picture of one that a node runs by
/// itself, and may be made long after.
const MIRROR: &str = "kubernetes.io/config.mirror";

pub fn check(seen: &Seen<'_>, found: &mut Findings) {
    for object in seen.objects.values() {
        let Some(created) = object.created_ms else { continue };
        if let Some(state) = object.states.first()
            && created > state.latest_ms.saturating_add(SLACK_MS)
        {
            found.add("evidence-time", || {
                format!("{} was seen before it was created, by the clock of the server", object.shown())
            });
        }
        match object.kind {
            "Pod" => object.states.iter().for_each(|state| pod(object, state, created, found)),
            "Event" => object.states.iter().for_each(|state| event(seen, object, state, found)),
            _ => {}
        }
    }
}

fn pod(pod: &Object<'_>, state: &State<'_>, created: i64, found: &mut Findings) {
    let annotations = state.value.pointer("/metadata/annotations");
    if annotations.is_some_and(|annotations| annotations.get(MIRROR).is_some()) {
        return;
    }
    let status = &state.value["status"];
    let lists = ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"];
    for container in lists.iter().filter_map(|list| status.get(list)?.as_array()).flatten() {
        let begun = begun(container);
        if begun.clone().any(|begun| begun < created - SLACK_MS) {
            found.add("evidence-time", || {
                let name = quoted(text(container, &["name"]).unwrap_or_default());
                format!("container {name} of {} began before its pod was created", pod.shown())
            });
        }
        if begun.max().is_some_and(|begun| begun > state.latest_ms.saturating_add(SLACK_MS)) {
            found.add("evidence-time", || {
                let name = quoted(text(container, &["name"]).unwrap_or_default());
                format!("container {name} of {} was seen before it began", pod.shown())
            });
        }
    }
}

fn begun(container: &Value) -> impl Iterator<Item = i64> + Clone + '_ {
    const STATES: [(&str, &str); 4] = [
        ("state", "running"),
        ("state", "terminated"),
        ("lastState", "running"),
        ("lastState", "terminated"),
    ];
    let begun = STATES.iter().filter_map(|(when, what)| time(container, &[when, what, "startedAt"]));
    begun.filter(|begun| *begun > EPOCH_MS)
}

/// An event is about an object that is there.
fn event(seen: &Seen<'_>, event: &Object<'_>, state: &State<'_>, found: &mut Findings) {
    let at = |field: &str| time(state.value, &[field]).filter(|at| *at > EPOCH_MS);
    let about = text(state.value, &["involvedObject", "uid"]).and_then(|uid| seen.by_uid(uid));
    let created = about.and_then(|about| about.created_ms);
    if at("firstTimestamp").zip(created).is_some_and(|(first, created)| first < created - SLACK_MS) {
        found.add("evidence-time", || {
            let about = about.map(Object::shown).unwrap_or_default();
            format!("{} tells of {about} before that was created", event.shown())
        });
    }
    if at("lastTimestamp").is_some_and(|last| last > state.latest_ms.saturating_add(SLACK_MS)) {
        found.add("evidence-time", || format!("{} was seen before it happened", event.shown()));
    }
}
