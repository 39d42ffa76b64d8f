//! Grades that were written before: `grades.json`, one grade at a time.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
};

use lab_spec::FORMAT;
use serde::Deserialize;

use crate::grade::{Course, Grade, Unmatched};

/// Bytes of one line: a grade with its report.
const MAX_LINE: u64 = 64 << 20;

/// The grades in a directory that `labcheck grade` wrote.
pub struct Graded {
    /// What they were graded by.
    pub course: Course,
    lines: BufReader<File>,
    path: PathBuf,
    line: u64,
    /// Bytes before the next line.
    at: u64,
}

/// A grade's line: where it stands, and what it says.
pub struct Line {
    /// Bytes before it.
    pub from: u64,
    /// The grade as JSON.
    pub text: Vec<u8>,
}

/// The last line.
#[derive(Deserialize)]
struct Tail {
    unmatched: Vec<Unmatched>,
}

/// The first line, which is cut off in the middle of the document.
#[derive(Deserialize)]
struct Head {
    format: u32,
    course: Course,
}

impl Graded {
    /// Opens the `grades.json` in `dir`.
    ///
    /// # Errors
    /// No such file, or none that `labcheck grade` wrote.
    pub fn open(dir: &Path) -> Result<Self, String> {
        let path = dir.join("grades.json");
        let shown = path.display();
        let file = File::open(&path).map_err(|error| {
            format!("cannot read `{shown}`: {error}; `labcheck grade --write json` writes it")
        })?;
        let mut lines = BufReader::with_capacity(1 << 18, file);
        let mut first = Vec::new();
        (&mut lines)
            .take(MAX_LINE)
            .read_until(b'\n', &mut first)
            .map_err(|error| format!("cannot read `{shown}`: {error}"))?;
        let head = first.trim_ascii_end().strip_suffix(b",").map(|head| [head, b"}"].concat());
        let foreign =
            || format!("`{shown}` is no `grades.json` as `labcheck grade` writes it, a grade per line");
        let head: Head = head.and_then(|head| serde_json::from_slice(&head).ok()).ok_or_else(foreign)?;
        if head.format != FORMAT {
            return Err(format!("`{shown}` has format {}, expected {FORMAT}", head.format));
        }
        Ok(Self { course: head.course, lines, path, line: 1, at: first.len() as u64 })
    }

    /// The next grade, not yet read.
    ///
    /// # Errors
    /// A file that cannot be read, or is cut off.
    pub fn line(&mut self) -> Result<Option<Line>, String> {
        loop {
            let from = self.at;
            let mut text = self.any()?;
            text.truncate(text.trim_ascii_end().len());
            if text.ends_with(b",") {
                text.pop();
            }
            match text.as_slice() {
                b"\"grades\":[" => {}
                b"]" => return Ok(None),
                b"" => return Err(self.place(&"it is cut off; grade into it again")),
                _ => return Ok(Some(Line { from, text })),
            }
        }
    }

    /// What belongs to nobody; it stands behind the last grade.
    ///
    /// # Errors
    /// A file that cannot be read, or is cut off.
    pub fn unmatched(&mut self) -> Result<Vec<Unmatched>, String> {
        let text = [b"{".to_vec(), self.any()?].concat();
        let tail: Tail = serde_json::from_slice(&text).map_err(|error| self.place(&error))?;
        Ok(tail.unmatched)
    }

    /// The file, to read grades again by their places.
    pub fn into_file(self) -> BufReader<File> {
        self.lines
    }

    /// What is wrong with the line that was read last.
    pub fn place(&self, why: &dyn std::fmt::Display) -> String {
        format!("`{}`, line {}: {why}", self.path.display(), self.line)
    }

    fn any(&mut self) -> Result<Vec<u8>, String> {
        self.line += 1;
        let mut text = Vec::new();
        let read = (&mut self.lines).take(MAX_LINE).read_until(b'\n', &mut text);
        self.at += read.map_err(|error| self.place(&error))? as u64;
        Ok(text)
    }
}

impl Iterator for Graded {
    type Item = Result<Grade, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = match self.line() {
            Ok(line) => line?,
            Err(error) => return Some(Err(error)),
        };
        Some(serde_json::from_slice(&line.text).map_err(|error| self.place(&error)))
    }
}
