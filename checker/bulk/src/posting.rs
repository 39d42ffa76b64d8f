//! Scores on their way into a platform's grade book: what is to be posted, and
//! the record of what was.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    desk::read::Grades,
    grade::Standing,
    outputs::lti::{Score, Users},
    roster::Student,
};

/// Name of the record in an output directory.
pub const RECORD: &str = "lti-posted.jsonl";
/// Bytes of a record that are read: a class of 100,000 that was posted often.
const MAX_RECORD: u64 = 1 << 30;

/// A class's scores, with the decisions that were made at the desk.
pub struct Scores {
    grades: Grades,
    users: Users,
    at: usize,
}

/// One student's part of what is to be posted.
pub struct Due {
    /// Whose it is.
    pub student: Student,
    /// The score, or why nothing may be posted.
    pub score: Result<Score, Held>,
}

/// Why nothing is posted for a student.
pub enum Held {
    /// There is no score: posting one would be a zero, posting none would clear
    /// what stands in the grade book. The user id, where there is one.
    Unscored(Standing, Option<String>),
    /// The platform's name of the student is not known.
    Nameless(String),
}

impl Scores {
    /// Opens the grades in `dir`.
    ///
    /// # Errors
    /// Grades that are not there, or cannot be read.
    pub fn open(dir: &Path) -> Result<Self, String> {
        let grades = Grades::open(dir)?;
        let users = Users::of(&grades.roster());
        Ok(Self { grades, users, at: 0 })
    }

    /// The lab that was graded.
    pub fn lab(&self) -> &str {
        &self.grades.course.lab
    }
}

impl Iterator for Scores {
    type Item = Result<Due, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let grade = self.grades.grade(self.at).transpose()?;
        self.at += 1;
        Some(grade.map(|grade| {
            let user = self.users.id(&grade.student);
            let score = match (grade.score, user) {
                (None, user) => Err(Held::Unscored(grade.standing.clone(), user.ok().map(str::to_owned))),
                (Some(_), Err(why)) => Err(Held::Nameless(why)),
                (Some(_), Ok(user)) => Score::of(&grade, &self.grades.course, user)
                    .ok_or_else(|| Held::Unscored(grade.standing.clone(), Some(user.to_owned()))),
            };
            Due { student: grade.student, score }
        }))
    }
}

/// What was posted to a line item, and when.
pub struct Posted {
    path: PathBuf,
    line_item: String,
    known: HashMap<String, Known>,
}

/// The same, to be gone on with. Every line is written before what follows from
/// it is done, so that a run that was killed can be repeated.
pub struct Record {
    /// What it says so far.
    pub posted: Posted,
    file: File,
}

/// What is known of one user's score.
struct Known {
    /// The newest time that was sent, whether it arrived or not.
    last: Timestamp,
    /// Digest of the score that is in the grade book; `None` where the last one
    /// that was sent was not answered.
    posted: Option<String>,
    /// Whether any has arrived.
    ever: bool,
}

/// One line of the record.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    line_item: String,
    user_id: String,
    timestamp: Timestamp,
    /// SHA-256 of the score without its time, hex.
    score: String,
    state: State,
}

#[derive(Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
enum State {
    /// It is about to be sent.
    Sending,
    /// The platform has it.
    Posted,
}

impl Posted {
    /// Reads the record in `dir`, if there is one.
    ///
    /// # Errors
    /// A record that cannot be read.
    pub fn read(dir: &Path, line_item: &str) -> Result<Self, String> {
        let mut posted = Self::none(dir, line_item);
        match File::open(&posted.path) {
            Ok(file) => posted.lines(&file).map(|_| posted),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(posted),
            Err(error) => Err(format!("cannot read `{}`: {error}", posted.path.display())),
        }
    }

    fn none(dir: &Path, line_item: &str) -> Self {
        Self { path: dir.join(RECORD), line_item: line_item.to_owned(), known: HashMap::new() }
    }

    /// Whether the platform has this score already.
    pub fn has(&self, score: &Score) -> bool {
        let posted = self.known.get(score.user_id()).and_then(|known| known.posted.as_deref());
        posted.is_some_and(|posted| posted == digest(score))
    }

    /// Whether the platform has any score of this user's.
    pub fn any(&self, user_id: &str) -> bool {
        self.known.get(user_id).is_some_and(|known| known.ever)
    }

    /// The time to post a score with: now, or just after the newest that was
    /// ever sent for this user, because platforms pass over older ones.
    pub fn time(&self, score: &Score, now: Timestamp) -> Timestamp {
        // As it is written: of two times in one millisecond none is newer.
        let now = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        let after = |known: &Known| known.last.checked_add(SignedDuration::from_millis(1)).ok();
        self.known.get(score.user_id()).and_then(after).map_or(now, |after| after.max(now))
    }

    /// Takes in every whole line; the bytes they have.
    fn lines(&mut self, file: &File) -> Result<u64, String> {
        let shown = self.path.display().to_string();
        let mut text = Vec::new();
        let read = file.take(MAX_RECORD + 1).read_to_end(&mut text);
        read.map_err(|error| format!("cannot read `{shown}`: {error}"))?;
        if text.len() as u64 > MAX_RECORD {
            return Err(format!("`{shown}` is larger than {} MiB; move it away", MAX_RECORD >> 20));
        }
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for (number, line) in text[..whole].split_inclusive(|byte| *byte == b'\n').enumerate() {
            let line: Line = serde_json::from_slice(line).map_err(|_| {
                let line = number + 1;
                format!("`{shown}`, line {line}: is no line of a record of posted scores; move the file away")
            })?;
            if line.line_item == self.line_item {
                self.take(line);
            }
        }
        Ok(whole as u64)
    }

    fn take(&mut self, line: Line) {
        let Line { user_id, timestamp, score, state, .. } = line;
        let known = self.known.entry(user_id).or_insert(Known { last: timestamp, posted: None, ever: false });
        known.last = known.last.max(timestamp);
        known.ever |= state == State::Posted;
        known.posted = (state == State::Posted).then_some(score);
    }
}

impl Record {
    /// Opens or begins the record in `dir`. Only one run at a time has it.
    ///
    /// # Errors
    /// A record that cannot be read or written, or that another run has.
    pub fn open(dir: &Path, line_item: &str) -> Result<Self, String> {
        let mut posted = Posted::none(dir, line_item);
        let shown = posted.path.display().to_string();
        let cannot = |error: io::Error| format!("cannot write `{shown}`: {error}");
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).open(&posted.path).map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(format!("another labcheck is posting from `{}`; wait for it", dir.display()));
            }
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
        let whole = posted.lines(&file)?;
        // A line that a killed run left half.
        file.set_len(whole).map_err(cannot)?;
        Ok(Self { posted, file })
    }

    /// Notes that a score is about to be sent.
    ///
    /// # Errors
    /// A record that cannot be written: then it must not be sent.
    pub fn sending(&mut self, score: &Score, timestamp: Timestamp) -> Result<(), String> {
        self.note(score, timestamp, State::Sending)
    }

    /// Notes that the platform has it.
    ///
    /// # Errors
    /// A record that cannot be written: a later run sends it once more.
    pub fn arrived(&mut self, score: &Score, timestamp: Timestamp) -> Result<(), String> {
        self.note(score, timestamp, State::Posted)
    }

    fn note(&mut self, score: &Score, timestamp: Timestamp, state: State) -> Result<(), String> {
        let (line_item, user_id) = (self.posted.line_item.clone(), score.user_id().to_owned());
        let line = Line { line_item, user_id, timestamp, score: digest(score), state };
        let mut text = serde_json::to_vec(&line).map_err(|error| error.to_string())?;
        text.push(b'\n');
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        written.map_err(|error| format!("cannot write `{}`: {error}", self.posted.path.display()))?;
        self.posted.take(line);
        Ok(())
    }
}

/// SHA-256 of a score without its time.
fn digest(score: &Score) -> String {
    // A score is text and numbers, which can always be written.
    let text = serde_json::to_vec(score).unwrap_or_default();
    lab_bundle::hex(&Sha256::digest(text))
}
