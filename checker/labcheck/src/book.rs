//! The built book: built in a checkout, found beside an installed binary.

#[cfg(feature = "book")]
mod build;

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::{failure::Failure, progress::Progress};

/// The folder of the built book: the one named; in a checkout the one built
/// there, now if its sources changed; else the one that came with the binary.
///
/// # Errors
/// There is none, or its sources have problems.
pub fn find(named: Option<&Path>, progress: Progress) -> Result<PathBuf, Failure> {
    if let Some(named) = named {
        return built(named).map(|()| named.to_owned());
    }
    if let Some(book) = of_checkout(progress) {
        return book;
    }
    let executable = env::current_exe().ok().and_then(|path| path.canonicalize().ok());
    let folder = executable.as_deref().and_then(Path::parent);
    let mut beside =
        folder.into_iter().flat_map(|folder| [folder.join("book"), folder.join("../share/labcheck/book")]);
    beside.find(|book| built(book).is_ok()).ok_or_else(|| {
        Failure::usage("no built book lies beside this labcheck")
            .next("`--book DIR` names one; `cargo xtask book` builds it in a checkout")
    })
}

/// Whether a folder holds a built book.
fn built(folder: &Path) -> Result<(), Failure> {
    let shown = folder.display();
    if folder.join("index.html").is_file() {
        return Ok(());
    }
    if folder.join("book.toml").is_file() {
        return Err(Failure::usage(format!("`{shown}` is the source of a book, expected a built one"))
            .next("`cargo xtask book` builds it and says where; or leave `--book` out in a checkout"));
    }
    let what =
        if folder.is_dir() { "has no `index.html`: it is no built book" } else { "is not a directory" };
    Err(Failure::usage(format!("`{shown}` {what}")).next("`cargo xtask book` builds one and says where"))
}

/// The book of the checkout this program was built in, if it was.
#[cfg(feature = "book")]
fn of_checkout(progress: Progress) -> Option<Result<PathBuf, Failure>> {
    crate::checkout::root().map(|root| build::build(&root, progress))
}

/// A program without mdBook in it builds nothing.
#[cfg(not(feature = "book"))]
fn of_checkout(_: Progress) -> Option<Result<PathBuf, Failure>> {
    None
}
