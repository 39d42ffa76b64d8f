//! `grades.json` by lines: the places of all, one whole at a time.

use std::{
    fs::File,
    io::{BufReader, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use lab_spec::report::Points;
use serde::Deserialize;

use super::{DECISIONS, decided};
use crate::{
    decisions,
    grade::{Course, Decision, Flag, Grade, Standing, Unmatched},
    graded::{Graded, Line},
    requests::{self, Request},
    roster::{Roster, Student},
};

/// The grades of one class.
pub struct Grades {
    file: BufReader<File>,
    pub course: Course,
    pub rows: Vec<Row>,
    pub unmatched: Vec<Unmatched>,
}

/// What is kept in memory of every student.
pub struct Row {
    pub student: Student,
    pub standing: Standing,
    pub score: Option<Points>,
    pub flags: Vec<Flag>,
    pub decision: Option<Decision>,
    pub requests: Vec<Request>,
    from: u64,
    length: u64,
}

/// A grade without what is looked at one student at a time.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Short {
    student: Student,
    standing: Standing,
    score: Option<Points>,
    flags: Vec<Flag>,
    decision: Option<Decision>,
    #[serde(default)]
    requests: Vec<Request>,
}

impl Grades {
    /// Reads where each grade stands, and the decisions beside them.
    pub fn open(dir: &Path) -> Result<Self, String> {
        let mut graded = Graded::open(dir)?;
        let mut rows = Vec::new();
        while let Some(Line { from, text }) = graded.line()? {
            let Short { student, standing, score, flags, decision, requests } =
                serde_json::from_slice(&text).map_err(|error| graded.place(&error))?;
            let length = text.len() as u64;
            rows.push(Row { student, standing, score, flags, decision, requests, from, length });
        }
        let (unmatched, course) = (graded.unmatched()?, graded.course.clone());
        let mut grades = Self { file: graded.into_file(), course, rows, unmatched };
        grades.decisions(&dir.join(DECISIONS))?;
        let mut answers = requests::answers(dir)?;
        for request in grades.rows.iter_mut().flat_map(|row| &mut row.requests) {
            request.answer = answers.remove(&request.id);
        }
        Ok(grades)
    }

    /// Reads the decisions that are there already.
    fn decisions(&mut self, path: &Path) -> Result<(), String> {
        if !path.exists() {
            return Ok(());
        }
        let shown = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| format!("cannot read `{shown}`: {error}"))?;
        for (at, decision) in decisions::read(&shown, &bytes, &self.roster())? {
            self.rows[at].score = Some(decision.score);
            self.rows[at].decision = Some(decision);
        }
        Ok(())
    }

    /// The students, in their order.
    pub fn roster(&self) -> Roster {
        Roster::of(self.rows.iter().map(|row| row.student.clone()))
    }

    /// One grade, whole.
    pub fn grade(&mut self, at: usize) -> Result<Option<Grade>, String> {
        let Some(row) = self.rows.get(at) else { return Ok(None) };
        let mut text = Vec::new();
        let read = (|| {
            self.file.seek(SeekFrom::Start(row.from))?;
            self.file.by_ref().take(row.length).read_to_end(&mut text)
        })();
        read.map_err(|error| format!("cannot read the grades: {error}"))?;
        let grade = serde_json::from_slice(&text)
            .map_err(|error| format!("the grades were changed by somebody else: {error}; start again"))?;
        Ok(Some(decided(grade, row)))
    }
}
