//! The book as readers get it, and what its authors are told when something is
//! wrong.

#![allow(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

mod built;
mod claims;
mod goldens;
mod problems;
mod protocol;
mod secrets;

use std::{
    fs,
    path::{Path, PathBuf},
};

use mdbook_driver::MDBook;
use mdbook_labcheck::Labcheck;

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Builds a book's pages into a folder, as `cargo xtask book` does.
fn build(book: &Path, to: &Path) -> Result<(), String> {
    let mut book = MDBook::load(book).map_err(|error| format!("{error:#}"))?;
    book.config.build.build_dir = to.to_owned();
    book.with_preprocessor(Labcheck);
    book.build().map_err(|error| format!("{error:#}"))
}

/// Every file of a folder with this extension.
fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|known| known == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Copies a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for path in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
