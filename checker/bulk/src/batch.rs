//! A batch: everything that was handed in, judged on all cores, and one grade
//! per student at the end.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    iter,
    panic::resume_unwind,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use lab_bundle::{Fault, Submission, submission};
use lab_judge::Judge;
use sha2::{Digest as _, Sha256};

use crate::{
    ahead::{AHEAD, Ahead, Coming},
    grade::{Grade, Unmatched},
    in_hand::{Hand, Held, InHand},
    inbox::{self, Given, Item, Queue, Unseen},
    judged::{Brief, Judged, Judging},
    rubric::Rubric,
    settle::{Entry, Rules, settle},
    shard::Shard,
    shared,
    store::{Packed, Packer, Store},
    tried::Tried,
};

/// Judgements that are written to the store at once.
const KEPT_AT_ONCE: usize = 64;
/// Stack of a judging thread, in bytes: evidence may be nested deep.
const STACK: usize = 16 << 20;
/// Bytes of evidence that is judged beside other; twice what labs record at most.
/// What is larger takes turns.
const ORDINARY: u64 = 1 << 20;

/// A class to be graded.
pub struct Batch<'a> {
    /// What is judged by.
    pub rubric: &'a Rubric,
    /// Its judge.
    pub judge: &'a Judge<'a>,
    /// What it says of evidence; [`Rubric::report`] for anyone but a test.
    pub judging: &'a Judging<'a>,
    /// Hears the place of what is read from an archive, or a list, before it is
    /// read; does nothing for anyone but a test.
    pub reading: fn(&str),
    /// What was handed in.
    pub paths: &'a [PathBuf],
    /// The share of it that is judged; everything unless said otherwise.
    pub shard: Option<Shard>,
    /// Where it is noted what is in hand.
    pub out: &'a Path,
    /// Threads that judge.
    pub threads: usize,
    /// Told how many of how many are done.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}

/// A class that was judged.
pub struct Class<'a> {
    rules: &'a Rules<'a>,
    store: Arc<dyn Store>,
    rubric: String,
    threads: usize,
    /// By place in the roster.
    tried: BTreeMap<usize, Vec<Tried>>,
    /// What belongs to nobody.
    pub unmatched: Vec<Unmatched>,
    /// How many submissions were judged in this run, not found in the store.
    pub judged: usize,
}

impl Batch<'_> {
    /// Judges everything that was handed in, or all of the share, that is not in the
    /// store yet.
    ///
    /// # Errors
    /// Paths that cannot be read, or a store that cannot be used. Never a
    /// submission.
    pub fn run<'r>(&self, store: Arc<dyn Store>, rules: &'r Rules<'r>) -> Result<Class<'r>, String> {
        let files = inbox::files(self.paths)?;
        let known = store.briefs(self.rubric.digest())?;
        // One more: archives are read by a thread of their own.
        let in_hand = InHand::open(self.out, self.threads.max(1) + 1, self.reading)?;
        let work = Work {
            batch: self,
            store: &*store,
            known: &known,
            in_hand: &in_hand,
            rules,
            large: Mutex::new(()),
            total: files.len(),
            done: AtomicUsize::new(0),
            judged: AtomicUsize::new(0),
        };
        let Found { mut tried, mut unmatched } = work.all(files)?;
        let judged = work.judged.into_inner();
        drop(known);
        unmatched.sort();
        shared::flag(&mut tried, rules);
        let rubric = self.rubric.digest().to_owned();
        Ok(Class { rules, store, rubric, threads: self.threads, tried, unmatched, judged })
    }
}

impl Class<'_> {
    /// How many submissions were found; one that a group handed in counts for
    /// each of its students.
    pub fn submissions(&self) -> usize {
        self.tried.values().map(Vec::len).sum::<usize>() + self.unmatched.len()
    }

    /// The grades, one at a time, in the roster's order.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn grades(&mut self) -> impl Iterator<Item = Result<Grade, String>> {
        let Self { rules, store, rubric, threads, tried, .. } = self;
        let mut students = 0..rules.roster.students().len();
        let (mut reports, mut ahead) = (Some(Ahead::start(store, rubric, *threads)), VecDeque::new());
        iter::from_fn(move || {
            let reports = match reports.take()? {
                Ok(started) => reports.insert(Ok(started)).as_ref().ok()?,
                Err(error) => return Some(Err(error)),
            };
            while ahead.len() < AHEAD
                && let Some(student) = students.next()
            {
                let (grade, shown) = settle(rules, student, tried.remove(&student).unwrap_or_default());
                ahead.push_back((grade, shown.map(|bundle| reports.ask(bundle))));
            }
            let (mut grade, coming) = ahead.pop_front()?;
            match coming.map_or(Ok(None), Coming::wait) {
                Ok(report) => grade.report = report,
                Err(error) => return Some(Err(error)),
            }
            Some(Ok(grade))
        })
    }
}

/// What was found, by whose it is.
#[derive(Default)]
struct Found {
    /// By place in the roster.
    tried: BTreeMap<usize, Vec<Tried>>,
    unmatched: Vec<Unmatched>,
}

impl Found {
    fn add(&mut self, one: Result<(usize, Tried), Unmatched>) {
        match one {
            // Nearly everybody hands in one thing, and a vector that grows makes room for four.
            Ok((student, tried)) => {
                let all = self.tried.entry(student).or_default();
                all.reserve_exact(1);
                all.push(tried);
            }
            Err(unmatched) => self.unmatched.push(unmatched),
        }
    }
}

/// What one thread has judged and the store has not yet.
struct Fresh {
    packer: Packer,
    packed: Vec<Packed>,
}

/// What the threads share.
struct Work<'a> {
    batch: &'a Batch<'a>,
    store: &'a dyn Store,
    known: &'a HashMap<String, Arc<Brief>>,
    in_hand: &'a Arc<InHand>,
    rules: &'a Rules<'a>,
    /// Held by whoever judges a large submission.
    large: Mutex<()>,
    total: usize,
    done: AtomicUsize,
    judged: AtomicUsize,
}

impl Work<'_> {
    fn all(&self, files: Vec<PathBuf>) -> Result<Found, String> {
        let threads = self.batch.threads.max(1);
        let queue = Queue::new(files, self.batch.paths, Hand::of(self.in_hand, threads));
        let found = Mutex::new(Found::default());
        thread::scope(|scope| {
            let threads = (0..threads).map(|thread| {
                let (queue, found) = (&queue, &found);
                let work = move || self.some(&Hand::of(self.in_hand, thread), queue, found);
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

    /// What one thread does: takes what is next until there is nothing.
    fn some(&self, hand: &Hand, queue: &Queue, found: &Mutex<Found>) -> Result<(), String> {
        let mut fresh = Fresh { packer: Packer::new()?, packed: Vec::new() };
        while let Some(given) = queue.next()? {
            let entries = self.one(hand, given, &mut fresh)?;
            if fresh.packed.len() >= KEPT_AT_ONCE {
                self.store.keep(self.batch.rubric.digest(), &fresh.packed)?;
                fresh.packed.clear();
            }
            let done = self.done.fetch_add(entries.len(), Ordering::Relaxed) + entries.len();
            (self.batch.progress)(done, self.total.max(done));
            for entry in entries {
                let one = match entry.student(self.rules.roster) {
                    Ok(student) => Ok((student, Tried::of(self.rules, student, entry))),
                    Err(why) => Err(Unmatched { place: entry.place, why }),
                };
                found.lock().map_err(|_| "a thread that judges broke".to_owned())?.add(one);
            }
        }
        self.store.keep(self.batch.rubric.digest(), &fresh.packed)
    }

    /// One thing that was handed in, once for everyone who did; nothing where it
    /// is an archive, whose members are given out instead, or of another share.
    fn one(&self, hand: &Hand, given: Given<'_>, fresh: &mut Fresh) -> Result<Vec<Entry>, String> {
        let (bytes, places, file) = match given {
            Given::Item(Item { place, .. }) if !self.ours(&place) => {
                self.done.fetch_add(1, Ordering::Relaxed);
                return Ok(Vec::new());
            }
            Given::Item(Item { place, hint, content }) => (content.bytes(), vec![(place, hint)], None),
            Given::File(file) => {
                let places = file.places();
                if !places.iter().any(|(place, _)| self.ours(place)) {
                    self.others(hand, file)?;
                    self.done.fetch_add(places.len(), Ordering::Relaxed);
                    return Ok(Vec::new());
                }
                (file.bytes(), places, Some(file))
            }
        };
        let bytes = match bytes {
            Ok(bytes) => bytes,
            // What lies there cannot be had: it is nobody's bytes, so it has no hash.
            Err(why) => {
                let unreadable = |(place, hint)| Entry::unreadable(place, hint, why.clone());
                return Ok(places.into_iter().map(unreadable).collect());
            }
        };
        let digest = Sha256::digest(&bytes);
        let sha256 = lab_bundle::hex(&digest);
        let brief = match self.known.get(&sha256) {
            Some(brief) => Arc::clone(brief),
            None => match self.judged(hand, &sha256, bytes, file, fresh)? {
                Some(brief) => brief,
                None => return Ok(Vec::new()),
            },
        };
        let entry =
            |(place, hint)| Entry { place, hint, sha256: Some(digest.into()), brief: Arc::clone(&brief) };
        Ok(places.into_iter().map(entry).collect())
    }

    /// Whether what lies there is of the share that is judged.
    fn ours(&self, place: &str) -> bool {
        self.batch.shard.is_none_or(|shard| shard.has(place))
    }

    /// A file of another share: looked at only because it may be an archive,
    /// of which some is ours.
    fn others(&self, hand: &Hand, file: Unseen<'_>) -> Result<(), String> {
        // Whoever judges it says why it cannot be had.
        let Ok(bytes) = file.bytes() else { return Ok(()) };
        let held = hand.take(&lab_bundle::hex(&Sha256::digest(&bytes)))?;
        if let Held::Broken = held {
            return Ok(());
        }
        let archive = file.archive(&bytes).filter(|_| submission::read_up_to(&bytes, ORDINARY).is_err());
        hand.put_away(held)?;
        archive.map_or(Ok(()), |archive| file.open(archive))
    }

    /// The short of a submission that nobody has judged; `None` where it is an
    /// archive.
    fn judged(
        &self,
        hand: &Hand,
        sha256: &str,
        bytes: Vec<u8>,
        file: Option<Unseen<'_>>,
        fresh: &mut Fresh,
    ) -> Result<Option<Arc<Brief>>, String> {
        let held = hand.take(sha256)?;
        if let Held::Broken = held {
            self.judged.fetch_add(1, Ordering::Relaxed);
            return Ok(Some(Arc::new(Judged::broken().brief)));
        }
        let judged = match submission::read_up_to(&bytes, ORDINARY).transpose() {
            Some(Err(_)) if let Some(archive) = file.as_ref().and_then(|file| file.archive(&bytes)) => {
                hand.put_away(held)?;
                file.map_or(Ok(()), |file| file.open(archive))?;
                return Ok(None);
            }
            Some(read) => {
                drop((bytes, file));
                self.judge(read)
            }
            None => {
                drop(file);
                self.large(bytes)?
            }
        };
        hand.put_away(held)?;
        fresh.packed.push(fresh.packer.pack(sha256, &judged)?);
        self.judged.fetch_add(1, Ordering::Relaxed);
        Ok(Some(Arc::new(judged.brief)))
    }

    fn judge(&self, read: Result<Submission, Fault>) -> Judged {
        let unmet = |evidence: &_| self.batch.judge.unmet(evidence);
        Judged::of(read, self.batch.rubric, &unmet, self.batch.judging)
    }

    /// Judges a large submission when no other one is. It does so on a thread of
    /// its own, one after the other: allocators keep what a thread once had, and
    /// give it to the next thread instead of taking more.
    fn large(&self, bytes: Vec<u8>) -> Result<Judged, String> {
        let broke = "a thread that judges broke";
        let _turn = self.large.lock().map_err(|_| broke.to_owned())?;
        thread::scope(|scope| {
            let judge = move || self.judge(submission::read(&bytes));
            let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, judge);
            let thread = thread.map_err(|error| format!("cannot start a thread: {error}"))?;
            Ok(thread.join().unwrap_or_else(|broken| resume_unwind(broken)))
        })
    }
}
