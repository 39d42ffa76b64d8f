//! What importers of learning platforms make of a table, before they get it.
//!
//! Each importer has rules by which it drops, changes or mistakes cells without
//! a word. They are simulated here; a table to which one applies is refused.

pub mod canvas;
pub mod moodle;
mod quotes;

use std::{collections::HashMap, fmt};

use csv::StringRecord;

use crate::table::Lines;

/// Something an importer would mangle, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The line, counted from 1.
    pub line: u64,
    /// The column's name; `None` where it is about the whole line.
    pub column: Option<String>,
    /// What would happen.
    pub says: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", column `{}`", lab_render::line(column))?;
        }
        write!(f, ": {}", self.says)
    }
}

/// What was found in a table.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Rows of students.
    pub students: usize,
    /// Cells from which a score would be entered.
    pub scores: usize,
    /// What would be mangled.
    pub troubles: Vec<Trouble>,
}

impl Checked {
    fn trouble(&mut self, line: u64, column: Option<&str>, says: impl Into<String>) {
        self.troubles.push(Trouble { line, column: column.map(str::to_owned), says: says.into() });
    }

    /// Nothing else can be said of the table.
    fn only(line: u64, says: impl Into<String>) -> Self {
        let mut checked = Self::default();
        checked.trouble(line, None, says);
        checked
    }
}

/// The rows of a table with the line each begins on.
fn rows(text: &str, delimiter: u8) -> Vec<(u64, StringRecord)> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut lines = Lines::of_text(text);
    let records = reader.records().map_while(Result::ok);
    records.map(|record| (lines.of(record.position()), record)).collect()
}

/// The text, and the line of the first byte that is not UTF-8 if there is one.
fn text(bytes: &[u8]) -> Result<&str, u64> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        1 + before.iter().filter(|byte| **byte == b'\n').count() as u64
    })?;
    Ok(text.trim_start_matches('\u{feff}'))
}

/// Values that name students, with the line each stood on first.
#[derive(Default)]
struct Seen(HashMap<(String, String), u64>);

impl Seen {
    /// Notes a value; the line on which it stands already.
    fn twice(&mut self, column: &str, value: &str, line: u64) -> Option<u64> {
        self.0.insert((column.to_owned(), value.to_lowercase()), line)
    }
}

/// Whether it is a number as both platforms take it in every language: digits
/// with a point.
fn is_number(text: &str) -> bool {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole.strip_prefix('-').unwrap_or(whole)) && digits(part)
}

/// Foreign text in a message.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(80).collect();
    format!("`{}`", lab_render::line(&short))
}
