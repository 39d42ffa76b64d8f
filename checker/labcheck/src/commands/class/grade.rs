//! `labcheck grade`: a class from what was handed in.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fs::{self, File, TryLockError},
    io,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Instant,
};

use jiff::Timestamp;
use lab_bulk::{
    Roster, Standing, assignment,
    batch::Batch,
    decisions,
    desk::DECISIONS,
    late::Policy,
    outputs::{self, Kind, Output, Setting},
    settle::{Attempts, Rules},
    supervise, times,
};

use crate::{
    failure::Failure,
    labs::{self, Library},
    progress::Progress,
};

/// Arguments of `labcheck grade`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Submissions, archives of them, or directories with either
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Lab, as in lab08
    #[arg(long)]
    lab: String,
    /// Everyone in the class: a table with a column `id`
    #[arg(long, value_name = "FILE")]
    roster: PathBuf,
    /// Directory of the grades and of the journal; a run that was stopped goes
    /// on there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Overlay of points, bonus and hidden tasks
    #[arg(long, value_name = "FILE")]
    rubric: Option<PathBuf>,
    /// What `labcheck assign` wrote
    #[arg(long, value_name = "FILE")]
    assignment: Option<PathBuf>,
    /// When what was received: a table with `received` and one of `sha256`,
    /// `file`, `student`
    #[arg(long, value_name = "FILE")]
    received: Option<PathBuf>,
    /// Scores set by teachers: `student`, `score`, `reason`, `author` [default:
    /// those set by `labcheck serve --grades`]
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,
    /// Until when nothing is taken off, as in 2026-12-01T23:59:00+01:00
    #[arg(long, value_name = "TIME", value_parser = super::time)]
    deadline: Option<Timestamp>,
    /// Percent taken off for each day begun after the deadline
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    late_per_day: u32,
    /// Days begun after the deadline that cost nothing
    #[arg(long, value_name = "DAYS", default_value_t = 0)]
    grace_days: u32,
    /// From when on nothing is earned any more
    #[arg(long, value_name = "TIME", value_parser = super::time)]
    cut_off: Option<Timestamp>,
    /// Which of several attempts counts
    #[arg(long, value_enum, default_value_t = Counting::Best)]
    attempts: Counting,
    /// What is written, besides the journal
    #[arg(long, value_name = "KINDS", value_delimiter = ',', default_value = "csv,json", value_parser = kind)]
    write: Vec<Kind>,
    /// Number of the assignment in Canvas, for `--write canvas`; without it
    /// Canvas makes a new assignment
    #[arg(long, value_name = "ID")]
    canvas_assignment: Option<u64>,
    /// Threads that judge [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

/// Which of several attempts counts.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Counting {
    /// The one with the highest score
    Best,
    /// The one received last
    Last,
    /// The mean of all that have a score
    Average,
}

/// Grades the class; 0 if everyone has a score, 3 if somebody who handed
/// something in has none.
///
/// # Errors
/// Files that are not what they should be, or an output directory that cannot
/// be used. Never a submission.
pub fn run(args: &Args, library: &Library, progress: Progress) -> Result<u8, Failure> {
    if env::var_os(WORKER).is_some() {
        supervise::die_with_supervisor().map_err(|error| {
            Failure::unobservable(format!("cannot follow the process that began this: {error}"))
        })?;
        return work(args, library, progress);
    }
    let _lock = lock(&args.out)?;
    let program = env::current_exe()
        .map_err(|error| Failure::unobservable(format!("cannot find labcheck's own program: {error}")))?;
    let worker = || {
        let mut command = Command::new(&program);
        command.args(env::args_os().skip(1)).env(WORKER, "1");
        command
    };
    let ended = supervise::supervise(&args.out, worker).map_err(Failure::unobservable)?;
    let code = ended.code().or_else(|| ended.signal().map(|signal| 128 + signal));
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}

/// Says to a process of ours that it is the one that judges.
const WORKER: &str = "LABCHECK_GRADE_WORKER";

fn work(args: &Args, library: &Library, progress: Progress) -> Result<u8, Failure> {
    let rubric = super::rubric(library, &args.lab, args.rubric.as_deref())?;
    let file =
        args.rubric.as_ref().map_or_else(|| rubric.lab().id.clone(), |path| path.display().to_string());
    let judge = rubric.judge(&file).map_err(|problems| labs::broken(&problems))?;
    let roster = super::roster(&args.roster)?;
    let rules = rules(args, &roster, rubric.points())?;
    let threads = args.threads.map_or_else(cores, usize::from);
    let step = progress.step(&format!("grading {}", rubric.lab().id));
    let begun = Instant::now();
    let batch = Batch {
        rubric: &rubric,
        judge: &judge,
        judging: &|evidence| rubric.report(&judge, evidence),
        paths: &args.paths,
        out: &args.out,
        threads,
        progress: &|done, total| {
            if done.is_multiple_of(16) || done == total {
                step.note(&pace(done, total, begun.elapsed().as_secs_f64()));
            }
        },
    };
    let mut class = batch.run(&rules).map_err(Failure::unobservable)?;
    let course = rubric.course();
    let cannot = |error: io::Error| {
        Failure::unobservable(format!("cannot write to `{}`: {error}", args.out.display()))
            .next("what was judged is in the journal; make room and run the same command again")
    };
    let setting = Setting { course: &course, roster: &roster, canvas_assignment: args.canvas_assignment };
    let mut outputs: Vec<Box<dyn Output>> = Vec::new();
    for kind in args.write.iter().collect::<BTreeSet<_>>() {
        outputs.push(kind.begin(&args.out, &setting).map_err(cannot)?);
    }
    let mut tally = Tally::default();
    for grade in class.grades() {
        let grade = grade.map_err(Failure::unobservable)?;
        tally.add(&grade.standing, !grade.flags.is_empty());
        for output in &mut outputs {
            output.add(&grade).map_err(cannot)?;
        }
    }
    let mut notes = Vec::new();
    for output in outputs {
        notes.extend(output.finish(&class.unmatched).map_err(cannot)?);
    }
    step.done(&format!("{} judged anew", class.judged));
    for note in notes {
        anstream::eprintln!("note: {note}");
    }
    tell(&tally, class.unmatched.len(), &args.out)?;
    Ok(if tally.unknown + tally.ungradable + class.unmatched.len() > 0 { 3 } else { 0 })
}

fn rules<'r>(args: &Args, roster: &'r Roster, points: u32) -> Result<Rules<'r>, Failure> {
    let name = |path: &Path| path.display().to_string();
    let received = match &args.received {
        Some(path) => times::received(&name(path), &super::read(path)?).map_err(Failure::usage)?,
        None => BTreeMap::new(),
    };
    let assigned = match &args.assignment {
        Some(path) => assignment::read(&name(path), &super::read(path)?, roster).map_err(Failure::usage)?,
        None => BTreeMap::new(),
    };
    // What was decided at the desk holds until somebody says otherwise.
    let own = Some(args.out.join(DECISIONS)).filter(|path| path.exists());
    let decisions = match args.decisions.as_ref().or(own.as_ref()) {
        Some(path) => decisions::read(&name(path), &super::read(path)?, roster).map_err(Failure::usage)?,
        None => BTreeMap::new(),
    };
    let policy = Policy {
        deadline: args.deadline,
        per_day: args.late_per_day * 100,
        grace_days: args.grace_days,
        cut_off: args.cut_off,
    };
    if let (Some(deadline), Some(cut_off)) = (policy.deadline, policy.cut_off)
        && cut_off < deadline
    {
        return Err(Failure::usage(format!("`--cut-off {cut_off}` is before `--deadline {deadline}`")));
    }
    if policy.deadline.is_none() && (args.late_per_day > 0 || args.cut_off.is_some()) && assigned.is_empty() {
        return Err(Failure::usage("`--late-per-day` and `--cut-off` need a `--deadline`"));
    }
    let attempts = match args.attempts {
        Counting::Best => Attempts::Best,
        Counting::Last => Attempts::Last,
        Counting::Average => Attempts::Average,
    };
    Ok(Rules { roster, points, policy, attempts, received, assigned, decisions })
}

/// Only one labcheck at a time writes to a directory.
fn lock(out: &Path) -> Result<File, Failure> {
    let shown = out.display();
    let cannot = |error: io::Error| Failure::unobservable(format!("cannot write to `{shown}`: {error}"));
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

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
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

fn tell(tally: &Tally, unmatched: usize, out: &Path) -> Result<(), Failure> {
    let Tally { graded, unknown, ungradable, missing, flagged } = tally;
    let mut text = format!(
        "{graded} graded, {unknown} unknown, {ungradable} ungradable, {missing} missing, {unmatched} files of nobody\n"
    );
    if *flagged > 0 {
        text.push_str(&format!("{flagged} with something you should look at\n"));
    }
    text.push_str(&format!("grades are in `{}`\n", out.display()));
    crate::output::write(&text)
}

fn kind(word: &str) -> Result<Kind, String> {
    let known = || Kind::ALL.map(|(word, _)| format!("`{word}`")).join(", ");
    let found = Kind::ALL.iter().find(|(name, _)| *name == word);
    found.map(|(_, kind)| *kind).ok_or_else(|| format!("expected one of {}", known()))
}
