//! From hashes that several students have to groups.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Common, EXAMPLES, Group, Shared, traces::Trace};
use crate::roster::Roster;

/// A hash and who has it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    pub trace: Trace,
    pub hash: u64,
    pub student: u32,
    pub second: i64,
    pub made_up: bool,
    pub file: u32,
}

/// Fewest objects of made up names that two students share before it is told.
const MADE_UP: usize = 2;
/// Fewest moments in which they both made the same, where names are not made
/// up. Of 300 students who begin within an hour and a half, some pairs begin in
/// the same second; that they go on in the same second twice is no chance.
const MOMENTS: usize = 3;
/// Seconds between moments: one command makes several objects.
const APART: i64 = 60;
/// Students of whom each pair is looked at; where more have one trace, each is
/// held against the first alone.
const PAIRS: usize = 40;
/// Students from which on half of a class says something.
const CLASS: usize = 6;

/// Hashes that the same students share.
type Holding = BTreeMap<(Trace, Vec<u32>), Vec<Kept>>;

/// Students who share something, by number.
pub struct Linked {
    students: BTreeSet<u32>,
    shared: Holding,
}

/// The groups there are, and what is common to the class.
pub fn find(mut kept: Vec<Kept>, class: usize) -> (Vec<Linked>, Vec<Common>) {
    kept.sort_unstable();
    kept.dedup_by_key(|kept| (kept.trace, kept.hash, kept.student));
    let (mut holding, mut common) = (Holding::new(), BTreeMap::<Trace, usize>::new());
    for same in kept.chunk_by(|a, b| (a.trace, a.hash) == (b.trace, b.hash)) {
        if same.len() < 2 {
            continue;
        }
        if class >= CLASS && same.len() * 2 > class {
            let most = common.entry(same[0].trace).or_default();
            *most = same.len().max(*most);
            continue;
        }
        let students = same.iter().map(|kept| kept.student).collect();
        holding.entry((same[0].trace, students)).or_default().push(same[0]);
    }
    drop(kept);
    by_chance(&mut holding);
    let common = common.into_iter().map(|(code, students)| Common { code, students }).collect();
    (linked(holding), common)
}

/// Drops times that two students may share by chance.
fn by_chance(holding: &mut Holding) {
    let pairs = |students: &[u32]| -> Vec<(u32, u32)> {
        let firsts = if students.len() > PAIRS { 1 } else { students.len() };
        let pairs =
            (0..firsts).flat_map(|at| students[at + 1..].iter().map(move |other| (students[at], *other)));
        pairs.collect()
    };
    let mut shared: HashMap<(u32, u32), (usize, BTreeSet<i64>)> = HashMap::new();
    for ((_, students), kept) in holding.iter().filter(|((trace, _), _)| *trace == Trace::SameTime) {
        for pair in pairs(students) {
            let (made_up, seconds) = shared.entry(pair).or_default();
            *made_up += kept.iter().filter(|kept| kept.made_up).count();
            seconds.extend(kept.iter().map(|kept| kept.second));
        }
    }
    shared.retain(|_, (made_up, seconds)| *made_up >= MADE_UP || moments(seconds) >= MOMENTS);
    let times = holding.extract_if(.., |(trace, _), _| *trace == Trace::SameTime);
    let mut sure = Holding::new();
    for ((trace, students), kept) in times {
        let all = pairs(&students);
        let told: Vec<_> = all.iter().filter(|pair| shared.contains_key(pair)).collect();
        if told.len() == all.len() {
            sure.entry((trace, students)).or_default().extend(kept);
        } else {
            for (one, other) in told {
                sure.entry((trace, vec![*one, *other])).or_default().extend(&kept);
            }
        }
    }
    holding.append(&mut sure);
}

fn moments(seconds: &BTreeSet<i64>) -> usize {
    let mut last = None;
    let apart = |second: &&i64| {
        let apart = last.is_none_or(|last| **second - last >= APART);
        if apart {
            last = Some(**second);
        }
        apart
    };
    seconds.iter().filter(apart).count()
}

/// Students who share anything, with those who share anything with them.
fn linked(holding: Holding) -> Vec<Linked> {
    let mut leads: HashMap<u32, u32> = HashMap::new();
    fn root(leads: &mut HashMap<u32, u32>, of: u32) -> u32 {
        let mut at = of;
        while let Some(next) = leads.get(&at).copied().filter(|next| *next != at) {
            at = next;
        }
        leads.insert(of, at);
        at
    }
    for (_, students) in holding.keys() {
        let first = root(&mut leads, students[0]);
        for other in &students[1..] {
            let other = root(&mut leads, *other);
            leads.insert(other, first);
        }
    }
    let mut groups: BTreeMap<u32, Linked> = BTreeMap::new();
    for ((trace, students), kept) in holding {
        let root = root(&mut leads, students[0]);
        let group = groups
            .entry(root)
            .or_insert_with(|| Linked { students: BTreeSet::new(), shared: Holding::new() });
        group.students.extend(&students);
        group.shared.insert((trace, students), kept);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    let weight = |group: &Linked| group.shared.values().map(Vec::len).sum::<usize>();
    groups.sort_by_key(|group| (std::cmp::Reverse(weight(group)), group.students.first().copied()));
    groups
}

impl Linked {
    /// The file, kind and hash of what is told as examples.
    pub fn examples(&self) -> impl Iterator<Item = (u32, Trace, u64)> {
        let kept = self.shared.values().flat_map(|kept| kept.iter().take(EXAMPLES));
        kept.map(|kept| (kept.file, kept.trace, kept.hash))
    }

    /// The group in words.
    pub fn told(self, roster: &Roster, words: &HashMap<(Trace, u64), String>) -> Group {
        let ids = |students: &mut dyn Iterator<Item = u32>| -> Vec<String> {
            let students = students.filter_map(|at| roster.students().get(at as usize));
            students.map(|student| student.id.clone()).collect()
        };
        let shared = self.shared.iter().map(|((trace, students), kept)| Shared {
            code: *trace,
            students: ids(&mut students.iter().copied()),
            count: kept.len(),
            examples: kept
                .iter()
                .take(EXAMPLES)
                .filter_map(|kept| words.get(&(kept.trace, kept.hash)).cloned())
                .collect(),
        });
        let shared = shared.collect();
        Group { students: ids(&mut self.students.iter().copied()), shared }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(trace: Trace, hash: u64, student: u32, second: i64) -> Kept {
        Kept { trace, hash, student, second, made_up: false, file: student }
    }

    /// Both students made these objects, each in this second.
    fn times(seconds: &[i64]) -> Vec<Kept> {
        let hashed = (0..).zip(seconds);
        hashed.flat_map(|(hash, at)| [0, 1].map(|who| kept(Trace::SameTime, hash, who, *at))).collect()
    }

    #[test]
    fn times_count_from_several_moments_on() {
        // Whoever begins in the same second makes all of the starter in it.
        assert!(find(times(&[0, 0, 0, 1, 2, 3]), 2).0.is_empty());
        assert!(find(times(&[0, 0, 90, 91]), 2).0.is_empty());
        let (groups, _) = find(times(&[0, 0, 90, 200]), 2);
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].shared.values().map(Vec::len).sum::<usize>(), 4);
    }

    #[test]
    fn made_up_names_count_from_the_second_on() {
        let made_up = |count| {
            let mut kept = times(&vec![7; count]);
            kept.iter_mut().for_each(|kept| kept.made_up = true);
            find(kept, 2).0.len()
        };
        assert_eq!((made_up(1), made_up(2)), (0, 1));
    }

    #[test]
    fn those_who_share_anything_are_one_group_and_one_student_is_none() {
        let (groups, common) = find(
            vec![
                kept(Trace::SameKey, 1, 0, 0),
                kept(Trace::SameKey, 1, 1, 0),
                kept(Trace::SameObject, 2, 1, 0),
                kept(Trace::SameObject, 2, 2, 0),
                kept(Trace::SameNonce, 3, 4, 0),
                kept(Trace::SameNonce, 3, 4, 0),
            ],
            9,
        );
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].students, BTreeSet::from([0, 1, 2]));
        assert!(common.is_empty());
    }

    #[test]
    fn what_more_than_half_of_a_class_has_is_common() {
        let all = |students: u32, class| {
            let (groups, common) =
                find((0..students).map(|who| kept(Trace::SameCluster, 1, who, 0)).collect(), class);
            (groups.len(), common.first().map(|common| common.students))
        };
        assert_eq!(all(4, 6), (0, Some(4)));
        assert_eq!(all(3, 6), (1, None));
        // A pair is most of a class of two.
        assert_eq!(all(2, 2), (1, None));
    }
}
