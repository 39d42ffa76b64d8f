//! What two students have in common that no two should: it is told to the
//! teacher and decides nothing.

use std::collections::BTreeMap;

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

/// Other students that a flag names.
const NAMED: usize = 5;

/// Flags what different students share.
pub fn flag(entries: &mut BTreeMap<usize, Vec<Entry>>, rules: &Rules<'_>) {
    for (code, says, of) in TRAITS {
        let flags = shared(entries, of, |students, student| {
            let others = students.iter().filter(|other| **other != student);
            let names: Vec<_> = others
                .take(NAMED)
                .map(|at| rules.roster.students()[*at].id.escape_debug().to_string())
                .collect();
            let more = students.len() - 1 - names.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let names = crate::table::listed(&names);
            Flag::new(code, format!("{says} as by {names}{more}"))
        });
        for (student, at, flag) in flags {
            if let Some(entry) = entries.get_mut(&student).and_then(|entries| entries.get_mut(at)) {
                entry.flags.push(flag);
            }
        }
    }
}

/// A flag for every entry whose trait another student's has as well, with its
/// student and place. A sorted list of what all have is the least that a class
/// of 100,000 needs.
fn shared(
    entries: &BTreeMap<usize, Vec<Entry>>,
    of: fn(&Entry) -> &str,
    flag: impl Fn(&[usize], usize) -> Flag,
) -> Vec<(usize, usize, Flag)> {
    let all = entries.iter().flat_map(|(student, entries)| {
        entries.iter().enumerate().map(move |(at, entry)| (of(entry), *student, at))
    });
    let mut all: Vec<_> = all.filter(|(value, ..)| !value.is_empty()).collect();
    all.sort_unstable();
    let mut flags = Vec::new();
    for same in all.chunk_by(|(a, ..), (b, ..)| a == b) {
        let mut students: Vec<_> = same.iter().map(|(_, student, _)| *student).collect();
        students.dedup();
        if students.len() > 1 {
            flags.extend(same.iter().map(|(_, student, at)| (*student, *at, flag(&students, *student))));
        }
    }
    flags
}
