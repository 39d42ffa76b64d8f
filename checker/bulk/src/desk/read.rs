//! `grades.json` by lines: the places of all, one whole at a time.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use lab_spec::report::Points;
use serde::Deserialize;

use super::{DECISIONS, decided};
use crate::{
    decisions,
    grade::{Course, Decision, Flag, Grade, Standing, Unmatched},
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
}

#[derive(Deserialize)]
struct Head {
    course: Course,
}

#[derive(Deserialize)]
struct Tail {
    unmatched: Vec<Unmatched>,
}

impl Grades {
    /// Reads where each grade stands, and the decisions beside them.
    pub fn open(dir: &Path) -> Result<Self, String> {
        let path = dir.join("grades.json");
        let shown = path.display().to_string();
        let place = |error: &dyn std::fmt::Display| {
            format!("cannot read `{shown}`: {error}; `labcheck grade … --out DIR` writes it")
        };
        let mut file = BufReader::new(File::open(&path).map_err(|error| place(&error))?);
        let (mut line, mut at) = (String::new(), 0_u64);
        let mut next = |line: &mut String| -> Result<(u64, u64), String> {
            line.clear();
            let read = file.read_line(line).map_err(|error| place(&error))? as u64;
            at += read;
            Ok((at - read, read))
        };
        next(&mut line)?;
        let head = format!("{}}}", line.trim_end().trim_end_matches(','));
        let Head { course } = serde_json::from_str(&head).map_err(|error| place(&error))?;
        let mut rows = Vec::new();
        let unmatched = loop {
            let (from, length) = next(&mut line)?;
            if length == 0 {
                return Err(place(&"it is cut off"));
            }
            let text = line.trim_end().trim_end_matches(',');
            match text {
                "\"grades\":[" | "]" => {}
                _ if text.starts_with("\"unmatched\"") => {
                    let tail = format!("{{{text}");
                    let Tail { unmatched } = serde_json::from_str(&tail).map_err(|error| place(&error))?;
                    break unmatched;
                }
                _ => {
                    let Short { student, standing, score, flags, decision } =
                        serde_json::from_str(text).map_err(|error| place(&error))?;
                    let length = text.len() as u64;
                    rows.push(Row { student, standing, score, flags, decision, from, length });
                }
            }
        };
        let mut grades = Self { file, course, rows, unmatched };
        grades.decisions(&dir.join(DECISIONS))?;
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
