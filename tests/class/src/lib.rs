//! Makes a class for tests: a roster, what everyone handed in, and the grades
//! that must come out.
//!
//! Submissions are made of recorded evidence, so they are as large and as
//! uneven as real ones. Every student has a cluster, UIDs, a nonce and a key of
//! his own. What a submission must score stands beside the evidence it was made
//! of, in the report that the replay tests hold.

mod recorded;
mod vary;

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use anyhow::Context as _;
use fastrand::Rng;
use lab_bulk::assignment::{COLUMNS, Token};
use lab_bundle::submission::Key;

pub use recorded::Recorded;
pub use vary::{slowed, with_nonce};

/// What the nonces of a made class follow from.
const SECRET: &[u8] = b"a class that was made for tests";

/// A class to be made.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Directory of labs.
    pub labs: PathBuf,
    /// The lab, as in `lab08`.
    pub lab: String,
    /// How many students are in it.
    pub students: usize,
    /// Another seed gives another class.
    pub seed: u64,
    /// Whether all hand in something whole; otherwise one in ten does not.
    pub honest: bool,
}

/// What a student did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Handed in a submission.
    Whole,
    /// Handed in nothing.
    Missing,
    /// The file was cut off on its way.
    CutOff,
    /// The file was changed on its way.
    Changed,
    /// Handed in something else.
    NoSubmission,
    /// Handed in a submission of another lab.
    OtherLab,
}

const BROKEN: [Fate; 5] = [Fate::Missing, Fate::CutOff, Fate::Changed, Fate::NoSubmission, Fate::OtherLab];

/// One student of a made class.
struct Made {
    id: String,
    fate: Fate,
    /// Which of the recorded states it is.
    state: usize,
}

impl Plan {
    /// Writes `roster.csv`, `assignment.csv`, `key.csv` and `submissions/` into
    /// a directory that is made. The key has the columns `student`, `standing`
    /// and `score`.
    ///
    /// # Errors
    /// Labs that cannot be read, or a directory that cannot be written.
    pub fn write(&self, to: &Path) -> anyhow::Result<()> {
        let recorded = Recorded::of(&self.labs, &self.lab)?;
        let other = Recorded::of(&self.labs, if self.lab == "lab01" { "lab06" } else { "lab01" })?;
        let folder = to.join("submissions");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        let students = self.students(&recorded);
        self.tables(to, &students, &recorded)?;
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let part = students.len().div_ceil(threads).max(1);
        thread::scope(|scope| {
            let parts: Vec<_> = students.chunks(part).collect();
            let work = parts.into_iter().map(|part| {
                scope.spawn(|| {
                    part.iter().try_for_each(|made| self.submission(&folder, made, &recorded, &other))
                })
            });
            let work: Vec<_> = work.collect();
            work.into_iter().try_for_each(|part| part.join().expect("a thread of the generator broke"))
        })
    }

    fn students(&self, recorded: &[Recorded]) -> Vec<Made> {
        let mut rng = Rng::with_seed(self.seed);
        let student = |at| {
            let broken = !self.honest && rng.u8(..10) == 0;
            let fate = if broken { BROKEN[rng.usize(..BROKEN.len())] } else { Fate::Whole };
            Made { id: format!("s{at:06}"), fate, state: rng.usize(..recorded.len()) }
        };
        (1..=self.students).map(student).collect()
    }

    fn tables(&self, to: &Path, students: &[Made], recorded: &[Recorded]) -> anyhow::Result<()> {
        let mut roster = csv::Writer::from_path(to.join("roster.csv"))?;
        roster.write_record(["id", "name", "email"])?;
        let mut assignment = csv::Writer::from_path(to.join("assignment.csv"))?;
        assignment.write_record(COLUMNS)?;
        let mut key = csv::Writer::from_path(to.join("key.csv"))?;
        key.write_record(["student", "standing", "score"])?;
        for Made { id, fate, state } in students {
            roster.write_record([id, &format!("Student {id}"), &format!("{id}@example.org")])?;
            let token = self.token(id);
            let text = token.text().map_err(anyhow::Error::msg)?;
            let seed = token.params.seed.to_string();
            assignment.write_record([id, &token.params.nonce, &seed, "", &text])?;
            let state = &recorded[*state];
            let (standing, score) = match (fate, &state.score) {
                (Fate::Missing, _) => ("missing", ""),
                (Fate::Whole, Some(score)) => ("graded", score.as_str()),
                (Fate::Whole, None) => ("unknown", ""),
                _ => ("ungradable", ""),
            };
            key.write_record([id, standing, score])?;
        }
        for table in [&mut roster, &mut assignment, &mut key] {
            table.flush()?;
        }
        Ok(())
    }

    fn token(&self, student: &str) -> Token {
        Token::new(SECRET, &self.lab, student, None)
    }

    fn submission(
        &self,
        folder: &Path,
        made: &Made,
        recorded: &[Recorded],
        other: &[Recorded],
    ) -> anyhow::Result<()> {
        let Made { id, fate, state } = made;
        let state = match fate {
            Fate::OtherLab => &other[state % other.len()],
            _ => &recorded[*state],
        };
        let mut bytes = vary::submission(&state.evidence, &self.token(id), id, &key(id))?;
        let middle = bytes.len() / 2;
        match fate {
            Fate::Missing => return Ok(()),
            Fate::CutOff => bytes.truncate(middle),
            Fate::Changed => bytes[middle] ^= 0x10,
            Fate::NoSubmission => bytes = b"%PDF-1.7 my report".to_vec(),
            Fate::Whole | Fate::OtherLab => {}
        }
        let path = folder.join(format!("{id}.tar.zst"));
        fs::write(&path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
    }
}

/// A student's key.
fn key(student: &str) -> Key {
    use sha2::Digest as _;
    Key::from_secret(&sha2::Sha256::digest(student).into())
}
