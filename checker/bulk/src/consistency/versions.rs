//! resourceVersions: etcd gives each write a revision of its own, and they
//! only grow.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    Findings, quoted,
    seen::{List, Name, Seen},
};

/// A watch may tell a moment later what a list has overtaken.
const OVERTAKEN_MS: u64 = 5_000;

pub fn check(seen: &Seen<'_>, found: &mut Findings) {
    for list in &seen.lists {
        within(list, found);
    }
    between(seen, found);
    for object in seen.objects.values() {
        // The first and the last: whoever changes all looks alike is not found so,
        // and comparing each would take longer than judging.
        if object.states.iter().any(|state| !is_same(state.value, state.last)) {
            found.add("evidence-version", || {
                format!("{} was seen with two contents under one resourceVersion", object.shown())
            });
        }
        let back = object.states.windows(2).find(|pair| {
            pair[1].version < pair[0].version && pair[1].first_ms >= pair[0].last_ms + OVERTAKEN_MS
        });
        if back.is_some() {
            found.add("evidence-version", || {
                format!("{} was seen with a smaller resourceVersion than before", object.shown())
            });
        }
    }
}

/// One list: no two objects share a name, a UID or a resourceVersion, and none
/// is newer than the list.
fn within(list: &List<'_>, found: &mut Findings) {
    let key = || quoted(list.key);
    let mut names: Vec<_> = list.names.iter().collect();
    let mut twice = |names: &[&Name<'_>], what: &str, same: fn(&Name<'_>, &Name<'_>) -> bool| {
        for pair in names.windows(2).filter(|pair| same(pair[0], pair[1])) {
            found.add("evidence-doubled", || {
                format!("{} has {what} of {} twice", key(), quoted(pair[0].name))
            });
        }
    };
    // Servers list them in this order.
    if !names.is_sorted_by_key(|name| (name.namespace, name.name)) {
        names.sort_unstable_by_key(|name| (name.namespace, name.name));
    }
    twice(&names, "the name", |a, b| (a.namespace, a.name) == (b.namespace, b.name));
    names.sort_unstable_by_key(|name| name.uid);
    twice(&names, "the UID", |a, b| a.uid == b.uid && !a.uid.is_empty());
    names.sort_unstable_by_key(|name| name.version);
    twice(&names, "the resourceVersion", |a, b| a.version == b.version && a.version.is_some());
    if let Some(newest) =
        names.last().filter(|newest| list.version.is_some() && newest.version > list.version)
    {
        found.add("evidence-version", || {
            format!("{} is of an earlier resourceVersion than {} in it", key(), quoted(newest.name))
        });
    }
}

/// The lists of one key: each is of the version before or a later one.
fn between(seen: &Seen<'_>, found: &mut Findings) {
    let mut newest: HashMap<&str, &List<'_>> = HashMap::new();
    for list in seen.lists.iter().filter(|list| list.version.is_some()) {
        let before = newest.entry(list.key).or_insert(list);
        if list.version < before.version && list.at_ms >= before.at_ms + OVERTAKEN_MS {
            found.add("evidence-version", || {
                format!("{} is of an earlier resourceVersion than one taken before", quoted(list.key))
            });
        }
        if list.version >= before.version {
            *before = list;
        }
    }
}

/// Whether two values are equal. Servers write fields in one order, so that the
/// keys need not be looked up.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => match one.keys().eq(other.keys()) {
            true => one.values().zip(other.values()).all(|(one, other)| is_same(one, other)),
            false => one == other,
        },
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        _ => one == other,
    }
}
