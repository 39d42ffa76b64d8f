//! What two students have in common that no two should: it is told to the
//! teacher and decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    grade::Flag,
    settle::{Entry, Rules},
};

/// Something two submissions should not share: its code, the sentence about it,
/// and where it stands.
type Trait = (&'static str, &'static str, fn(&Entry) -> &str);

const TRAITS: [Trait; 4] = [
    ("same-submission", "the very same file was handed in", |entry| &entry.sha256),
    ("same-cluster", "it was made on the same cluster", |entry| &entry.brief.cluster),
    ("same-nonce", "it was made from the same attempt", |entry| &entry.brief.nonce),
    ("same-key", "it is signed with the same key", |entry| &entry.brief.signer),
];

/// Flags what different students share.
pub fn flag(entries: &mut BTreeMap<usize, Vec<Entry>>, rules: &Rules<'_>) {
    for (code, says, of) in TRAITS {
        let mut holders = BTreeMap::<String, BTreeSet<usize>>::new();
        for (student, entries) in &*entries {
            for entry in entries.iter().filter(|entry| !of(entry).is_empty()) {
                holders.entry(of(entry).to_owned()).or_default().insert(*student);
            }
        }
        holders.retain(|_, students| students.len() > 1);
        if holders.is_empty() {
            continue;
        }
        for (student, entries) in &mut *entries {
            for entry in entries {
                let Some(students) = holders.get(of(entry)) else { continue };
                let others = students.iter().filter(|other| *other != student);
                let names: Vec<_> = others
                    .take(5)
                    .map(|at| rules.roster.students()[*at].id.escape_debug().to_string())
                    .collect();
                let more = students.len() - 1 - names.len();
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let names = crate::table::listed(&names);
                entry.flags.push(Flag::new(code, format!("{says} as by {names}{more}")));
            }
        }
    }
}
