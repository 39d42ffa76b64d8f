//! The instructor's desk: grades that were written, one student beside what
//! the verdicts rest on, and decisions.
//!
//! Reads `grades.json` of an output directory, and appends to `decisions.csv`
//! and `answers.csv`.

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
    requests::{self, Answer},
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
        self.set(row, score, signed(reason, author)?)
    }

    /// Answers a student's wish to be graded again: grants it with a score, or
    /// declines it without one. A line more in `answers.csv`.
    ///
    /// # Errors
    /// Those of a decision, or a request that the student has not made.
    pub fn answer(
        &self,
        at: usize,
        request: &str,
        score: &str,
        reason: &str,
        author: &str,
    ) -> Result<(), String> {
        let mut grades = self.grades()?;
        let row = grades.rows.get_mut(at).ok_or("there is no such student")?;
        let asked = row.requests.iter().position(|asked| asked.id == request);
        let asked = asked.ok_or("the student has made no such request")?;
        let (reason, author) = signed(reason, author)?;
        let granted = !score.trim().is_empty();
        // The score first: a run that ends between the two leaves the request open.
        if granted {
            self.set(row, score, (reason, author))?;
        }
        let answer = Answer { granted, reason: reason.to_owned(), author: author.to_owned() };
        self.add(requests::ANSWERS, requests::COLUMNS, [request, answer.word(), reason, author])?;
        row.requests[asked].answer = Some(answer);
        Ok(())
    }

    fn set(&self, row: &mut Row, score: &str, (reason, author): (&str, &str)) -> Result<(), String> {
        let decision = decisions::decision(score.trim(), reason, author)?;
        self.add(DECISIONS, decisions::COLUMNS, [&row.student.id, score.trim(), reason, author])?;
        row.score = Some(decision.score);
        row.decision = Some(decision);
        Ok(())
    }

    /// Adds a line to a table that is begun if need be.
    fn add(&self, name: &str, columns: [&str; 4], cells: [&str; 4]) -> Result<(), String> {
        let path = self.dir.join(name);
        let place = |error: &dyn std::fmt::Display| format!("cannot write `{}`: {error}", path.display());
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(|error| place(&error))?;
        let begun = file.metadata().is_ok_and(|meta| meta.len() > 0);
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut write = |cells: [&str; 4]| writer.write_record(cells).map_err(|error| place(&error));
        if !begun {
            write(columns)?;
        }
        write(cells)?;
        let line = writer.into_inner().map_err(|error| place(&error))?;
        // In one write, so that a line is there whole or not at all.
        append(&file, &line).map_err(|error| place(&error))
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

/// A reason and an author as they are kept.
fn signed<'t>(reason: &'t str, author: &'t str) -> Result<(&'t str, &'t str), String> {
    let (reason, author) = (reason.trim(), author.trim());
    if reason.is_empty() || author.is_empty() {
        return Err("a decision has a reason and an author".to_owned());
    }
    if reason.chars().count() > MAX_TEXT || author.chars().count() > MAX_TEXT {
        return Err(format!("reason and author have at most {MAX_TEXT} characters"));
    }
    Ok((reason, author))
}

fn append(mut file: &File, line: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    file.write_all(line)?;
    file.sync_all()
}

/// Puts a decision in the place of what was computed, and answers beside what
/// was asked.
fn decided(mut grade: Grade, row: &Row) -> Grade {
    if let Some(decision) = &row.decision {
        grade.score = Some(decision.score);
        grade.decision = Some(decision.clone());
    }
    requests::put(&mut grade, row.requests.clone());
    grade
}
