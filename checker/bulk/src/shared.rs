//! What two students have in common that no two should: it is told to the
//! teacher and decides nothing.

use std::collections::BTreeMap;

use crate::{
    grade::Flag,
    settle::Rules,
    tried::{Mark, Tried},
};

/// What two submissions should not share, in the order of [`Tried::marks`]: a
/// flag's code, and the sentence about it.
const TRAITS: [(&str, &str); 4] = [
    ("same-submission", "the very same file was handed in"),
    ("same-cluster", "it was made on the same cluster"),
    ("same-nonce", "it was made from the same attempt"),
    ("same-key", "it is signed with the same key"),
];

/// Other students that a flag names.
const NAMED: usize = 5;

/// Flags what different students share.
pub fn flag(tried: &mut BTreeMap<usize, Vec<Tried>>, rules: &Rules<'_>) {
    for (which, (code, says)) in TRAITS.into_iter().enumerate() {
        let flags = shared(tried, which, |students, student| {
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
            if let Some(one) = tried.get_mut(&student).and_then(|tried| tried.get_mut(at)) {
                one.flag(flag);
            }
        }
    }
}

/// A flag for every attempt whose trait another student's has as well, with its
/// student and place. A sorted list of what all have is the least that a class
/// of 100,000 needs.
fn shared(
    tried: &BTreeMap<usize, Vec<Tried>>,
    which: usize,
    flag: impl Fn(&[usize], usize) -> Flag,
) -> Vec<(usize, usize, Flag)> {
    let all = tried.iter().flat_map(|(student, tried)| {
        tried.iter().enumerate().map(move |(at, one)| (one.marks()[which], *student, at))
    });
    let mut all: Vec<_> = all.filter(|(mark, ..)| *mark != Mark::default()).collect();
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
