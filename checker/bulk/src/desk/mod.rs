//! The instructor's desk: grades that were written, one student beside what
//! the verdicts rest on, and decisions.
//!
//! Reads `grades.json` and appends to `decisions.csv` of an output directory.

mod page;
pub(crate) mod read;

use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
};

use crate::{
    decisions,
    grade::{Course, Grade},
    outputs::{Kind, Setting},
    roster::Roster,
};

pub use page::{PAGE, Show};
use read::{Grades, Row};

/// Name of the file of decisions in an output directory.
pub const DECISIONS: &str = "decisions.csv";
/// Longest reason or author, in characters.
const MAX_TEXT: usize = 2_000;

/// One class's grades.
pub struct Desk {
    dir: PathBuf,
    grades: Mutex<Grades>,
}

impl Desk {
    /// Opens the grades in `dir`.
    ///
    /// # Errors
    /// Grades that are not there, or cannot be read.
    pub fn open(dir: &Path) -> Result<Self, String> {
        let grades = Mutex::new(Grades::open(dir)?);
        Ok(Self { dir: dir.to_owned(), grades })
    }

    /// The class as a page.
    ///
    /// # Errors
    /// Grades that cannot be read any more.
    pub fn class(&self, show: Show, number: usize) -> Result<String, String> {
        let grades = self.grades()?;
        page::class(&grades.course, &grades.rows, show, number)
    }

    /// One student as a page, by place in the class.
    ///
    /// # Errors
    /// Grades that cannot be read any more.
    pub fn student(&self, at: usize) -> Result<Option<String>, String> {
        let mut grades = self.grades()?;
        let Some(grade) = grades.grade(at)? else { return Ok(None) };
        page::student(&grades.course, &grade, at, grades.rows.len()).map(Some)
    }

    /// Sets a student's score: a line more in `decisions.csv`, which outputs
    /// and later runs of `labcheck grade` go by.
    ///
    /// # Errors
    /// A score that is none, no reason, no author, or a file that cannot be
    /// written.
    pub fn decide(&self, at: usize, score: &str, reason: &str, author: &str) -> Result<(), String> {
        let mut grades = self.grades()?;
        let row = grades.rows.get_mut(at).ok_or("there is no such student")?;
        let (reason, author) = (reason.trim(), author.trim());
        if reason.is_empty() || author.is_empty() {
            return Err("a decision has a reason and an author".to_owned());
        }
        if reason.chars().count() > MAX_TEXT || author.chars().count() > MAX_TEXT {
            return Err(format!("reason and author have at most {MAX_TEXT} characters"));
        }
        let decision = decisions::decision(score.trim(), reason, author)?;
        let path = self.dir.join(DECISIONS);
        let place = |error: &dyn std::fmt::Display| format!("cannot write `{}`: {error}", path.display());
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(|error| place(&error))?;
        let begun = file.metadata().is_ok_and(|meta| meta.len() > 0);
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut write = |cells: [&str; 4]| writer.write_record(cells).map_err(|error| place(&error));
        if !begun {
            write(decisions::COLUMNS)?;
        }
        write([&row.student.id, score.trim(), reason, author])?;
        let line = writer.into_inner().map_err(|error| place(&error))?;
        // In one write, so that a line is there whole or not at all.
        append(&file, &line).map_err(|error| place(&error))?;
        row.score = Some(decision.score);
        row.decision = Some(decision);
        Ok(())
    }

    /// Writes the outputs that are there anew, with all decisions; says which.
    ///
    /// # Errors
    /// Files that cannot be read or written.
    pub fn export(&self) -> Result<String, String> {
        let mut grades = self.grades()?;
        let place = |error: std::io::Error| format!("cannot write to `{}`: {error}", self.dir.display());
        let roster = grades.roster();
        let course = grades.course.clone();
        let setting = setting(&course, &roster);
        let there: Vec<_> = Kind::ALL.into_iter().filter(|(_, kind)| kind.is_in(&self.dir)).collect();
        let mut outputs = Vec::new();
        for (_, kind) in &there {
            outputs.push(kind.begin(&self.dir, &setting).map_err(place)?);
        }
        for at in 0..grades.rows.len() {
            let Some(grade) = grades.grade(at)? else { continue };
            for output in &mut outputs {
                output.add(&grade).map_err(place)?;
            }
        }
        for output in outputs {
            output.finish(&grades.unmatched).map_err(place)?;
        }
        // What was written has another length: the places of its lines are new.
        *grades = Grades::open(&self.dir)?;
        let words: Vec<_> = there.into_iter().map(|(word, _)| word).collect();
        Ok(format!("written: {}", words.join(", ")))
    }

    fn grades(&self) -> Result<MutexGuard<'_, Grades>, String> {
        self.grades.lock().map_err(|_| "an earlier request has failed; restart the server".to_owned())
    }
}

fn setting<'a>(course: &'a Course, roster: &'a Roster) -> Setting<'a> {
    Setting { course, roster }
}

fn append(mut file: &File, line: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    file.write_all(line)?;
    file.sync_all()
}

/// Puts a decision in the place of what was computed.
fn decided(mut grade: Grade, row: &Row) -> Grade {
    if let Some(decision) = &row.decision {
        grade.score = Some(decision.score);
        grade.decision = Some(decision.clone());
    }
    grade
}
