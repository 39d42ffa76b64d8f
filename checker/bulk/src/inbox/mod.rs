//! What was handed in, as it lies in a directory: submissions, and the
//! archives that learning platforms wrap them in.
//!
//! Everything is read into memory, one submission at a time, and nothing is
//! written, followed or unpacked.

mod archive;
mod gradescope;
mod names;
mod queue;

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Read as _},
    iter,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    vec,
};

use jiff::Timestamp;
use lab_bundle::submission::MAX_BYTES;

pub use self::queue::{Given, Queue, Unseen};
use self::{
    archive::{Archive, Kind, Members},
    gradescope::Metadata,
    names::Trail,
};
use crate::in_hand::Hand;

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
/// named: what a path says of a student begins there. An error ends it.
pub fn items(files: Vec<PathBuf>, roots: &[PathBuf]) -> impl Iterator<Item = Result<Item, String>> + Send {
    let mut inbox = Inbox::new(files, roots, Hand::of_nobody());
    let mut ready = VecDeque::new();
    iter::from_fn(move || {
        loop {
            if let Some(item) = ready.pop_front() {
                return Some(Ok(item));
            }
            match inbox.next()? {
                Ok(Next::Item(item)) => return Some(Ok(item)),
                Ok(Next::File(file)) => match file.bytes() {
                    Ok(bytes) if let Some(archive) = file.archive(&bytes) => inbox.open(archive),
                    bytes => ready.extend(file.places().into_iter().map(|(place, hint)| {
                        let content = Content::Read(bytes.clone());
                        Item { place, hint, content }
                    })),
                },
                Err(error) => return Some(Err(error)),
            }
        }
    })
}

/// Goes through what was handed in.
struct Inbox {
    files: vec::IntoIter<PathBuf>,
    roots: Vec<PathBuf>,
    /// Archives that are to be read.
    archives: VecDeque<Archive>,
    /// The archive that is being read.
    open: Option<Members>,
    /// Export lists in the directories above the last file.
    lists: Vec<(PathBuf, Option<Result<Metadata, String>>)>,
    /// Where it stands what is being read.
    hand: Hand,
}

/// What comes next.
enum Next {
    /// Of an archive.
    Item(Item),
    /// A file that nobody has looked at yet.
    File(Found),
}

/// A file, and what its path says.
struct Found {
    path: PathBuf,
    trail: Trail,
    /// Whether the user named it.
    named: bool,
    /// Why it is not read.
    fault: Option<String>,
}

impl Found {
    /// Its bytes, of a large file the first ones.
    fn bytes(&self) -> Result<Vec<u8>, String> {
        match &self.fault {
            Some(why) => Err(why.clone()),
            None => read(&self.path),
        }
    }

    /// The archive that these bytes of it begin; `None`: it is none.
    fn archive(&self, bytes: &[u8]) -> Option<Archive> {
        let kind = Kind::of(bytes)?;
        // What cannot be opened again shows when it is read again.
        let file = open(&self.path).ok()?;
        Some(Archive { path: self.path.clone(), file, kind, trail: self.trail.clone(), trusted: self.named })
    }

    /// Its place, and what that says: several times if a group handed it in.
    fn places(&self) -> Vec<(String, Hint)> {
        let place = self.path.display().to_string();
        self.trail.hints().into_iter().map(|hint| (place.clone(), hint)).collect()
    }
}

impl Inbox {
    fn new(files: Vec<PathBuf>, roots: &[PathBuf], hand: Hand) -> Self {
        let (roots, archives) = (roots.to_vec(), VecDeque::new());
        Self { files: files.into_iter(), roots, archives, open: None, lists: Vec::new(), hand }
    }

    /// The archive is read before what comes behind it.
    fn open(&mut self, archive: Archive) {
        self.archives.push_back(archive);
    }

    fn next(&mut self) -> Option<Result<Next, String>> {
        loop {
            if let Some(members) = &mut self.open {
                match members.next() {
                    Some(item) => return Some(item.map(Next::Item)),
                    None => self.open = None,
                }
            }
            let found = match self.archives.pop_front() {
                Some(archive) => archive.members(&self.hand).map(|members| {
                    self.open = Some(members);
                    None
                }),
                None => {
                    let path = self.files.next()?;
                    self.file(path)
                }
            };
            match found {
                Ok(Some(file)) => return Some(Ok(Next::File(file))),
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// A file that was handed in; `None` for an export's list, which is no
    /// submission.
    fn file(&mut self, path: PathBuf) -> Result<Option<Found>, String> {
        let trail = self.trail(&path)?;
        let is_list = path.file_name().is_some_and(|name| name == gradescope::FILE) && trail.is_nobodys();
        let fault = match path.parent().filter(|_| is_list) {
            Some(dir) => match self.list(dir)? {
                Some(Ok(_)) => return Ok(None),
                Some(Err(why)) => Some(why.clone()),
                None => None,
            },
            None => None,
        };
        let named = self.roots.contains(&path);
        Ok(Some(Found { path, trail, named, fault }))
    }

    /// The names from the path that the user named inwards, that one's included.
    fn trail(&mut self, path: &Path) -> Result<Trail, String> {
        let roots = self.roots.iter().filter(|root| path.starts_with(root));
        let root = roots.min_by_key(|root| root.components().count()).cloned().unwrap_or_default();
        let above = root.parent().unwrap_or(Path::new("")).to_owned();
        let below = path.strip_prefix(&above).unwrap_or(path);
        let names: Vec<_> = below.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        let parts: Vec<_> = names.iter().map(String::as_str).collect();
        let mut dir = above;
        let shown = |path: &Path| path.display().to_string().len();
        let mut known = Vec::new();
        for part in &parts {
            let list = self.list(&dir)?;
            known.push(list.and_then(|list| list.as_ref().ok()?.get(part).cloned()));
            dir.push(part);
        }
        let trail = Trail::below(shown(path).saturating_sub(shown(below)));
        Ok(trail.with(&parts, |at| known[at].take()))
    }

    /// The export list that stands in this directory.
    fn list(&mut self, dir: &Path) -> Result<Option<&Result<Metadata, String>>, String> {
        // Files come sorted: what is not above this one will not be needed again.
        self.lists.retain(|(known, _)| dir.starts_with(known));
        let at = match self.lists.iter().position(|(known, _)| known == dir) {
            Some(at) => at,
            None => {
                let path = dir.join(gradescope::FILE);
                let list = match path.symlink_metadata() {
                    Ok(_) => Some(self.hand.reading(&path.display().to_string(), || {
                        let text = read_at_most(&path, gradescope::MAX_BYTES)?;
                        match text.len() as u64 > gradescope::MAX_BYTES {
                            true => Err(format!("is larger than {} MiB", gradescope::MAX_BYTES >> 20)),
                            false => Metadata::parse(&text),
                        }
                    })?),
                    Err(_) => None,
                };
                self.lists.push((dir.to_owned(), list));
                self.lists.len() - 1
            }
        };
        Ok(self.lists[at].1.as_ref())
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
