//! A checkout's book, built in process with the preprocessor that
//! `mdbook build book` calls.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use mdbook_driver::MDBook;
use mdbook_labcheck::Labcheck;
use sha2::{Digest as _, Sha256};

use super::built;
use crate::{failure::Failure, labs, progress::Progress};

/// Says of what a built book was built.
const STAMP: &str = ".built-from";

/// Builds the checkout's book, unless that was done from the same sources.
pub(super) fn build(root: &Path, progress: Progress) -> Result<PathBuf, Failure> {
    let unreadable = |error: io::Error| Failure::usage(format!("cannot read the book's sources: {error}"));
    let to = root.join("target/labcheck-book");
    let digest = sources(root).map_err(unreadable)?;
    if fs::read_to_string(to.join(STAMP)).is_ok_and(|from| from == digest) && built(&to).is_ok() {
        return Ok(to);
    }
    let step = progress.step("building the book");
    let broken =
        |error: mdbook_driver::errors::Error| Failure::usage(format!("the book is broken: {error:#}"));
    let cannot =
        |error: io::Error| Failure::unobservable(format!("cannot write `{}`: {error}", to.display()));
    // Whole or not there, also while another `serve` shows the old one.
    let parent = root.join("target");
    fs::create_dir_all(&parent).map_err(cannot)?;
    let fresh = tempfile::Builder::new().prefix("labcheck-book-").tempdir_in(&parent).map_err(cannot)?;
    let mut book = MDBook::load(root.join("book")).map_err(broken)?;
    book.config.build.build_dir = fresh.path().join("book");
    book.with_preprocessor(Labcheck);
    book.build().map_err(broken)?;
    fs::write(fresh.path().join("book").join(STAMP), digest).map_err(cannot)?;
    if to.exists() {
        fs::rename(&to, fresh.path().join("old")).map_err(cannot)?;
    }
    fs::rename(fresh.path().join("book"), &to).map_err(cannot)?;
    step.done("built");
    Ok(to)
}

/// A digest of all that a built book is made of: this program too.
fn sources(root: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    labs::walk(&root.join("book"), &mut files);
    for lab in fs::read_dir(root.join("labs"))? {
        let lab = lab?.path();
        files.push(lab.join("lab.yaml"));
        labs::walk(&lab.join("console"), &mut files);
    }
    files.sort();
    let mut hash = Sha256::new();
    for path in files {
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                continue;
            }
            Err(error) => return Err(error),
        };
        for piece in [path.as_os_str().as_encoded_bytes(), &text] {
            hash.update((piece.len() as u64).to_be_bytes());
            hash.update(piece);
        }
    }
    let program = fs::metadata(env::current_exe()?)?;
    let written = program.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    hash.update(format!("{} {}", program.len(), written.as_nanos()));
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
