//! What `grade` and `regrade` have in common: what was handed in, and how it is
//! graded.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    thread,
};

use jiff::Timestamp;
use lab_bulk::{
    Roster, Rubric, assignment, decisions,
    desk::DECISIONS,
    late::Policy,
    settle::{Attempts, Rules},
    times,
};

use crate::{failure::Failure, labs::Library};

/// Arguments that say what is graded and how.
#[derive(clap::Args, Debug)]
pub struct RulesArgs {
    /// Submissions, archives of them, or directories with either
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Lab, as in lab08
    #[arg(long)]
    pub lab: String,
    /// Everyone in the class: a table with a column `id`
    #[arg(long, value_name = "FILE")]
    pub roster: PathBuf,
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

impl RulesArgs {
    /// What is judged by, and the file that names it in errors.
    ///
    /// # Errors
    /// An unknown lab, or an overlay that is none.
    pub fn rubric(&self, library: &Library) -> Result<(Rubric, String), Failure> {
        let rubric = super::rubric(library, &self.lab, self.rubric.as_deref())?;
        let overlay = self.rubric.as_ref().map(|path| path.display().to_string());
        let file = overlay.unwrap_or_else(|| rubric.lab().id.clone());
        Ok((rubric, file))
    }

    /// How the class is graded; teachers' decisions may lie in `grades`.
    ///
    /// # Errors
    /// Files that are not what they should be, or times that contradict each
    /// other.
    pub fn rules<'r>(&self, roster: &'r Roster, points: u32, grades: &Path) -> Result<Rules<'r>, Failure> {
        let name = |path: &Path| path.display().to_string();
        let received = match &self.received {
            Some(path) => times::received(&name(path), &super::read(path)?).map_err(Failure::usage)?,
            None => BTreeMap::new(),
        };
        let assigned = match &self.assignment {
            Some(path) => {
                assignment::read(&name(path), &super::read(path)?, roster).map_err(Failure::usage)?
            }
            None => BTreeMap::new(),
        };
        // What was decided at the desk holds until somebody says otherwise.
        let own = Some(grades.join(DECISIONS)).filter(|path| path.exists());
        let decisions = match self.decisions.as_ref().or(own.as_ref()) {
            Some(path) => {
                decisions::read(&name(path), &super::read(path)?, roster).map_err(Failure::usage)?
            }
            None => BTreeMap::new(),
        };
        let policy = Policy {
            deadline: self.deadline,
            per_day: self.late_per_day * 100,
            grace_days: self.grace_days,
            cut_off: self.cut_off,
        };
        if let (Some(deadline), Some(cut_off)) = (policy.deadline, policy.cut_off)
            && cut_off < deadline
        {
            return Err(Failure::usage(format!("`--cut-off {cut_off}` is before `--deadline {deadline}`")));
        }
        if policy.deadline.is_none()
            && (self.late_per_day > 0 || self.cut_off.is_some())
            && assigned.is_empty()
        {
            return Err(Failure::usage("`--late-per-day` and `--cut-off` need a `--deadline`"));
        }
        let attempts = match self.attempts {
            Counting::Best => Attempts::Best,
            Counting::Last => Attempts::Last,
            Counting::Average => Attempts::Average,
        };
        Ok(Rules { roster, points, policy, attempts, received, assigned, decisions })
    }

    /// Threads that judge.
    pub fn threads(&self) -> usize {
        self.threads.map_or_else(cores, usize::from)
    }
}

/// One thread per core.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
