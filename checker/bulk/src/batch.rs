//! A batch: everything that was handed in, judged on all cores, and one grade
//! per student at the end.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::{Path, PathBuf},
    process,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use lab_judge::Judge;
use sha2::{Digest as _, Sha256};

use crate::{
    grade::{Grade, Unmatched},
    in_hand::{Held, InHand},
    inbox::{self, Item},
    journal::{Journal, Packed},
    judged::{Brief, Judged, Judging},
    rubric::Rubric,
    settle::{Entry, Rules, settle},
    shared,
};

/// Judgements that are written to the journal at once.
const KEPT_AT_ONCE: usize = 64;
/// Stack of a judging thread, in bytes: evidence may be nested deep.
const STACK: usize = 16 << 20;

/// A class to be graded.
pub struct Batch<'a> {
    /// What is judged by.
    pub rubric: &'a Rubric,
    /// Its judge.
    pub judge: &'a Judge<'a>,
    /// What it says of evidence; [`Rubric::report`] for anyone but a test.
    pub judging: &'a Judging<'a>,
    /// What was handed in.
    pub paths: &'a [PathBuf],
    /// Where the journal lies.
    pub out: &'a Path,
    /// Threads that judge.
    pub threads: usize,
    /// Told how many of how many are done.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}

/// A class that was judged.
pub struct Class<'a> {
    rules: &'a Rules<'a>,
    journal: Journal,
    rubric: String,
    /// By place in the roster.
    entries: BTreeMap<usize, Vec<Entry>>,
    /// What belongs to nobody.
    pub unmatched: Vec<Unmatched>,
    /// How many submissions were judged in this run, not found in the journal.
    pub judged: usize,
}

impl Batch<'_> {
    /// Judges everything that was handed in and is not in the journal yet.
    ///
    /// # Errors
    /// Paths that cannot be read, or a journal that cannot be used. Never a
    /// submission.
    pub fn run<'r>(&self, rules: &'r Rules<'r>) -> Result<Class<'r>, String> {
        let journal = Journal::open(self.out, &self.rubric.lab().id)?;
        let files = inbox::files(self.paths)?;
        let known = journal.briefs(self.rubric.digest())?;
        let in_hand = InHand::open(self.out).map_err(|error| format!("`{}`: {error}", self.out.display()))?;
        let work = Work {
            batch: self,
            journal: &journal,
            known: &known,
            in_hand: &in_hand,
            total: files.len(),
            done: AtomicUsize::new(0),
            judged: AtomicUsize::new(0),
        };
        let found = work.all(files)?;
        let judged = work.judged.into_inner();
        drop(known);
        let (mut entries, mut unmatched) = (BTreeMap::<usize, Vec<Entry>>::new(), Vec::new());
        for entry in found {
            match entry.student(rules.roster) {
                Ok(student) => entries.entry(student).or_default().push(entry),
                Err(why) => unmatched.push(Unmatched { place: entry.place, why }),
            }
        }
        unmatched.sort();
        shared::flag(&mut entries, rules);
        Ok(Class { rules, journal, rubric: self.rubric.digest().to_owned(), entries, unmatched, judged })
    }
}

impl Class<'_> {
    /// The grades, one at a time, in the roster's order.
    ///
    /// # Errors
    /// A journal that cannot be read.
    pub fn grades(&mut self) -> impl Iterator<Item = Result<Grade, String>> {
        let Self { rules, journal, rubric, entries, .. } = self;
        rules.roster.students().iter().enumerate().map(move |(at, student)| {
            let entries = entries.remove(&at).unwrap_or_default();
            let (mut grade, shown) = settle(rules, student, entries);
            if let Some(bundle) = shown {
                grade.report = journal.report(&bundle, rubric)?;
            }
            Ok(grade)
        })
    }
}

/// What the threads share.
struct Work<'a> {
    batch: &'a Batch<'a>,
    journal: &'a Journal,
    known: &'a HashMap<String, Brief>,
    in_hand: &'a InHand,
    total: usize,
    done: AtomicUsize,
    judged: AtomicUsize,
}

impl Work<'_> {
    fn all(&self, files: Vec<PathBuf>) -> Result<Vec<Entry>, String> {
        let items = Mutex::new(inbox::items(files, self.batch.paths));
        let found = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let threads = (0..self.batch.threads.max(1)).map(|thread| {
                let (items, found) = (&items, &found);
                let work = move || self.some(thread, items, found);
                thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)
            });
            let threads: Vec<_> = threads.collect();
            threads.into_iter().try_for_each(|thread| {
                let thread = thread.map_err(|error| format!("cannot start a thread: {error}"))?;
                thread.join().unwrap_or_else(|_| Err("a thread that judges broke".to_owned()))
            })
        })?;
        found.into_inner().map_err(|_| "a thread that judges broke".to_owned())
    }

    /// What one thread does: takes the next item until there is none.
    fn some(
        &self,
        thread: usize,
        items: &Mutex<impl Iterator<Item = Item>>,
        found: &Mutex<Vec<Entry>>,
    ) -> Result<(), String> {
        let broken = |_| "a thread that judges broke".to_owned();
        let (mut mine, mut fresh) = (Vec::new(), Vec::new());
        loop {
            let Some(item) = items.lock().map_err(|_| broken(()))?.next() else { break };
            mine.push(self.one(thread, item, &mut fresh)?);
            if fresh.len() >= KEPT_AT_ONCE {
                self.journal.keep(self.batch.rubric.digest(), &fresh)?;
                fresh.clear();
            }
            let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
            (self.batch.progress)(done, self.total.max(done));
        }
        self.journal.keep(self.batch.rubric.digest(), &fresh)?;
        found.lock().map_err(|_| broken(()))?.append(&mut mine);
        Ok(())
    }

    fn one(&self, thread: usize, item: Item, fresh: &mut Vec<Packed>) -> Result<Entry, String> {
        let Item { place, hint, content } = item;
        let bytes = match content.bytes() {
            Ok(bytes) => bytes,
            // What lies there cannot be had: it is nobody's bytes, so it has no hash.
            Err(why) => return Ok(Entry::unreadable(place, hint, why)),
        };
        let sha256 = lab_bundle::hex(&Sha256::digest(&bytes));
        if let Some(brief) = self.known.get(&sha256) {
            return Ok(Entry { place, hint, sha256, brief: brief.clone(), flags: Vec::new() });
        }
        let cannot = |error: io::Error| format!("`{}`: {error}", self.batch.out.display());
        let held = self.in_hand.take(thread, &sha256).map_err(cannot)?;
        let judged = match held {
            Held::Broken => Judged::broken(),
            Held::Shared(_) | Held::Alone(_) => {
                let unmet = |evidence: &_| self.batch.judge.unmet(evidence);
                let _end = EndWithPanic;
                let judged = Judged::of(&bytes, self.batch.rubric, &unmet, self.batch.judging);
                self.in_hand.put_away(thread).map_err(cannot)?;
                fresh.push(Packed::of(&sha256, &judged)?);
                judged
            }
        };
        drop((held, bytes));
        self.judged.fetch_add(1, Ordering::Relaxed);
        Ok(Entry { place, hint, sha256, brief: judged.brief, flags: Vec::new() })
    }
}

/// Where a panic unwinds, as in debug builds, it ends the process as it does in
/// releases.
struct EndWithPanic;

impl Drop for EndWithPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            process::abort();
        }
    }
}
