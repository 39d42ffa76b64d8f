//! All objects that were seen, each with the states it was seen in.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use jiff::Timestamp;
use lab_bundle::Submission;
use lab_spec::{Kind, Observation, Outcome, Request};
use serde_json::Value;

/// Everything that was listed.
pub struct Seen<'e> {
    /// In the order of answering.
    pub lists: Vec<List<'e>>,
    /// By the key of their list and their UID.
    pub objects: IndexMap<(&'e str, &'e str), Object<'e>>,
    /// By UID, the first place in `objects`.
    by_uid: HashMap<&'e str, usize>,
    /// By the key of the list and the name, the places in `objects`.
    by_name: HashMap<(&'e str, &'e str), Vec<usize>>,
}

/// One answer to a LIST.
pub struct List<'e> {
    /// The key it stands under.
    pub key: &'e str,
    /// Milliseconds after the first look.
    pub at_ms: u64,
    /// The list's own resourceVersion.
    pub version: Option<u64>,
    /// The items.
    pub items: &'e [Value],
    /// What names each item.
    pub names: Vec<Name<'e>>,
    /// Lists with the same number were taken for one look.
    pub look: usize,
    /// The server's clock had not passed this when it answered, in milliseconds
    /// since the epoch.
    pub latest_ms: i64,
}

/// What names an item of a list.
#[derive(Clone, Copy)]
pub struct Name<'e> {
    /// Its namespace; empty where there is none.
    pub namespace: &'e str,
    /// Its name.
    pub name: &'e str,
    /// Its UID; empty where there is none.
    pub uid: &'e str,
    /// Its resourceVersion.
    pub version: Option<u64>,
}

/// One object, through all lists that hold it.
pub struct Object<'e> {
    /// The kind, as the list says.
    pub kind: &'e str,
    /// Its name.
    pub name: &'e str,
    /// When it was created, in milliseconds since the epoch.
    pub created_ms: Option<i64>,
    /// The states it was seen in, in the order of seeing.
    pub states: Vec<State<'e>>,
}

/// A state of an object: what stands under one resourceVersion.
pub struct State<'e> {
    /// The object.
    pub value: &'e Value,
    /// Its resourceVersion.
    pub version: Option<u64>,
    /// When it was first seen, in milliseconds after the first look.
    pub first_ms: u64,
    /// When it was last seen.
    pub last_ms: u64,
    /// As in [`List::latest_ms`], of the first list that has it.
    pub latest_ms: i64,
    /// The object as it was seen last.
    pub last: &'e Value,
}

impl<'e> Seen<'e> {
    /// Gathers what was listed.
    pub fn of(submission: &'e Submission) -> Self {
        let mut lists = lists(submission);
        lists.sort_by_key(|list| list.at_ms);
        let mut seen =
            Self { lists, objects: IndexMap::new(), by_uid: HashMap::new(), by_name: HashMap::new() };
        // Nearly every item stands where it stood in the list before.
        let mut before: HashMap<&str, Vec<usize>> = HashMap::new();
        for list in &seen.lists {
            let before = before.entry(list.key).or_default();
            for (at, (item, name)) in list.items.iter().zip(&list.names).enumerate() {
                if name.uid.is_empty() {
                    continue;
                }
                let same = before.get(at).filter(|place| {
                    seen.objects.get_index(**place).is_some_and(|((_, uid), _)| *uid == name.uid)
                });
                let place = match same {
                    Some(place) => *place,
                    None => {
                        let entry = seen.objects.entry((list.key, name.uid));
                        let place = entry.index();
                        entry.or_insert_with(|| Object::of(item, name));
                        before.truncate(at);
                        if before.len() == at {
                            before.push(place);
                        }
                        place
                    }
                };
                seen.objects[place].see(list, item, name.version);
            }
        }
        for (at, ((key, uid), object)) in seen.objects.iter().enumerate() {
            seen.by_uid.entry(uid).or_insert(at);
            seen.by_name.entry((key, object.name)).or_default().push(at);
        }
        seen
    }

    /// The object with this UID, in any list.
    pub fn by_uid(&self, uid: &str) -> Option<&Object<'e>> {
        self.by_uid.get(uid).map(|at| &self.objects[*at])
    }

    /// The objects of this name, one after the other, in the lists of a key.
    pub fn by_name(&self, key: &str, name: &str) -> Vec<&Object<'e>> {
        let places = self.by_name.get(&(key, name)).map_or(&[][..], Vec::as_slice);
        places.iter().map(|at| &self.objects[*at]).collect()
    }

    /// The answers to one LIST.
    pub fn of_key(&self, key: &str) -> impl Iterator<Item = &List<'e>> {
        self.lists.iter().filter(move |list| list.key == key)
    }
}

impl<'e> Object<'e> {
    fn of(item: &'e Value, name: &Name<'e>) -> Self {
        Self {
            kind: text(item, &["kind"]).unwrap_or("object"),
            name: name.name,
            created_ms: time(item, &["metadata", "creationTimestamp"]),
            states: Vec::new(),
        }
    }

    fn see(&mut self, list: &List<'e>, item: &'e Value, version: Option<u64>) {
        // Nearly always it is the last one again.
        let known = self.states.iter_mut().rev().find(|state| state.version == version && version.is_some());
        match known {
            Some(state) => {
                state.last_ms = list.at_ms;
                state.last = item;
            }
            None => self.states.push(State {
                value: item,
                version,
                first_ms: list.at_ms,
                last_ms: list.at_ms,
                latest_ms: list.latest_ms,
                last: item,
            }),
        }
    }

    /// Kind and name, as findings tell them.
    pub fn shown(&self) -> String {
        super::quoted(&format!("{}/{}", self.kind.to_lowercase(), self.name))
    }

    /// Since when it is in states like the last one, in milliseconds after the
    /// first look; never, if that is not like them.
    pub fn since(&self, alike: impl FnMut(&&State<'e>) -> bool) -> u64 {
        self.states.iter().rev().take_while(alike).last().map_or(u64::MAX, |state| state.first_ms)
    }

    /// The state it was seen in last.
    pub fn last(&self) -> Option<&State<'e>> {
        self.states.last()
    }
}

/// A text field.
pub fn text<'v>(value: &'v Value, path: &[&str]) -> Option<&'v str> {
    path.iter().try_fold(value, |value, field| value.get(field))?.as_str()
}

/// A label that a workload selects its pods by and `labels` do not have so; none
/// where they are those of its pods.
pub fn unselected<'v>(workload: &'v Value, labels: Option<&Value>) -> Option<&'v str> {
    let wanted = workload.pointer("/spec/selector/matchLabels")?.as_object()?;
    let lacks = |(name, value): &(&String, &Value)| {
        labels.and_then(|labels| labels.get(name.as_str())) != Some(*value)
    };
    wanted.iter().find(lacks).map(|(name, _)| name.as_str())
}

/// A field that holds a time, in milliseconds since the epoch.
pub fn time(value: &Value, path: &[&str]) -> Option<i64> {
    text(value, path)?.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// The key that lists of this kind stand under beside `key`: in the same
/// namespace.
pub fn beside(key: &str, kind: &str) -> Option<String> {
    let kind = Kind::named(kind)?;
    let namespace = key.split_once(" -n ").map(|(_, namespace)| namespace.to_owned());
    Some(Request::List { namespace: namespace.filter(|_| kind.namespaced), kind }.key())
}

fn lists(submission: &Submission) -> Vec<List<'_>> {
    let evidence = &submission.evidence;
    let made = submission.card.made.parse::<Timestamp>().map_or(i64::MAX, Timestamp::as_millisecond);
    let mut lists = Vec::new();
    // Of each list the first and the last: what holds of them holds of those
    // between, and reading all of them would take longer than judging.
    let mut last: HashMap<&str, usize> = HashMap::new();
    for (at, look) in evidence.looks.iter().enumerate() {
        last.extend(look.observations.keys().map(|key| (key.as_str(), at)));
    }
    let mut first = HashSet::new();
    for (at, look) in evidence.looks.iter().enumerate() {
        // An answer was there before the next look began. The monotonic clock
        // stands still while a laptop sleeps, the wall clock does not.
        let next = evidence.looks.get(at + 1).map_or(made, |next| next.wall_ms);
        let answers = look.observations.iter();
        let answers = answers.filter(|(key, _)| first.insert(key.as_str()) || last[key.as_str()] == at);
        lists.extend(answers.filter_map(|(key, seen)| {
            list(key, seen, at, |at_ms| {
                let elapsed = i64::try_from(at_ms.saturating_sub(look.at_ms)).unwrap_or(i64::MAX);
                next.max(look.wall_ms.saturating_add(elapsed))
            })
        }));
    }
    let wall = evidence
        .looks
        .last()
        .map_or(i64::MIN, |look| look.wall_ms.saturating_sub(i64::try_from(look.at_ms).unwrap_or(i64::MAX)));
    let of_steps = evidence.experiments.values().flat_map(|record| record.looks.values());
    for (number, answers) in (evidence.looks.len()..).zip(of_steps) {
        lists.extend(answers.iter().filter_map(|(key, seen)| {
            list(key, seen, number, |at_ms| {
                made.max(wall.saturating_add(i64::try_from(at_ms).unwrap_or(i64::MAX)))
            })
        }));
    }
    lists
}

fn list<'e>(
    key: &'e str,
    seen: &'e Observation,
    look: usize,
    latest: impl FnOnce(u64) -> i64,
) -> Option<List<'e>> {
    let Outcome::Present(Value::Array(items)) = &seen.outcome else { return None };
    key.strip_prefix("list ")?;
    let from = &seen.provenance;
    let version = from.resource_version.as_ref().and_then(|version| version.parse().ok());
    // A server behind us may have been ahead when our own clock was set.
    let latest_ms = latest(from.at_ms).saturating_add(from.skew_ms.max(0));
    let names = items.iter().map(name).collect();
    Some(List { key, at_ms: from.at_ms, version, items, names, look, latest_ms })
}

/// Reads the fields in the order they are written: looking up each takes
/// longer than passing over its neighbours.
fn name(item: &Value) -> Name<'_> {
    let mut name = Name { namespace: "", name: "", uid: "", version: None };
    let mut fields = item.as_object().into_iter().flatten();
    let metadata = fields.find(|(field, _)| *field == "metadata").and_then(|(_, value)| value.as_object());
    for (field, value) in metadata.into_iter().flatten() {
        let Some(text) = value.as_str() else { continue };
        match field.as_str() {
            "namespace" => name.namespace = text,
            "name" => name.name = text,
            "uid" => name.uid = text,
            "resourceVersion" => name.version = text.parse().ok(),
            _ => {}
        }
    }
    name
}
