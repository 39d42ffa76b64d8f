//! What students share that no two should. It is a suspicion, told with what
//! it rests on: students work in pairs, lend each other a laptop, or are given
//! one cluster by their teacher. Nothing here is a verdict.
//!
//! Of each submission only hashes are kept, some hundred of 32 bytes; what the
//! shared ones stand for is read again from the files that hold them.

mod groups;
mod traces;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use lab_bundle::{Submission, submission};
use serde::Serialize;

use crate::{
    grade::Unmatched,
    inbox::{self, Item},
    roster::Roster,
    settle::whose,
};
use groups::Kept;
pub use traces::Trace;
use traces::{Left, traces};

/// Examples of one kind that are told of a group.
const EXAMPLES: usize = 3;
/// Stack of a thread, in bytes: evidence may be nested deep.
const STACK: usize = 16 << 20;

/// What is compared.
pub struct Search<'a> {
    /// What was handed in.
    pub paths: &'a [PathBuf],
    /// The lab's id.
    pub lab: &'a str,
    /// Who is in the class.
    pub roster: &'a Roster,
    /// Threads that read.
    pub threads: usize,
    /// Told how many of how many are done.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}

/// What was found.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// Submissions of this lab that were compared.
    pub compared: usize,
    /// Students they are of.
    pub students: usize,
    /// Groups that share something, the one that shares most first.
    pub groups: Vec<Group>,
    /// What more than half of the class has, so that it says nothing of anyone.
    pub common: Vec<Common>,
    /// What could not be compared.
    pub passed_over: Vec<Unmatched>,
}

/// Students who share something.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Their ids, in the roster's order.
    pub students: Vec<String>,
    /// What they share.
    pub shared: Vec<Shared>,
}

/// What some students of a group share.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shared {
    /// What is the same.
    pub code: Trace,
    /// The ids of those who have it.
    pub students: Vec<String>,
    /// How many of the kind they share.
    pub count: usize,
    /// Some of them: an object with its UID, a nonce, a time.
    pub examples: Vec<String>,
}

/// What more than half of the class has.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Common {
    /// What is the same.
    pub code: Trace,
    /// The most students who have the same.
    pub students: usize,
}

impl Search<'_> {
    /// Compares everything that was handed in.
    ///
    /// # Errors
    /// Paths that cannot be read. Never a submission.
    pub fn run(&self) -> Result<Found, String> {
        let files = inbox::files(self.paths)?;
        let read = self.each(&files, &|at, item| self.hashed(at, item))?;
        let (mut kept, mut found) = (Vec::new(), Found::default());
        let mut students = BTreeSet::new();
        for one in read {
            match one {
                Ok((student, hashes)) => {
                    found.compared += 1;
                    students.insert(student);
                    kept.extend(hashes);
                }
                Err(why) => found.passed_over.push(why),
            }
        }
        found.students = students.len();
        found.passed_over.sort();
        let (groups, common) = groups::find(kept, found.students);
        found.common = common;
        let words = self.words(&files, &groups)?;
        found.groups = groups.into_iter().map(|group| group.told(self.roster, &words)).collect();
        Ok(found)
    }

    fn hashed(&self, file: u32, item: Item) -> Result<(u32, Vec<Kept>), Unmatched> {
        let (student, bytes, submission) = self.read(item)?;
        let mut kept = Vec::new();
        traces(&bytes, &submission, &mut |left: Left, _| {
            let Left { trace, hash, second, made_up } = left;
            kept.push(Kept { trace, hash, student, second, made_up, file });
        });
        kept.sort_unstable();
        kept.dedup();
        Ok((student, kept))
    }

    fn read(&self, item: Item) -> Result<(u32, Vec<u8>, Submission), Unmatched> {
        let Item { place, hint, content } = item;
        let unmatched = |why: String| Unmatched { place: place.clone(), why };
        let bytes = content.bytes().map_err(unmatched)?;
        let submission = submission::read(&bytes).map_err(|fault| unmatched(fault.to_string()))?;
        if submission.card.lab.id != self.lab {
            let found = &submission.card.lab.id;
            return Err(unmatched(format!("is of `{found}`, expected `{}`", self.lab)));
        }
        let said = submission.card.student.as_str();
        let student = whose(&place, &hint, Some(said), self.roster).ok_or_else(|| {
            unmatched(format!("it says it is of `{}`, who is not in the roster", said.escape_debug()))
        })?;
        Ok((u32::try_from(student).unwrap_or(u32::MAX), bytes, submission))
    }

    /// What the examples of groups stand for, by hash.
    fn words(
        &self,
        files: &[PathBuf],
        groups: &[groups::Linked],
    ) -> Result<HashMap<(Trace, u64), String>, String> {
        let mut wanted: BTreeMap<u32, BTreeSet<(Trace, u64)>> = BTreeMap::new();
        for (file, trace, hash) in groups.iter().flat_map(groups::Linked::examples) {
            wanted.entry(file).or_default().insert((trace, hash));
        }
        let words = Mutex::new(HashMap::new());
        self.each(files, &|at, item| {
            let Some(wanted) = wanted.get(&at) else { return };
            let Ok((_, bytes, submission)) = self.read(item) else { return };
            let mut mine = HashMap::new();
            traces(&bytes, &submission, &mut |left, says| {
                if wanted.contains(&(left.trace, left.hash)) {
                    mine.entry((left.trace, left.hash)).or_insert_with(says);
                }
            });
            if let Ok(mut words) = words.lock() {
                words.extend(mine);
            }
        })?;
        words.into_inner().map_err(|_| "a thread that reads broke".to_owned())
    }

    /// Does `work` with every item, which is numbered, on all threads.
    fn each<T: Send>(
        &self,
        files: &[PathBuf],
        work: &(dyn Fn(u32, Item) -> T + Sync),
    ) -> Result<Vec<T>, String> {
        let total = files.len();
        let items = Mutex::new((0..).zip(inbox::items(files.to_vec(), self.paths)));
        let (all, done) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
        let broken = || "a thread that reads broke".to_owned();
        let run = || -> Result<(), String> {
            loop {
                let Some((at, item)) = items.lock().map_err(|_| broken())?.next() else { return Ok(()) };
                let one = work(at, item?);
                all.lock().map_err(|_| broken())?.push((at, one));
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                (self.progress)(done, total.max(done));
            }
        };
        thread::scope(|scope| {
            let threads = (0..self.threads.max(1))
                .map(|_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run));
            let threads: Vec<_> = threads.collect();
            threads.into_iter().try_for_each(|thread| {
                let thread = thread.map_err(|error| format!("cannot start a thread: {error}"))?;
                thread.join().unwrap_or_else(|_| Err(broken()))
            })
        })?;
        let mut all = all.into_inner().map_err(|_| broken())?;
        all.sort_unstable_by_key(|(at, _)| *at);
        Ok(all.into_iter().map(|(_, one)| one).collect())
    }
}
