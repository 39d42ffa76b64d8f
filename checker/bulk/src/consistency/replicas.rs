//! What workloads say of their pods, against the pods that are there.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::{
    Findings, quoted,
    seen::{List, Seen, beside, text, unselected},
};

/// Time in which a controller takes note of a pod that is gone or is not
/// selected any more.
const NOTED_MS: u64 = 10_000;
const PODS: &str = "list v1 pods";

/// A workload whose count may be wrong.
#[derive(Default)]
struct Doubt {
    /// Looks that show it.
    looks: usize,
    /// Since when they disagree, in milliseconds after the first look.
    since_ms: Option<u64>,
    /// A difference that lasted.
    lasting: Option<String>,
    /// Pods are counted where there are none at all.
    none: Option<String>,
}

/// Only lists that were taken for one look are put beside each other. Pods of
/// any state are counted, those being deleted too: what the controllers have
/// not noted yet is then never missing but where a pod was gone at once. Such a
/// difference must last, or be seen in the only look there is and leave no pod
/// at all.
pub fn check(seen: &Seen<'_>, found: &mut Findings) {
    let mut doubts: BTreeMap<&str, Doubt> = BTreeMap::new();
    let mut looks: BTreeMap<usize, Vec<&List<'_>>> = BTreeMap::new();
    for list in &seen.lists {
        looks.entry(list.look).or_default().push(list);
    }
    let mut looks: Vec<_> = looks.into_values().collect();
    looks.sort_by_key(|lists| lists.first().map(|list| list.at_ms));
    for lists in &looks {
        for pods in lists.iter().filter(|list| list.key.starts_with(PODS)) {
            look(lists, pods, &mut doubts);
        }
    }
    for Doubt { looks, lasting, none, .. } in doubts.into_values() {
        let Some(says) = lasting.or(none.filter(|_| looks == 1)) else { continue };
        found.add("evidence-replicas", || {
            format!("{says}; that lasts only where the controller manager does not work")
        });
    }
}

fn look<'e>(lists: &[&List<'e>], pods: &List<'e>, doubts: &mut BTreeMap<&'e str, Doubt>) {
    let beside = |kind| {
        let key = beside(pods.key, kind)?;
        lists.iter().find(|list| list.key == key).map(|list| list.items)
    };
    let mut owned: HashMap<&str, Vec<&Value>> = HashMap::new();
    for pod in pods.items {
        if let Some(uid) = owner(pod) {
            owned.entry(uid).or_default().push(pod);
        }
    }
    // A controller counts only pods that it selects, though others may name it as their owner still.
    let own = |item: &Value| {
        let pods = text(item, &["metadata", "uid"]).and_then(|uid| owned.get(uid));
        let counts = |pod: &&&Value| unselected(item, pod.pointer("/metadata/labels")).is_none();
        pods.map_or(0, |pods| pods.iter().filter(counts).count())
    };
    let sets = beside("ReplicaSet");
    // A Deployment has the pods of its ReplicaSets.
    let mut sums: HashMap<&str, usize> = HashMap::new();
    let mut workloads = Vec::new();
    for kind in ["ReplicaSet", "StatefulSet"] {
        workloads.extend(beside(kind).unwrap_or_default().iter().map(|item| (kind, item)));
    }
    if let Some(sets) = sets {
        for set in sets {
            *sums.entry(owner(set).unwrap_or_default()).or_default() += own(set);
        }
        workloads.extend(beside("Deployment").unwrap_or_default().iter().map(|item| ("Deployment", item)));
    }
    for (kind, item) in workloads {
        let Some(uid) = text(item, &["metadata", "uid"]) else { continue };
        let count = |field: &str| item["status"][field].as_u64().unwrap_or(0);
        let said = count("readyReplicas").max(count("availableReplicas"));
        let there = match kind {
            "Deployment" => sums.get(uid).copied().unwrap_or(0),
            _ => own(item),
        };
        let doubt = doubts.entry(uid).or_default();
        doubt.looks += 1;
        if usize::try_from(said).is_ok_and(|said| said <= there) {
            doubt.since_ms = None;
            continue;
        }
        let since = *doubt.since_ms.get_or_insert(pods.at_ms);
        let name = text(item, &["metadata", "name"]).unwrap_or_default();
        let says = || {
            let shown = quoted(&format!("{}/{name}", kind.to_lowercase()));
            format!("{shown} says {said} of its pods are ready, and {there} are listed")
        };
        if pods.at_ms >= since + NOTED_MS {
            doubt.lasting.get_or_insert_with(says);
        } else if there == 0 {
            doubt.none.get_or_insert_with(says);
        }
    }
}

fn owner(item: &Value) -> Option<&str> {
    let references = item.get("metadata")?.get("ownerReferences")?.as_array()?;
    text(references.iter().find(|reference| reference["controller"] == true)?, &["uid"])
}
