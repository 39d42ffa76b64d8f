//! Grades that were written before: `grades.json`, one grade at a time.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
};

use lab_spec::FORMAT;
use serde::Deserialize;

use crate::grade::{Course, Grade};

/// Bytes of one line: a grade with its report.
const MAX_LINE: u64 = 64 << 20;

/// The grades in a directory that `labcheck grade` wrote.
pub struct Graded {
    /// What they were graded by.
    pub course: Course,
    lines: BufReader<File>,
    path: PathBuf,
    line: u64,
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
        Ok(Self { course: head.course, lines, path, line: 1 })
    }

    fn next_line(&mut self) -> Result<Option<Grade>, String> {
        loop {
            let mut line = Vec::new();
            self.line += 1;
            let place =
                |why: &dyn std::fmt::Display| format!("`{}`, line {}: {why}", self.path.display(), self.line);
            (&mut self.lines).take(MAX_LINE).read_until(b'\n', &mut line).map_err(|error| place(&error))?;
            let line = line.trim_ascii();
            let line = line.strip_suffix(b",").unwrap_or(line);
            match line {
                b"\"grades\":[" => {}
                b"]" => return Ok(None),
                b"" => return Err(place(&"it is cut off; grade into it again")),
                grade => return serde_json::from_slice(grade).map(Some).map_err(|error| place(&error)),
            }
        }
    }
}

impl Iterator for Graded {
    type Item = Result<Grade, String>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().transpose()
    }
}
