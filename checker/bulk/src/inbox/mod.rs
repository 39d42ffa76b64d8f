//! What was handed in, as it lies in a directory: submissions, and the
//! archives that learning platforms wrap them in.
//!
//! Everything is read into memory, one submission at a time, and nothing is
//! written, followed or unpacked.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use lab_bundle::submission::MAX_BYTES;

/// One thing that was handed in.
#[derive(Debug)]
pub struct Item {
    /// A path, or an archive's path, `!` and the path in it.
    pub place: String,
    /// What its place says of who handed it in and when.
    pub hint: Hint,
    /// Where its bytes are.
    pub content: Content,
}

/// Where something's bytes are.
#[derive(Debug)]
pub enum Content {
    /// In a file of its own.
    File(PathBuf),
    /// Read from an archive, or why they cannot be.
    Read(Result<Vec<u8>, String>),
}

impl Content {
    /// The bytes.
    ///
    /// # Errors
    /// Why they cannot be had.
    pub fn bytes(self) -> Result<Vec<u8>, String> {
        match self {
            Self::File(path) => read(&path),
            Self::Read(bytes) => bytes,
        }
    }
}

/// What a place says of who handed something in and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// The roster's column and the value in it that tell the student, the
    /// surest first.
    pub student: Vec<(&'static str, String)>,
    /// When the platform received it.
    pub received: Option<Timestamp>,
    /// Whether the platform says that it came late, without saying when.
    pub late: bool,
}

/// The largest number of files in one directory tree.
const MAX_FILES: usize = 1_000_000;

/// Every file that `paths` name, sorted by path: directories with all below
/// them, files as they are. Hidden files and links below a directory are passed
/// over.
///
/// # Errors
/// A path that is not there or cannot be read, or too many files.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for path in paths {
        let meta = fs::symlink_metadata(path).map_err(|error| format!("`{}`: {error}", path.display()))?;
        match meta.is_dir() {
            true => below(path, &mut found)?,
            false => found.push(path.clone()),
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// What is in `files`, in their order. `roots` are the paths that the user
/// named: what a path says of a student begins below them.
pub fn items(files: Vec<PathBuf>, roots: &[PathBuf]) -> impl Iterator<Item = Item> + Send {
    let _ = roots;
    files.into_iter().map(|path| Item {
        place: path.display().to_string(),
        hint: Hint::default(),
        content: Content::File(path),
    })
}

fn below(dir: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let cannot = |error: io::Error| format!("`{}` cannot be read: {error}", dir.display());
    for entry in fs::read_dir(dir).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let kind = entry.file_type().map_err(cannot)?;
        if kind.is_dir() {
            below(&entry.path(), found)?;
        } else {
            found.push(entry.path());
        }
        if found.len() > MAX_FILES {
            return Err(format!("`{}` holds more than {MAX_FILES} files", dir.display()));
        }
    }
    Ok(())
}

/// Reads a file that somebody else put there: no links are followed, and a
/// pipe does not make us wait.
///
/// # Errors
/// Why it cannot be had, in words that can be sent to whoever handed it in.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut file = open(path)?;
    let mut bytes = Vec::new();
    file.by_ref()
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot be read: {error}"))?;
    Ok(bytes)
}

fn open(path: &Path) -> Result<File, String> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|error| {
        match fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) {
            true => "is a link, expected a file".to_owned(),
            false => format!("cannot be read: {error}"),
        }
    })?;
    match file.metadata() {
        Ok(meta) if meta.is_file() => Ok(file),
        Ok(_) => Err("is no regular file".to_owned()),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}
