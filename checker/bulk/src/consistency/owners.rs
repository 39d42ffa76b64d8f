//! Owner references: an owner is an object of that name and UID.

use serde_json::Value;

use super::{
    Findings, quoted,
    seen::{Object, Seen, State, beside, text, unselected},
};

/// Owners whose controllers write the reference themselves.
const OWNERS: [&str; 7] =
    ["CronJob", "DaemonSet", "Deployment", "Job", "ReplicaSet", "Service", "StatefulSet"];
/// An object is made by a controller whose view may be this old, in
/// milliseconds.
const VIEW_MS: i64 = 10_000;
/// Time in which an object without owner is deleted by the garbage collector.
const COLLECTED_MS: u64 = 15_000;
/// Time in which a ReplicaSet lets go of a pod that it does not select.
const RELEASED_MS: u64 = 10_000;
const HASH: &str = "pod-template-hash";

pub fn check(seen: &Seen<'_>, found: &mut Findings) {
    for ((key, _), object) in &seen.objects {
        selector(object, found);
        // One that is being deleted may outlive its owner.
        let Some(state) = object.last().filter(|state| !is_deleted(state.value)) else { continue };
        let Some(owner) = controller(state.value) else { continue };
        match seen.by_uid(owner.uid) {
            Some(known) if known.name != owner.name || known.kind != owner.kind => {
                found.add("evidence-owner", || {
                    let (shown, uid, known) = (object.shown(), quoted(owner.uid), known.shown());
                    format!("{shown} is owned by {}, whose UID {uid} is that of {known}", owner.shown())
                });
            }
            Some(known) if owner.kind == "ReplicaSet" && object.kind == "Pod" => {
                hash(seen, key, object, state, known, found);
            }
            Some(_) => {}
            None => missing(seen, key, object, state, &owner, found),
        }
    }
}

struct Owner<'e> {
    kind: &'e str,
    name: &'e str,
    uid: &'e str,
}

impl Owner<'_> {
    fn shown(&self) -> String {
        quoted(&format!("{}/{}", self.kind.to_lowercase(), self.name))
    }
}

fn controller(value: &Value) -> Option<Owner<'_>> {
    let references = value.get("metadata")?.get("ownerReferences")?.as_array()?;
    let reference = references.iter().find(|reference| reference["controller"] == true)?;
    let kind = text(reference, &["kind"]).filter(|kind| OWNERS.contains(kind))?;
    // Another group may have a kind of the same name.
    let group = text(reference, &["apiVersion"])?.split('/').next()?;
    let ours = lab_spec::Kind::named(kind)?;
    if ours.api_version.split('/').next() != Some(group) {
        return None;
    }
    Some(Owner { kind, name: text(reference, &["name"])?, uid: text(reference, &["uid"])? })
}

/// The owner was never listed. It may have been deleted just now, so that
/// counts only if the name was taken by another object before, or if the
/// garbage collector had time and did nothing.
fn missing(
    seen: &Seen<'_>,
    key: &str,
    object: &Object<'_>,
    state: &State<'_>,
    owner: &Owner<'_>,
    found: &mut Findings,
) {
    let (Some(lists), Some(created)) = (beside(key, owner.kind), object.created_ms) else { return };
    let (shown, says, uid) = (object.shown(), owner.shown(), quoted(owner.uid));
    // The other had the name from before the object was made until after.
    let since = object.states.first().map_or(u64::MAX, |state| state.first_ms);
    let before = |other: &&Object<'_>| {
        other.created_ms.is_some_and(|at| at.saturating_add(VIEW_MS) < created)
            && other.last().is_some_and(|state| state.last_ms >= since)
    };
    if seen.by_name(&lists, owner.name).iter().any(before) {
        found.add("evidence-owner", || {
            format!("{shown} is owned by {says} of UID {uid}, which had another UID before it was made")
        });
        return;
    }
    let same = |state: &&State<'_>| controller(state.value).is_some_and(|now| now.uid == owner.uid);
    let listed = seen.of_key(&lists).find(|list| list.at_ms >= object.since(same));
    if listed.is_some_and(|list| state.last_ms >= list.at_ms + COLLECTED_MS) {
        found.add("evidence-owner", || {
            format!(
                "{shown} is owned by {says} of UID {uid}, which is in no list; that lasts only where the garbage collector does not work"
            )
        });
    }
}

/// A ReplicaSet lets go of pods that it does not select, after a moment.
fn hash(
    seen: &Seen<'_>,
    key: &str,
    pod: &Object<'_>,
    state: &State<'_>,
    owner: &Object<'_>,
    found: &mut Findings,
) {
    let Some(selected) = owner.last().and_then(|owner| selected(owner.value)) else { return };
    let label = labelled(state.value);
    if label == Some(selected) {
        return;
    }
    let since = pod.since(|state| labelled(state.value) != Some(selected));
    if state.last_ms >= since.saturating_add(RELEASED_MS) || seen.of_key(key).count() == 1 {
        found.add("evidence-hash", || {
            let (label, selected) = (quoted(label.unwrap_or_default()), quoted(selected));
            let (shown, owner) = (pod.shown(), owner.shown());
            format!("{shown} is owned by {owner}, which selects {HASH} {selected}, and has {label}")
        });
    }
}

/// The API server takes no workload whose template its selector does not match.
fn selector(object: &Object<'_>, found: &mut Findings) {
    if !matches!(object.kind, "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") {
        return;
    }
    let unmatched = object
        .states
        .iter()
        .find_map(|state| unselected(state.value, state.value.pointer("/spec/template/metadata/labels")));
    if let Some(name) = unmatched {
        found.add("evidence-selector", || {
            format!("{} selects by {}, which its own template does not have", object.shown(), quoted(name))
        });
    }
}

fn labelled(value: &Value) -> Option<&str> {
    text(value, &["metadata", "labels", HASH])
}

fn selected(value: &Value) -> Option<&str> {
    text(value, &["spec", "selector", "matchLabels", HASH])
}

fn is_deleted(value: &Value) -> bool {
    value.pointer("/metadata/deletionTimestamp").is_some_and(|at| !at.is_null())
}
