//! `cargo xtask book`: the course's pages, built in one process with the same
//! preprocessor that `mdbook build book` calls.

use std::path::{Path, PathBuf};

use anyhow::Context;
use mdbook_driver::MDBook;
use mdbook_labcheck::Labcheck;

/// Builds the book into `to`, or where `book.toml` says.
pub fn run(to: Option<PathBuf>) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(1).context("the repository")?;
    let mut book = MDBook::load(root.join("book"))?;
    if let Some(to) = to {
        book.config.build.build_dir = std::path::absolute(to)?;
    }
    // In place of the program that `book.toml` names.
    book.with_preprocessor(Labcheck);
    book.build()?;
    println!("{}", book.build_dir_for("html").join("index.html").display());
    Ok(())
}
