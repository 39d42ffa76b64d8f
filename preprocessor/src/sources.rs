//! Everything a page is made of, read once per build.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use lab_spec::{Diagnostic, Lab};

use crate::{course::Course, glossary::Glossary, lab::BookLab, quiz::Quiz};

/// The course's data, the labs that exist and the quizzes.
pub struct Sources {
    /// The book's folder.
    pub root: PathBuf,
    /// The book's `src`.
    pub source: PathBuf,
    /// Where the labs are.
    pub labs_dir: PathBuf,
    /// `course.yaml`.
    pub course: Course,
    /// The labs that exist, by number.
    pub labs: Vec<BookLab>,
    /// The quizzes, by id.
    pub quizzes: Vec<Quiz>,
    /// The words.
    pub glossary: Glossary,
}

impl Sources {
    /// Reads what lies in the book's folder and beside it in `labs`, with
    /// every problem there is in it.
    pub fn read(root: &Path, source: &Path) -> (Self, Vec<Diagnostic>) {
        let mut problems = Vec::new();
        let course = Course::read(root).unwrap_or_else(|problem| {
            problems.push(problem);
            Course::default()
        });
        let glossary = Glossary::read(root).unwrap_or_else(|problem| {
            problems.push(problem);
            Glossary::default()
        });
        let labs_dir = root.parent().unwrap_or(Path::new("")).join("labs");
        let labs = read_labs(&labs_dir, &mut problems);
        let quizzes = read_quizzes(&root.join("quizzes"), &mut problems);
        let sources = Self {
            root: root.to_owned(),
            source: source.to_owned(),
            labs_dir,
            course,
            labs,
            quizzes,
            glossary,
        };
        problems.extend(sources.course.check(&sources.labs));
        problems.extend(crate::quiz::check(&sources.quizzes, root));
        problems.extend(sources.glossary.check());
        (sources, problems)
    }

    /// The lab of a number as pages write it: `06`.
    pub(crate) fn lab(&self, number: &str) -> Option<&BookLab> {
        self.labs.iter().find(|lab| lab.number() == number)
    }

    /// A file's text, with a problem that names it as pages name it.
    pub(crate) fn text(&self, path: &Path, named: &str) -> Result<String, Diagnostic> {
        fs::read_to_string(path).map_err(|error| unreadable(named, &error))
    }
}

/// Every `NN-slug/lab.yaml`; a folder without one is a lab in the making.
fn read_labs(dir: &Path, problems: &mut Vec<Diagnostic>) -> Vec<BookLab> {
    let mut labs = Vec::new();
    for folder in sorted(dir, problems) {
        let path = folder.join("lab.yaml");
        let named = format!("labs/{}/lab.yaml", name(&folder));
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {}
            Err(error) => problems.push(unreadable(&named, &error)),
            Ok(text) => match Lab::parse(&named, &text) {
                Ok(lab) => labs.push(BookLab { lab, folder: name(&folder), file: named }),
                Err(found) => problems.extend(found),
            },
        }
    }
    labs
}

/// Every `*.yaml` of the folder.
fn read_quizzes(dir: &Path, problems: &mut Vec<Diagnostic>) -> Vec<Quiz> {
    let mut quizzes = Vec::new();
    for path in sorted(dir, problems) {
        let named = format!("quizzes/{}", name(&path));
        match fs::read_to_string(&path).map_err(|error| unreadable(&named, &error)) {
            Ok(text) => match Quiz::parse(&named, &text) {
                Ok(quiz) => quizzes.push(quiz),
                Err(problem) => problems.push(problem),
            },
            Err(problem) => problems.push(problem),
        }
    }
    quizzes
}

/// What a folder holds, in order; a folder that is not there holds nothing.
fn sorted(dir: &Path, problems: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    match fs::read_dir(dir) {
        Ok(entries) => {
            for entry in entries {
                match entry {
                    Ok(entry) => paths.push(entry.path()),
                    Err(error) => problems.push(unreadable(&name(dir), &error)),
                }
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => problems.push(unreadable(&name(dir), &error)),
    }
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn unreadable(named: &str, error: &io::Error) -> Diagnostic {
    Diagnostic::file(named, format!("cannot be read: {error}"))
}
