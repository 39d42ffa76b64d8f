//! `course.yaml`: the chapters, the labs announced, and what the course owes
//! its readers (C1 … C98).

use std::path::Path;

use lab_spec::Diagnostic;
use serde::Deserialize;
use serde_yaml::Spanned;

use crate::lab::BookLab;

/// How problems name the file.
pub(crate) const FILE: &str = "course.yaml";

/// How many items the course owes.
const ITEMS: usize = 98;

/// The course as data.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Course {
    /// Format number; 1.
    pub format: u32,
    /// Every chapter, written or not.
    pub chapters: Vec<Planned>,
    /// Every lab, built or not.
    pub labs: Vec<Announced>,
    /// What must be taught, and where a lab is named, checked.
    pub covers: Vec<Item>,
}

/// A chapter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// From 0.
    pub number: u32,
    /// Its name.
    pub title: String,
    /// Minutes of reading, labs not counted.
    pub minutes: u32,
    /// Its file under `src`; missing while it is not written.
    pub file: Option<Spanned<String>>,
}

/// A lab as the course announces it; once it is built, its own file counts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announced {
    /// `lab04`.
    pub id: Spanned<String>,
    /// Its name.
    pub title: String,
    /// Minutes it takes.
    pub minutes: u32,
    /// Chapter it belongs to.
    pub chapter: u32,
    /// What it is about, one sentence.
    pub about: String,
}

/// One thing the course owes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// `C1` … `C98`.
    pub id: Spanned<String>,
    /// What it is.
    pub what: String,
    /// Whether the seed's statement is wrong or overstated, so that a claim
    /// check must say so.
    #[serde(default)]
    pub wrong: bool,
    /// Chapters that teach it.
    pub chapters: Vec<u32>,
    /// Labs that check it.
    #[serde(default)]
    pub labs: Vec<String>,
    /// Checks that show it, as `lab01/answers`, of labs that are built.
    #[serde(default)]
    pub checks: Vec<Spanned<String>>,
}

impl Course {
    /// Reads the book's `course.yaml`.
    ///
    /// # Errors
    /// The file cannot be read or is malformed.
    pub fn read(root: &Path) -> Result<Self, Diagnostic> {
        let text = std::fs::read_to_string(root.join(FILE))
            .map_err(|error| Diagnostic::file(FILE, format!("cannot be read: {error}")))?;
        lab_spec::yaml(FILE, &text)
    }

    /// What contradicts itself, or the labs that exist.
    pub fn check(&self, labs: &[BookLab]) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        if self.format != lab_spec::FORMAT {
            let (found, wanted) = (self.format, lab_spec::FORMAT);
            problems.push(Diagnostic::file(FILE, format!("format is `{found}`, expected `{wanted}`")));
        }
        for (index, item) in self.covers.iter().enumerate() {
            let wanted = format!("C{}", index + 1);
            if item.id.value != wanted {
                problems.push(at(&item.id, format!("item is `{}`, expected `{wanted}`", item.id.value)));
                break;
            }
            self.check_item(item, labs, &mut problems);
        }
        if self.covers.len() != ITEMS {
            let found = self.covers.len();
            problems.push(Diagnostic::file(FILE, format!("has {found} items, expected {ITEMS}")));
        }
        for lab in labs {
            if !self.labs.iter().any(|announced| announced.id.value == lab.lab.id) {
                let problem = format!("is not announced in {FILE}");
                problems
                    .push(Diagnostic::file(&lab.file, problem).help(format!("add it to `labs` in {FILE}")));
            }
        }
        problems
    }

    fn check_item(&self, item: &Item, labs: &[BookLab], problems: &mut Vec<Diagnostic>) {
        let id = &item.id.value;
        if item.chapters.is_empty() {
            problems.push(at(&item.id, format!("`{id}` is taught in no chapter")));
        }
        for chapter in &item.chapters {
            if !self.chapters.iter().any(|planned| planned.number == *chapter) {
                problems.push(at(&item.id, format!("`{id}` names chapter {chapter}, which does not exist")));
            }
        }
        for lab in &item.labs {
            if !self.labs.iter().any(|announced| announced.id.value == *lab) {
                problems.push(at(&item.id, format!("`{id}` names `{lab}`, which does not exist")));
            }
        }
        for check in &item.checks {
            if let Err(message) = find_check(&check.value, labs) {
                problems.push(at(check, format!("`{id}`: {message}")));
            }
        }
    }

    /// The chapter a file under `src` is.
    pub(crate) fn chapter_of(&self, file: &str) -> Option<&Planned> {
        self.chapters.iter().find(|planned| planned.file.as_ref().is_some_and(|known| known.value == file))
    }

    /// The lab of a number as pages write it.
    pub(crate) fn announced(&self, number: &str) -> Option<&Announced> {
        self.labs.iter().find(|lab| lab.id.value.strip_prefix("lab") == Some(number))
    }

    /// The item of an id.
    pub(crate) fn item(&self, id: &str) -> Option<&Item> {
        self.covers.iter().find(|item| item.id.value == id)
    }
}

/// A check by `lab01/answers`.
fn find_check(name: &str, labs: &[BookLab]) -> Result<(), String> {
    let (lab, check) = name.split_once('/').ok_or_else(|| format!("check `{name}` is not `LAB/CHECK`"))?;
    let found = labs.iter().find(|known| known.lab.id == lab).ok_or_else(|| {
        format!("check `{name}` is of `{lab}`, which is not built; checks are named when they exist")
    })?;
    match found.lab.checks().any(|(_, known)| known.id == check) {
        true => Ok(()),
        false => Err(format!("`{lab}` has no check `{check}`")),
    }
}

/// A problem at a place of `course.yaml`.
pub(crate) fn at<T>(value: &Spanned<T>, message: String) -> Diagnostic {
    let place = value.referenced;
    Diagnostic::at(FILE, place.line() as u32, place.column() as u32, message)
}
