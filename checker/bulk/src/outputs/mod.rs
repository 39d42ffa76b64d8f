//! What comes out of a batch: one file or directory per reader.
//!
//! Grades pass through one at a time, so that a class of any size needs little
//! memory. What is written is there whole or not at all. Nothing in it depends
//! on when or in how many runs the class was judged.
//!
//! `csv`, `json`, `junit`, `dashboard` and `requests` are the teacher's and say everything.
//! All others may come before students' eyes and name no hidden check.

mod actions;
mod canvas;
mod csv;
mod dashboard;
mod feedback;
mod figures;
mod gradescope;
mod identity;
mod index;
mod json;
mod junit;
pub mod lti;
mod moodle;
mod requests;
mod safe;
mod told;
mod whole;

use std::{io, path::Path};

pub use whole::sweep;
use whole::{Folder, Whole};

use crate::{
    grade::{Course, Grade, Unmatched},
    roster::Roster,
};

/// What outputs may know before the first grade.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// What the class is graded by.
    pub course: &'a Course,
    /// Who is in it.
    pub roster: &'a Roster,
}

/// One kind of output.
pub trait Output {
    /// Takes in the next grade, in the roster's order.
    ///
    /// # Errors
    /// What the file system says.
    fn add(&mut self, grade: &Grade) -> io::Result<()>;

    /// Ends it, and puts it in its place. Returns what the teacher must know of
    /// it, as a student who is not in it.
    ///
    /// # Errors
    /// What the file system says.
    fn finish(self: Box<Self>, unmatched: &[Unmatched]) -> io::Result<Vec<String>>;
}

/// The kinds of output there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `grades.csv`: a line per student, for spreadsheets.
    Csv,
    /// `grades.json`: everything, for programs.
    Json,
    /// `junit.xml`: a suite per student.
    Junit,
    /// `gradescope/`: a `results.json` per student.
    Gradescope,
    /// `canvas.csv`, as Canvas imports it.
    Canvas,
    /// `moodle.csv`, as Moodle imports it.
    Moodle,
    /// `lti-scores.jsonl`: a score of LTI's grade service per line.
    Lti,
    /// `actions.txt` and `summary.md` for GitHub Actions.
    Actions,
    /// `feedback/`: a page per student.
    Feedback,
    /// `dashboard.html`: the class at a glance.
    Dashboard,
    /// `requests.csv`: who asks to be graded again, and what was answered.
    Requests,
}

impl Kind {
    /// All of them, with the word that names each.
    pub const ALL: [(&'static str, Self); 11] = [
        ("csv", Self::Csv),
        ("json", Self::Json),
        ("junit", Self::Junit),
        ("gradescope", Self::Gradescope),
        ("canvas", Self::Canvas),
        ("moodle", Self::Moodle),
        ("lti", Self::Lti),
        ("actions", Self::Actions),
        ("feedback", Self::Feedback),
        ("dashboard", Self::Dashboard),
        ("requests", Self::Requests),
    ];

    /// Whether there is one of this kind in `dir`.
    pub fn is_in(self, dir: &Path) -> bool {
        let name = match self {
            Self::Csv => "grades.csv",
            Self::Json => "grades.json",
            Self::Junit => "junit.xml",
            Self::Gradescope => "gradescope",
            Self::Canvas => "canvas.csv",
            Self::Moodle => "moodle.csv",
            Self::Lti => "lti-scores.jsonl",
            Self::Actions => "summary.md",
            Self::Feedback => "feedback",
            Self::Dashboard => "dashboard.html",
            Self::Requests => "requests.csv",
        };
        dir.join(name).exists()
    }

    /// Begins an output of this kind in `dir`.
    ///
    /// # Errors
    /// What the file system says.
    pub fn begin(self, dir: &Path, setting: &Setting<'_>) -> io::Result<Box<dyn Output>> {
        Ok(match self {
            Self::Csv => Box::new(csv::Csv::begin(dir)?),
            Self::Json => Box::new(json::Json::begin(dir, setting.course)?),
            Self::Junit => Box::new(junit::Junit::begin(dir, setting.course)?),
            Self::Gradescope => Box::new(gradescope::Gradescope::begin(dir, setting.course)?),
            Self::Canvas => Box::new(canvas::Canvas::begin(dir, setting)?),
            Self::Moodle => Box::new(moodle::Moodle::begin(dir, setting)?),
            Self::Lti => Box::new(lti::Lti::begin(dir, setting)?),
            Self::Actions => Box::new(actions::Actions::begin(dir, setting.course)?),
            Self::Feedback => Box::new(feedback::Feedback::begin(dir, setting.course)?),
            Self::Dashboard => Box::new(dashboard::Dashboard::begin(dir, setting.course)?),
            Self::Requests => Box::new(requests::Requests::begin(dir)?),
        })
    }
}
