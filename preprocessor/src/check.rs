//! What only shows when the whole book was read: chapters outside SUMMARY,
//! items that no chapter teaches, quizzes and consoles that nobody shows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use lab_spec::Diagnostic;
use mdbook_preprocessor::book::Book;

use crate::{
    Sources,
    course::{FILE, Planned, at},
};

/// What the chapters showed.
#[derive(Default)]
pub(crate) struct Seen {
    /// Item to the chapters that teach it, with the line.
    pub taught: BTreeMap<String, Vec<(String, u32)>>,
    /// Item to the chapter with its claim check.
    pub claims: BTreeMap<String, (String, u32)>,
    /// Word to the chapters that introduce it.
    pub terms: BTreeMap<String, Vec<String>>,
    pub quizzes: BTreeSet<String>,
    pub consoles: BTreeSet<String>,
    pub diagrams: BTreeSet<String>,
}

impl Seen {
    /// Notes where an item is taught; false if that chapter said so before.
    pub fn teach(&mut self, id: &str, file: &str, line: u32) -> bool {
        let places = self.taught.entry(id.to_owned()).or_default();
        let new = places.iter().all(|(known, _)| known != file);
        if new {
            places.push((file.to_owned(), line));
        }
        new
    }

    /// Notes where a word is introduced; false if that chapter did before.
    pub fn introduce(&mut self, term: &str, file: &str) -> bool {
        let files = self.terms.entry(term.to_owned()).or_default();
        let new = files.iter().all(|known| known != file);
        if new {
            files.push(file.to_owned());
        }
        new
    }

    /// Adds what a later chapter showed.
    pub fn merge(&mut self, later: Self) {
        for (id, places) in later.taught {
            self.taught.entry(id).or_default().extend(places);
        }
        for (term, files) in later.terms {
            self.terms.entry(term).or_default().extend(files);
        }
        self.claims.extend(later.claims);
        self.quizzes.extend(later.quizzes);
        self.consoles.extend(later.consoles);
        self.diagrams.extend(later.diagrams);
    }

    /// Notes where a claim is checked.
    pub fn claim(&mut self, id: &str, file: &str, line: u32) {
        self.claims.insert(id.to_owned(), (file.to_owned(), line));
    }
}

/// Every problem of the book as a whole.
pub(crate) fn whole(sources: &Sources, book: &Book, seen: &Seen) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let pages: BTreeSet<String> = book
        .chapters()
        .filter_map(|chapter| chapter.source_path.as_ref())
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    outside(&sources.source, &sources.source, &pages, &mut problems);
    for planned in &sources.course.chapters {
        if let Some(file) = planned.file.as_ref().filter(|file| !pages.contains(&file.value)) {
            problems.push(at(file, format!("chapter {} is not in SUMMARY.md", planned.number)));
        }
    }
    items(sources, seen, &mut problems);
    unused(sources, seen, &mut problems);
    problems.extend(sources.glossary.unused(seen));
    problems
}

/// Markdown files that no line of SUMMARY.md names.
fn outside(dir: &Path, source: &Path, pages: &BTreeSet<String>, problems: &mut Vec<Diagnostic>) {
    for path in fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let named = path.strip_prefix(source).unwrap_or(&path).to_string_lossy().into_owned();
        if path.is_dir() {
            outside(&path, source, pages, problems);
        } else if named.ends_with(".md") && named != "SUMMARY.md" && !pages.contains(&named) {
            let problem =
                Diagnostic::file(&format!("src/{named}"), "is not in SUMMARY.md, so nobody can read it");
            problems.push(problem.help(format!("add `- [Title]({named})` to src/SUMMARY.md, or delete it")));
        }
    }
}

/// Every item of a written chapter is taught there, and every wrong statement
/// has its claim check in the first written chapter that teaches it.
fn items(sources: &Sources, seen: &Seen, problems: &mut Vec<Diagnostic>) {
    let nowhere = Vec::new();
    for item in &sources.course.covers {
        let id = item.id.value.as_str();
        let taught = seen.taught.get(id).unwrap_or(&nowhere);
        let written = |number: &u32| {
            sources.course.chapters.iter().find(|known| known.number == *number)?.file.as_ref()
        };
        for (number, file) in item.chapters.iter().filter_map(|number| Some((number, written(number)?))) {
            if !taught.iter().any(|(known, _)| *known == file.value) {
                let problem =
                    at(&item.id, format!("`{id}` is not taught in chapter {number} (src/{})", file.value));
                problems.push(problem.help(format!("mark where it is: {{{{#covers {id}}}}}")));
            }
        }
        for (file, line) in taught {
            let planned = |known: &Planned| item.chapters.contains(&known.number);
            if sources.course.chapter_of(file).is_some_and(|known| !planned(known)) {
                let message = format!("`{id}` is taught here, but {FILE} does not say so");
                problems.push(Diagnostic::at(&format!("src/{file}"), *line, 1, message));
            }
        }
        let claimed = seen.claims.contains_key(id);
        if item.wrong && !taught.is_empty() && !claimed {
            let problem =
                at(&item.id, format!("`{id}` is wrong in the seed and taught without a claim check"));
            problems.push(problem.help(format!("{{{{#claim {id}}}}} … {{{{#endclaim}}}}")));
        }
        if claimed && !item.wrong {
            problems.push(at(&item.id, format!("`{id}` has a claim check, but is not marked `wrong`")));
        }
    }
}

/// Quizzes, consoles and diagrams that no page shows.
fn unused(sources: &Sources, seen: &Seen, problems: &mut Vec<Diagnostic>) {
    for quiz in sources.quizzes.iter().filter(|quiz| !seen.quizzes.contains(&quiz.id.value)) {
        problems.push(Diagnostic::file(&quiz.file, "is shown by no chapter"));
    }
    for (folder, extension, shown) in
        [("systems", "console", &seen.consoles), ("diagrams", "yaml", &seen.diagrams)]
    {
        let mut files = Vec::new();
        collect(&sources.root.join(folder), &mut files);
        for path in files {
            let named = path.strip_prefix(&sources.root).unwrap_or(&path).to_string_lossy().into_owned();
            if named.ends_with(&format!(".{extension}")) && !shown.contains(&named) {
                problems.push(Diagnostic::file(&named, "is shown by no chapter"));
            }
        }
    }
}

fn collect(dir: &Path, files: &mut Vec<std::path::PathBuf>) {
    for path in fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
