//! For instructors: a whole class at once.

pub mod assign;
pub mod check_import;
pub mod collusion;
pub mod grade;
pub mod post_scores;
pub mod regrade;
mod rules;
mod store;
pub mod sweep;
pub mod triage;
mod worker;

use std::{fs, path::Path};

use jiff::Timestamp;
use lab_bulk::{Roster, Rubric, times};
use sha2::Digest as _;

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

/// How findings about a class are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs; stable, `format: 1`
    Json,
}

/// A document for programs.
fn json(document: &serde_json::Value) -> Result<(), Failure> {
    crate::output::write(&format!("{document:#}\n"))
}

/// A table without lines, as wide as the terminal.
fn table<const N: usize>(header: [&str; N]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(comfy_table::ContentArrangement::Dynamic)
        .set_width(u16::try_from(crate::output::width()).unwrap_or(80))
        .set_header(header);
    table
}

/// Text as a paragraph that is as wide as the terminal; later lines stand
/// `indent` further in.
fn paragraph(text: &str, indent: usize) -> String {
    let (first, later) = (" ".repeat(indent), " ".repeat(indent + 2));
    let options = textwrap::Options::new(crate::output::width())
        .initial_indent(&first)
        .subsequent_indent(&later)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    format!("{}\n", textwrap::fill(&lab_render::line(text), options))
}

/// Names, the first five in full.
fn some(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(5).map(|name| lab_render::line(name)).collect();
    match names.len().saturating_sub(5) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A time on the command line.
fn time(text: &str) -> Result<Timestamp, String> {
    times::parse(text)
}

/// A name for a student's file that every system can hold and nobody can lead
/// elsewhere: the id where it is plain, or else its digest.
fn file_name(student: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    let fits = !student.is_empty() && student.len() <= 100 && !student.starts_with('.');
    if fits && student.chars().all(plain) && !is_device(student) {
        return format!("{student}.tar.zst");
    }
    let digest = lab_bundle::hex(&sha2::Sha256::digest(student));
    format!("{}.tar.zst", &digest[..32])
}

/// Names that are devices on Windows, whatever follows the dot.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let numbered = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul")
        || numbered.is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn ids_become_names_that_stay_where_they_are() {
        assert_eq!(file_name("ada@x.org"), "ada@x.org.tar.zst");
        for id in ["../x", "/etc/passwd", "CON", "com1.txt", ".hidden", "a b", "ä", &"x".repeat(300), ""] {
            let name = file_name(id);
            assert!(
                name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.'),
                "{name}"
            );
        }
        assert_ne!(file_name("../x"), file_name("../y"));
    }
}
