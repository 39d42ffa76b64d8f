//! Everything a page is made of, read once per build.

use std::{
    fs, io,
    panic::resume_unwind,
    path::{Path, PathBuf},
    thread::{self, ScopedJoinHandle},
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
    /// every problem there is in it. All of it at once: parsing takes half of
    /// the preprocessor's time, and `mdbook serve` waits for it on each change.
    pub fn read(root: &Path, source: &Path) -> (Self, Vec<Diagnostic>) {
        let labs_dir = root.parent().unwrap_or(Path::new("")).join("labs");
        let (course, glossary, labs, quizzes) = thread::scope(|scope| {
            let labs = scope.spawn(|| read_labs(&labs_dir));
            let quizzes = scope.spawn(|| read_quizzes(&root.join("quizzes")));
            (Course::read(root), Glossary::read(root), joined(labs), joined(quizzes))
        });
        let mut problems = Vec::new();
        let course = course.unwrap_or_else(|problem| {
            problems.push(problem);
            Course::default()
        });
        let glossary = glossary.unwrap_or_else(|problem| {
            problems.push(problem);
            Glossary::default()
        });
        let ((labs, of_labs), (quizzes, of_quizzes)) = (labs, quizzes);
        problems.extend(of_labs);
        problems.extend(of_quizzes);
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

/// What a thread came to; where it broke, so does this one.
pub(crate) fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|broken| resume_unwind(broken))
}

/// Every `NN-slug/lab.yaml`; a folder without one is a lab in the making.
fn read_labs(dir: &Path) -> (Vec<BookLab>, Vec<Diagnostic>) {
    let (folders, mut problems) = sorted(dir);
    let mut labs = Vec::new();
    thread::scope(|scope| {
        let reading: Vec<_> = folders.iter().map(|folder| scope.spawn(|| read_lab(folder))).collect();
        for lab in reading {
            match joined(lab) {
                Ok(lab) => labs.extend(lab),
                Err(found) => problems.extend(found),
            }
        }
    });
    (labs, problems)
}

fn read_lab(folder: &Path) -> Result<Option<BookLab>, Vec<Diagnostic>> {
    let named = format!("labs/{}/lab.yaml", name(folder));
    match fs::read_to_string(folder.join("lab.yaml")) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(vec![unreadable(&named, &error)]),
        Ok(text) => {
            let lab = Lab::parse(&named, &text)?;
            Ok(Some(BookLab { lab, folder: name(folder), file: named }))
        }
    }
}

/// Every `*.yaml` of the folder.
fn read_quizzes(dir: &Path) -> (Vec<Quiz>, Vec<Diagnostic>) {
    let (paths, mut problems) = sorted(dir);
    let mut quizzes = Vec::new();
    for path in paths {
        let named = format!("quizzes/{}", name(&path));
        match fs::read_to_string(&path).map_err(|error| unreadable(&named, &error)) {
            Ok(text) => match Quiz::parse(&named, &text) {
                Ok(quiz) => quizzes.push(quiz),
                Err(problem) => problems.push(problem),
            },
            Err(problem) => problems.push(problem),
        }
    }
    (quizzes, problems)
}

/// What a folder holds, in order; a folder that is not there holds nothing.
fn sorted(dir: &Path) -> (Vec<PathBuf>, Vec<Diagnostic>) {
    let (mut paths, mut problems) = (Vec::new(), Vec::new());
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
    (paths, problems)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn unreadable(named: &str, error: &io::Error) -> Diagnostic {
    Diagnostic::file(named, format!("cannot be read: {error}"))
}
