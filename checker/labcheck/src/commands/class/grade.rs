//! `labcheck grade`: a class from what was handed in.

use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Instant,
};

use lab_bulk::{
    Course, Standing,
    batch::{Batch, Class},
    outputs::{self, Kind, Output, Setting},
    requests::{self, Requests},
    shard::Shard,
    supervise,
};

use super::{rules::RulesArgs, store, worker};
use crate::{
    failure::Failure,
    labs::{self, Library},
    progress::{Progress, Step},
};

/// Arguments of `labcheck grade`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    rules: RulesArgs,
    /// Directory of the grades and of the journal; a run that was stopped goes
    /// on there. Where `LABCHECK_STORE` names a PostgreSQL database, that is
    /// the journal
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What is written, besides the journal
    #[arg(long, value_name = "KINDS", value_delimiter = ',', default_value = "csv,json", value_parser = kind)]
    write: Vec<Kind>,
    /// Students who ask to be graded again: `student`, `check`, `reason`,
    /// `received`; what was answered stands in `answers.csv` of `--out`
    #[arg(long, value_name = "FILE")]
    requests: Option<PathBuf>,
    /// Number of the assignment in Canvas, for `--write canvas`; without it
    /// Canvas makes a new assignment
    #[arg(long, value_name = "ID")]
    canvas_assignment: Option<u64>,
    /// Judges one of N shares, numbered from 0, into the store that
    /// `LABCHECK_STORE` names, and writes no grades; without it the shares are
    /// put together
    #[arg(long, value_name = "I/N", conflicts_with_all = ["write", "canvas_assignment", "requests"])]
    shard: Option<Shard>,
}

/// Grades the class; 0 if everyone has a score, 3 if somebody who handed
/// something in has none.
///
/// # Errors
/// Files that are not what they should be, or an output directory that cannot
/// be used. Never a submission.
pub fn run(args: &Args, library: &Library, progress: Progress) -> Result<u8, Failure> {
    if worker::place()?.is_some() {
        return work(args, library, progress);
    }
    let address = store::address()?;
    if let (Some(shard), None) = (args.shard, &address) {
        return Err(Failure::usage(format!("`--shard {shard}` needs a store that all shards share"))
            .next(format!("set {}", store::NAMES)));
    }
    let _lock = lock(&args.out)?;
    worker::supervise(&args.out)
}

fn work(args: &Args, library: &Library, progress: Progress) -> Result<u8, Failure> {
    let (rubric, file) = args.rules.rubric(library)?;
    let judge = rubric.judge(&file).map_err(|problems| labs::broken(&problems))?;
    let roster = super::roster(&args.rules.roster)?;
    let rules = args.rules.rules(&roster, rubric.points(), &args.out)?;
    let requests = match &args.requests {
        Some(path) => Requests::read(&path.display().to_string(), &super::read(path)?, &roster)
            .and_then(|requests| requests.answered(&args.out))
            .map_err(Failure::usage)?,
        None => Requests::default(),
    };
    let step = progress.step(&format!("grading {}", rubric.lab().id));
    let told = told(&step);
    let store = store::open(&args.out, &rubric.lab().id)?;
    let batch = Batch {
        rubric: &rubric,
        judge: &judge,
        judging: &|evidence| rubric.report(&judge, evidence),
        reading: |_| {},
        paths: &args.rules.paths,
        shard: args.shard,
        out: &args.out,
        threads: args.rules.threads(),
        progress: &told,
    };
    let mut class = batch.run(store, &rules).map_err(Failure::unobservable)?;
    drop(told);
    if let Some(shard) = args.shard {
        step.done(&format!("{} judged anew", class.judged));
        return shard_told(shard, &class);
    }
    let course = Course { canvas_assignment: args.canvas_assignment, ..rubric.course() };
    let cannot = |error: io::Error| unwritable(&args.out, &error);
    let setting = Setting { course: &course, roster: &roster };
    let mut outputs: Vec<Box<dyn Output>> = Vec::new();
    let mut kinds: BTreeSet<_> = args.write.iter().copied().collect();
    kinds.extend(args.requests.as_ref().map(|_| Kind::Requests));
    for kind in kinds {
        outputs.push(kind.begin(&args.out, &setting).map_err(cannot)?);
    }
    let mut tally = Tally::default();
    for grade in class.grades() {
        let mut grade = grade.map_err(Failure::unobservable)?;
        let asked = requests.of(&roster, &grade.student);
        requests::put(&mut grade, asked);
        tally.add(&grade.standing, !grade.flags.is_empty());
        for output in &mut outputs {
            output.add(&grade).map_err(cannot)?;
        }
    }
    let mut notes = requests.notes.clone();
    for output in outputs {
        notes.extend(output.finish(&class.unmatched).map_err(cannot)?);
    }
    step.done(&format!("{} judged anew", class.judged));
    for note in notes {
        anstream::eprintln!("note: {note}");
    }
    tell(&tally, class.unmatched.len(), requests.open(), &args.out)?;
    Ok(if tally.unknown + tally.ungradable + class.unmatched.len() > 0 { 3 } else { 0 })
}

/// That nothing can be written there, and what to do about it.
fn unwritable(out: &Path, error: &io::Error) -> Failure {
    let failure = Failure::unobservable(format!("cannot write to `{}`: {error}", out.display()));
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            failure.next("make it writable, or choose another `--out`")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            failure.next("what was judged is in the journal; make room and run the same command again")
        }
        _ => failure,
    }
}

/// Says what a share came to: 0, for whoever has no score is told of when the
/// shares are put together.
fn shard_told(shard: Shard, class: &Class<'_>) -> Result<u8, Failure> {
    let found = class.submissions();
    crate::output::write(&format!(
        "shard {shard} has {found} submissions, and all of them are in the store\nwhen every shard has ended, the same command without `--shard` writes the grades\n"
    ))?;
    Ok(0)
}

/// Only one labcheck at a time writes to a directory.
fn lock(out: &Path) -> Result<File, Failure> {
    let shown = out.display();
    let cannot = |error: io::Error| unwritable(out, &error);
    fs::create_dir_all(out).map_err(cannot)?;
    let file = File::create(out.join(".lock")).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => {
            supervise::begin(out).and_then(|()| outputs::sweep(out)).map_err(cannot)?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            Err(Failure::usage(format!("another labcheck is grading into `{shown}`"))
                .next("wait for it, or choose another `--out`"))
        }
        Err(TryLockError::Error(error)) => Err(cannot(error)),
    }
}

/// Tells a step how far a batch is.
pub(super) fn told(step: &Step) -> impl Fn(usize, usize) + Sync {
    let begun = Instant::now();
    move |done, total| {
        if done.is_multiple_of(16) || done == total {
            step.note(&pace(done, total, begun.elapsed().as_secs_f64()));
        }
    }
}

fn pace(done: usize, total: usize, seconds: f64) -> String {
    // Counts of files: far below what a float holds exactly.
    #[expect(clippy::cast_precision_loss, reason = "counts of files")]
    let (rate, left) = (done as f64 / seconds.max(0.001), (total - done) as f64);
    format!("{done} of {total}, {rate:.0} a second, {:.0} s left", left / rate.max(0.001))
}

#[derive(Default)]
struct Tally {
    graded: usize,
    unknown: usize,
    ungradable: usize,
    missing: usize,
    flagged: usize,
}

impl Tally {
    fn add(&mut self, standing: &Standing, flagged: bool) {
        match standing {
            Standing::Graded => self.graded += 1,
            Standing::Unknown { .. } => self.unknown += 1,
            Standing::Ungradable { .. } => self.ungradable += 1,
            Standing::Missing => self.missing += 1,
        }
        self.flagged += usize::from(flagged);
    }
}

fn tell(tally: &Tally, unmatched: usize, asked: usize, out: &Path) -> Result<(), Failure> {
    let Tally { graded, unknown, ungradable, missing, flagged } = tally;
    let mut text = format!(
        "{graded} graded, {unknown} unknown, {ungradable} ungradable, {missing} missing, {unmatched} files of nobody\n"
    );
    if *flagged > 0 {
        text.push_str(&format!("{flagged} with something you should look at\n"));
    }
    if asked > 0 {
        text.push_str(&format!("{asked} open requests for a regrade\n"));
    }
    text.push_str(&format!("grades are in `{}`\n", out.display()));
    crate::output::write(&text)
}

fn kind(word: &str) -> Result<Kind, String> {
    let known = || Kind::ALL.map(|(word, _)| format!("`{word}`")).join(", ");
    let found = Kind::ALL.iter().find(|(name, _)| *name == word);
    found.map(|(_, kind)| *kind).ok_or_else(|| format!("expected one of {}", known()))
}
