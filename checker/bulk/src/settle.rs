//! From what a student handed in to one grade.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use lab_spec::report::Points;

use crate::{
    grade::{Attempt, Decision, Grade, Standing},
    inbox::{Hint, Item},
    judged::Brief,
    late::Policy,
    roster::Roster,
    tried::Tried,
};

/// How a class is graded, beyond the rubric.
#[derive(Debug)]
pub struct Rules<'a> {
    /// Who is in it.
    pub roster: &'a Roster,
    /// Points of a perfect solution.
    pub points: u32,
    /// What lateness costs.
    pub policy: Policy,
    /// Which of several attempts counts.
    pub attempts: Attempts,
    /// When what was received, by SHA-256, file name or student id; it goes
    /// before what places say.
    pub received: BTreeMap<String, Timestamp>,
    /// What was assigned to whom, by place in the roster; empty: nothing was.
    pub assigned: BTreeMap<usize, Assigned>,
    /// Decisions of teachers, by place in the roster.
    pub decisions: BTreeMap<usize, Decision>,
}

impl<'a> Rules<'a> {
    /// Nothing counts beside the rubric: no lateness, the best of several
    /// attempts, nothing assigned or decided.
    pub fn plain(roster: &'a Roster, points: u32) -> Self {
        Self {
            roster,
            points,
            policy: Policy::default(),
            attempts: Attempts::Best,
            received: BTreeMap::new(),
            assigned: BTreeMap::new(),
            decisions: BTreeMap::new(),
        }
    }
}

/// What one student was assigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The text that the evidence must carry.
    pub nonce: String,
    /// The seed of the student's variant.
    pub seed: u64,
    /// A deadline of the student's own.
    pub deadline: Option<Timestamp>,
}

/// Which of several attempts counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attempts {
    /// The one with the highest score; of equals the first.
    #[default]
    Best,
    /// The one that was received last.
    Last,
    /// The mean of all that have a score.
    Average,
}

/// One thing that was handed in, before it is somebody's.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it lay.
    pub place: String,
    /// What its place says.
    pub hint: Hint,
    /// SHA-256 of its bytes; `None` where there are none.
    pub sha256: Option<[u8; 32]>,
    /// What it comes to; the store's own, and that of everyone who handed in the same.
    pub brief: Arc<Brief>,
}

impl Entry {
    /// Something whose bytes cannot be had.
    pub fn unreadable(place: String, hint: Hint, why: String) -> Self {
        let brief = Arc::new(Brief::unreadable(why));
        Self { place, hint, sha256: None, brief }
    }

    /// Whose it is: of whom the platform says, or else of whom it says it is, or
    /// else of whom its file or folder is named.
    ///
    /// # Errors
    /// Why it is nobody's.
    pub fn student(&self, roster: &Roster) -> Result<usize, String> {
        whose(&self.place, &self.hint, self.brief.student.as_deref(), roster).ok_or_else(|| {
            match (&self.brief.student, &self.brief.standing) {
                (Some(id), _) => {
                    format!("it says it is of `{}`, who is not in the roster", id.escape_debug())
                }
                (None, Standing::Ungradable { why }) => why.clone(),
                (None, _) => "it does not say whose it is".to_owned(),
            }
        })
    }
}

/// The student whom a platform's names tell, or else the one whom the submission
/// says it is of, or else the one whom its file or a folder is named after.
pub fn whose(place: &str, hint: &Hint, said: Option<&str>, roster: &Roster) -> Option<usize> {
    let hinted = hint.student.iter().find_map(|(column, value)| roster.by(column, value));
    let named = || {
        let columns = |name: &String| NAMED_BY.iter().find_map(|column| roster.by(column, name));
        Item::names(place, hint).iter().find_map(columns)
    };
    hinted.or_else(|| roster.by_id(said?)).or_else(named)
}

/// Columns of the roster by which files and folders are named.
const NAMED_BY: [&str; 5] = ["id", "username", "login", "email", "name"];

/// The grade of a student, and the SHA-256 of the submission whose report
/// belongs to it.
pub fn settle(rules: &Rules<'_>, student: usize, mut tried: Vec<Tried>) -> (Grade, Option<String>) {
    // Those of unknown receipt come first. Of equals, a file that was sent along
    // and is no submission comes before the submission; then hashes decide.
    tried.sort_by(|a, b| {
        let order = |tried: &Tried| (tried.received, !matches!(tried.standing, Standing::Ungradable { .. }));
        (order(a), a.sha256, &a.place).cmp(&(order(b), b.sha256, &b.place))
    });
    // The same file twice is one attempt, received when it was received first.
    tried.dedup_by(|later, first| later.sha256 == first.sha256 && first.sha256.is_some());
    let (attempts, mut flags): (Vec<_>, Vec<_>) = tried.into_iter().map(Tried::attempt).unzip();
    let counts = chosen(rules.attempts, &attempts);
    let average = rules.attempts == Attempts::Average
        && attempts.iter().filter(|tried| tried.score.is_some()).count() > 1;
    let shown = counts.map(|counts| &attempts[counts]);
    let standing = shown.map_or(Standing::Missing, |shown| shown.standing.clone());
    let score = match average {
        true => mean(attempts.iter().filter_map(|tried| tried.score)),
        false => shown.and_then(|shown| shown.score),
    };
    let decision = rules.decisions.get(&student).cloned();
    let grade = Grade {
        student: rules.roster.students()[student].clone(),
        standing,
        earned: shown.and_then(|shown| shown.earned),
        late: shown.and_then(|shown| shown.late.clone()),
        score: decision.as_ref().map(|decision| decision.score).or(score),
        decision,
        points: rules.points,
        flags: counts.map(|counts| std::mem::take(&mut flags[counts])).unwrap_or_default(),
        counts: counts.filter(|_| !average),
        requests: Vec::new(),
        report: None,
        attempts,
    };
    let bundle =
        counts.map(|counts| grade.attempts[counts].sha256.clone()).filter(|sha256| !sha256.is_empty());
    (grade, bundle)
}

/// Which attempt counts, or is shown where several do.
fn chosen(rule: Attempts, attempts: &[Attempt]) -> Option<usize> {
    let last = attempts.len().checked_sub(1)?;
    match rule {
        Attempts::Last => Some(last),
        // Something that cannot be judged never takes away what was earned.
        Attempts::Best | Attempts::Average => {
            let scored = attempts.iter().enumerate().filter(|(_, tried)| tried.score.is_some());
            // The first of equals.
            Some(scored.rev().max_by_key(|(_, tried)| tried.score).map_or(last, |(at, _)| at))
        }
    }
}

fn mean(scores: impl Iterator<Item = Points>) -> Option<Points> {
    let (mut sum, mut count) = (0, 0);
    for score in scores {
        sum += score.0;
        count += 1;
    }
    (count > 0).then(|| Points((sum + count / 2) / count))
}
