//! The course's mdBook preprocessor. It fills `{{#lab 06}}`, `{{#quiz 03}}`,
//! `{{#console …}}` and their like in chapters, and leaves every other byte of
//! a chapter as it was.
//!
//! Of a lab it reads `lab.yaml` and `console/`, and nothing else: solutions,
//! mutants and evidence are never opened, so they cannot reach a page.

mod chapter;
mod check;
mod console;
mod course;
mod diagram;
mod directive;
mod glossary;
mod html;
mod lab;
mod pages;
mod quiz;
mod sources;
mod widget;

pub use console::{Console, System};
pub use course::Course;
pub use glossary::Glossary;
pub use quiz::Quiz;
pub use sources::Sources;

use std::{num::NonZero, thread};

use mdbook_preprocessor::{
    Preprocessor, PreprocessorContext,
    book::{Book, BookItem, Chapter},
    errors::{Error, Result},
};
use semver::{Version, VersionReq};

/// What `book.toml` calls it: `[preprocessor.labcheck]`.
pub struct Labcheck;

/// The mdBook this was written for; its book format changed with 0.5.
const MDBOOK: &str = "^0.5";

impl Preprocessor for Labcheck {
    fn name(&self) -> &str {
        "labcheck"
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        fits(&context.mdbook_version)?;
        let source = context.root.join(&context.config.book.src);
        let (sources, mut problems) = Sources::read(&context.root, &source);
        add_lab_pages(&mut book, &sources);
        let mut chapters = Vec::new();
        book.for_each_chapter_mut(|chapter| chapters.push(chapter.clone()));
        let mut filled = expand(&sources, &chapters).into_iter();
        let mut seen = check::Seen::default();
        book.for_each_chapter_mut(|chapter| {
            let Some(one) = filled.next() else { return };
            chapter.content = one.content;
            seen.merge(one.seen);
            problems.extend(one.problems);
        });
        problems.extend(check::whole(&sources, &book, &seen));
        book.for_each_chapter_mut(|chapter| {
            chapter.content = pages::expand(&sources, chapter, &seen);
        });
        if problems.is_empty() { Ok(book) } else { Err(listed(problems)) }
    }

    fn supports_renderer(&self, renderer: &str) -> Result<bool> {
        Ok(renderer == "html")
    }
}

/// Every chapter filled, in their order; on all processors, for `mdbook serve` waits for it on each change.
fn expand(sources: &Sources, chapters: &[Chapter]) -> Vec<chapter::Filled> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    // Neighbours are alike in size, so no thread takes two in a row.
    let of = |first: usize| {
        let own = chapters.iter().enumerate().skip(first).step_by(processors);
        own.map(|(at, chapter)| (at, chapter::expand(sources, chapter))).collect::<Vec<_>>()
    };
    let mut filled = thread::scope(|scope| {
        let threads: Vec<_> = (1..processors).map(|first| scope.spawn(move || of(first))).collect();
        let own = of(0);
        let others = threads.into_iter().flat_map(sources::joined);
        own.into_iter().chain(others).collect::<Vec<_>>()
    });
    filled.sort_by_key(|(at, _)| *at);
    filled.into_iter().map(|(_, one)| one).collect()
}

/// Refuses an mdBook whose books this does not understand.
fn fits(version: &str) -> Result<()> {
    let wanted = VersionReq::parse(MDBOOK)?;
    match Version::parse(version) {
        Ok(found) if wanted.matches(&found) => Ok(()),
        _ => Err(Error::msg(format!(
            "mdBook is `{version}`, expected `{MDBOOK}`\n  next: cargo install mdbook --version 0.5.4 --locked"
        ))),
    }
}

/// A page for each lab that exists, below the page that lists the labs.
fn add_lab_pages(book: &mut Book, sources: &Sources) {
    book.for_each_mut(|item| {
        let BookItem::Chapter(index) = item else { return };
        if !directive::find(&index.content).iter().any(|found| found.name == "labs") {
            return;
        }
        for lab in &sources.labs {
            let id = &lab.lab.id;
            let mut parents = index.parent_names.clone();
            parents.push(index.name.clone());
            let name = format!("{} {}", lab.number(), lab.lab.title);
            let mut page = Chapter::new(&name, lab.page(), format!("labs/{id}.md"), parents);
            page.source_path = None;
            index.sub_items.push(page.into());
        }
    });
}

/// Every problem as one error, sorted by place.
fn listed(mut problems: Vec<lab_spec::Diagnostic>) -> Error {
    problems.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    problems.dedup();
    let count = problems.len();
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let noun = if count == 1 { "problem" } else { "problems" };
    Error::msg(format!("{count} {noun} in the book\n{}", lines.join("\n")))
}
