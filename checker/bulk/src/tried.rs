//! An attempt, as it is held until the whole class is judged.

use jiff::Timestamp;
use lab_spec::report::Points;
use sha2::{Digest as _, Sha256};

use crate::{
    grade::{Attempt, Flag, Penalty, Standing},
    judged::Brief,
    late::Policy,
    rubric::Rubric,
    settle::{Assigned, Entry, Rules},
};

/// An attempt of a student's, in as few bytes as it needs: a class of 100,000 is
/// held in memory until all of it is judged.
#[derive(Clone, Debug)]
pub struct Tried {
    pub(crate) place: Box<str>,
    pub(crate) sha256: Option<[u8; 32]>,
    pub(crate) received: Option<Timestamp>,
    pub(crate) standing: Standing,
    earned: Option<Points>,
    score: Option<Points>,
    late: Option<Box<Penalty>>,
    flags: Vec<Flag>,
    traits: [Mark; 3],
}

/// Digest of something that no two students should share; zeros where there is nothing.
pub type Mark = [u8; 16];

impl Tried {
    /// What an entry comes to for this student of the roster.
    pub fn of(rules: &Rules<'_>, at: usize, entry: Entry) -> Self {
        let id = rules.roster.students()[at].id.as_str();
        let assigned = rules.assigned.get(&at);
        let Entry { place, hint, sha256, brief } = entry;
        let mut flags = brief.flags.clone();
        let file = place.rsplit(['/', '!']).next().unwrap_or(&place);
        let told = [&*in_hex(sha256), place.as_str(), file, id];
        let received = told.iter().find_map(|key| rules.received.get(*key)).copied().or(hint.received);
        let policy = Policy {
            deadline: assigned.and_then(|assigned| assigned.deadline).or(rules.policy.deadline),
            ..rules.policy.clone()
        };
        let (late, flag) = policy.penalty(received, hint.late);
        flags.extend(flag);
        flags.extend(foreign(rules, at, &brief));
        let score = match (&brief.standing, brief.earned) {
            (Standing::Graded, Some(earned)) => {
                Some(Rubric::part(earned, late.as_ref().map_or(0, |late| late.hundredths)))
            }
            _ => None,
        };
        Self {
            traits: [&brief.cluster, &brief.nonce, &brief.signer].map(|text| mark(text)),
            sha256,
            place: place.into_boxed_str(),
            received,
            standing: brief.standing.clone(),
            earned: brief.earned,
            score,
            late: late.map(Box::new),
            flags,
        }
    }

    /// Digests of its bytes, its cluster, its nonce and its key.
    pub fn marks(&self) -> [Mark; 4] {
        let bytes = self.sha256.and_then(|sha256| sha256.first_chunk().copied()).unwrap_or_default();
        let [cluster, nonce, signer] = self.traits;
        [bytes, cluster, nonce, signer]
    }

    /// Adds what only shows beside other submissions.
    pub fn flag(&mut self, flag: Flag) {
        self.flags.reserve_exact(1);
        self.flags.push(flag);
    }

    /// The attempt as it is written, and what is to be said of it.
    pub(crate) fn attempt(self) -> (Attempt, Vec<Flag>) {
        let Self { place, sha256, received, standing, earned, score, late, mut flags, traits: _ } = self;
        let sha256 = in_hex(sha256);
        let late = late.map(|late| *late);
        flags.sort();
        flags.dedup();
        (Attempt { place: place.into(), sha256, received, standing, earned, late, score }, flags)
    }
}

/// A digest in hexadecimal; empty without one.
fn in_hex(digest: Option<[u8; 32]>) -> String {
    digest.map(|digest| lab_bundle::hex(&digest)).unwrap_or_default()
}

fn mark(text: &str) -> Mark {
    match text {
        "" => Mark::default(),
        text => Sha256::digest(text).first_chunk().copied().unwrap_or_default(),
    }
}

/// What a submission says of whose it is that this student's should not.
fn foreign(rules: &Rules<'_>, at: usize, brief: &Brief) -> impl Iterator<Item = Flag> + use<> {
    let student = &rules.roster.students()[at];
    let said = brief.student.as_deref();
    let other = said.filter(|said| rules.roster.by_id(said) != Some(at)).map(|said| {
        let says = format!("`{}` handed it in, and it says it is of `{}`", student.id, said.escape_debug());
        Flag::new("other-student", says)
    });
    let differs = |assigned: &&Assigned| assigned.nonce != brief.nonce || Some(assigned.seed) != brief.seed;
    let made = rules.assigned.get(&at).filter(differs).filter(|_| said.is_some());
    let assignment =
        made.map(|_| Flag::new("other-assignment", "it was not made from the student's own assignment"));
    let key = student.column("key").filter(|key| said.is_some() && key.trim() != brief.signer);
    let key = key.map(|key| {
        let says = format!("it is signed with `{}`, the roster has `{}`", brief.signer, key.escape_debug());
        Flag::new("other-key", says)
    });
    [other, assignment, key].into_iter().flatten()
}
