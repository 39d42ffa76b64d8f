//! `cargo xtask book`: the course's pages, built in one process with the same
//! preprocessor that `mdbook build book` calls.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::Context;
use mdbook_driver::MDBook;
use mdbook_labcheck::Labcheck;
use mdbook_preprocessor::{Preprocessor, PreprocessorContext, book::Book};

/// The preprocessor, with the time it took.
struct Timed(Arc<Mutex<Duration>>);

impl Preprocessor for Timed {
    fn name(&self) -> &str {
        Labcheck.name()
    }

    fn run(&self, context: &PreprocessorContext, book: Book) -> anyhow::Result<Book> {
        let begun = Instant::now();
        let book = Labcheck.run(context, book);
        if let Ok(mut took) = self.0.lock() {
            *took = begun.elapsed();
        }
        book
    }
}

/// Builds the book into `to`, or where `book.toml` says.
pub fn run(to: Option<PathBuf>) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the repository")?;
    let begun = Instant::now();
    let mut book = MDBook::load(root.join("book"))?;
    let to = std::path::absolute(to.unwrap_or_else(|| root.join("target/book")))?;
    book.config.build.build_dir.clone_from(&to);
    // In place of the program that `book.toml` names.
    let took = Arc::new(Mutex::new(Duration::ZERO));
    book.with_preprocessor(Timed(Arc::clone(&took)));
    book.build()?;
    let own = took.lock().map(|took| took.as_millis()).unwrap_or_default();
    println!("{}", to.join("index.html").display());
    eprintln!("{} ms, of which the preprocessor took {own} ms", begun.elapsed().as_millis());
    Ok(())
}
