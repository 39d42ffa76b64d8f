//! What was handed in, as it lies in a directory: submissions, and the
//! archives that learning platforms wrap them in.
//!
//! Everything is read into memory, one submission at a time, and nothing is
//! written, followed or unpacked.

mod archive;
mod gradescope;
mod names;

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    vec,
};

use jiff::Timestamp;
use lab_bundle::submission::MAX_BYTES;

use self::{
    archive::{Archive, Kind, Members},
    gradescope::Metadata,
    names::Trail,
};

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
    /// What a platform says of the student, the surest first. It goes before
    /// what a submission says of itself.
    pub student: Vec<Clue>,
    /// Where in the place the path begins that the user named. One of the names
    /// from there on may be a student's, if neither a platform nor the
    /// submission itself says whose it is.
    pub below: usize,
    /// When the platform received it.
    pub received: Option<Timestamp>,
    /// Whether the platform says that it came late, without saying when.
    pub late: bool,
}

impl Item {
    /// Names in a place that may be a student's, the innermost first.
    pub fn names(place: &str, hint: &Hint) -> Vec<String> {
        names::guesses(place.get(hint.below..).unwrap_or_default())
    }
}

/// A column of the roster, and the value in it.
pub type Clue = (&'static str, String);

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
/// named: what a path says of a student begins there.
pub fn items(files: Vec<PathBuf>, roots: &[PathBuf]) -> impl Iterator<Item = Item> + Send {
    Inbox {
        files: files.into_iter(),
        roots: roots.to_vec(),
        ready: VecDeque::new(),
        open: None,
        lists: Vec::new(),
    }
}

struct Inbox {
    files: vec::IntoIter<PathBuf>,
    roots: Vec<PathBuf>,
    /// What is next; a file that a group handed in is several.
    ready: VecDeque<Item>,
    /// The archive that is being read.
    open: Option<Members>,
    /// Export lists in the directories above the last file.
    lists: Vec<(PathBuf, Option<Result<Metadata, String>>)>,
}

impl Iterator for Inbox {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            if let Some(members) = &mut self.open {
                match members.next() {
                    Some(item) => return Some(item),
                    None => self.open = None,
                }
            }
            let path = self.files.next()?;
            self.file(path);
        }
    }
}

impl Inbox {
    fn file(&mut self, path: PathBuf) {
        let trail = self.trail(&path);
        let is_list = path.file_name().is_some_and(|name| name == gradescope::FILE) && trail.is_nobodys();
        let content = match is_list.then(|| path.parent().and_then(|dir| self.list(dir))).flatten() {
            Some(Ok(_)) => return,
            Some(Err(why)) => Content::Read(Err(why.clone())),
            None => match open(&path).map(|mut file| Kind::of(&mut file).map(|kind| (file, kind))) {
                Ok(Ok((file, Some(kind)))) => {
                    let trusted = self.roots.contains(&path);
                    let archive = Archive { path: path.clone(), file, kind, trail: trail.clone(), trusted };
                    match archive.members() {
                        Ok(members) => {
                            self.open = Some(members);
                            return;
                        }
                        Err(error) => Content::Read(Err(format!("cannot be read: {error}"))),
                    }
                }
                // What is wrong with others shows when they are read.
                _ => Content::File(path.clone()),
            },
        };
        let place = path.display().to_string();
        for hint in trail.hints() {
            let content = match &content {
                Content::File(path) => Content::File(path.clone()),
                Content::Read(bytes) => Content::Read(bytes.clone()),
            };
            self.ready.push_back(Item { place: place.clone(), hint, content });
        }
    }

    /// The names from the path that the user named inwards, that one's included.
    fn trail(&mut self, path: &Path) -> Trail {
        let roots = self.roots.iter().filter(|root| path.starts_with(root));
        let root = roots.min_by_key(|root| root.components().count()).cloned().unwrap_or_default();
        let above = root.parent().unwrap_or(Path::new("")).to_owned();
        let below = path.strip_prefix(&above).unwrap_or(path);
        let names: Vec<_> = below.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        let parts: Vec<_> = names.iter().map(String::as_str).collect();
        let mut dir = above;
        let shown = |path: &Path| path.display().to_string().len();
        Trail::below(shown(path).saturating_sub(shown(below))).with(&parts, |at| {
            let said = self.list(&dir).and_then(|list| list.as_ref().ok()?.get(parts[at]).cloned());
            dir.push(parts[at]);
            said
        })
    }

    /// The export list that stands in this directory.
    fn list(&mut self, dir: &Path) -> Option<&Result<Metadata, String>> {
        // Files come sorted: what is not above this one will not be needed again.
        self.lists.retain(|(known, _)| dir.starts_with(known));
        let at = self.lists.iter().position(|(known, _)| known == dir).unwrap_or_else(|| {
            let path = dir.join(gradescope::FILE);
            let list = path.symlink_metadata().is_ok().then(|| {
                let text = read_at_most(&path, gradescope::MAX_BYTES)?;
                match text.len() as u64 > gradescope::MAX_BYTES {
                    true => Err(format!("is larger than {} MiB", gradescope::MAX_BYTES >> 20)),
                    false => Metadata::parse(&text),
                }
            });
            self.lists.push((dir.to_owned(), list));
            self.lists.len() - 1
        });
        self.lists[at].1.as_ref()
    }
}

/// Whether it is what operating systems leave behind.
fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || matches!(name, "__MACOSX" | "Thumbs.db" | "desktop.ini")
}

fn below(dir: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let cannot = |error: io::Error| format!("`{}` cannot be read: {error}", dir.display());
    for entry in fs::read_dir(dir).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        if is_hidden(&entry.file_name().to_string_lossy()) {
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
    read_at_most(path, MAX_BYTES)
}

/// The same of no more than `limit` bytes and one.
fn read_at_most(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let mut file = open(path)?;
    let mut bytes = Vec::new();
    file.by_ref()
        .take(limit + 1)
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
