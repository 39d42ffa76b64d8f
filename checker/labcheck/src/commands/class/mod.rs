//! For instructors: a whole class at once.

pub mod assign;
pub mod grade;

use std::{fs, path::Path};

use jiff::Timestamp;
use lab_bulk::{Roster, Rubric, times};

use crate::{failure::Failure, labs::Library};

/// Names the judge in the digest of a rubric: another version may judge
/// otherwise.
const JUDGE: &str = concat!("labcheck ", env!("CARGO_PKG_VERSION"));

/// Reads a file that the user named.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::usage(format!("cannot read `{}`: {error}", path.display())))
}

fn roster(path: &Path) -> Result<Roster, Failure> {
    let bytes = read(path)?;
    Roster::parse(&path.display().to_string(), &bytes).map_err(|error| Failure::usage(error.to_string()))
}

/// The lab, and what lies over it.
fn rubric(library: &Library, lab: &str, overlay: Option<&Path>) -> Result<Rubric, Failure> {
    let lab = library.find(lab)?.lab;
    let Some(path) = overlay else { return Ok(Rubric::plain(lab, JUDGE)) };
    let file = path.display().to_string();
    let text =
        String::from_utf8(read(path)?).map_err(|_| Failure::usage(format!("`{file}` is not UTF-8")))?;
    Rubric::overlaid(lab, JUDGE, &file, &text).map_err(Failure::usage)
}

/// A time on the command line.
fn time(text: &str) -> Result<Timestamp, String> {
    times::parse(text)
}
