//! Archives that learning platforms, and teachers, wrap submissions in.
//!
//! An archive is read twice: once from end to end to see that it is whole and
//! what its export says of whom, and once for its members. So one that is cut
//! off gives no grade to half a class. Members are read into memory, one at a
//! time, and never opened further.

mod limits;
mod stream;
mod survey;
mod tar;
mod zip;

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    ops::ControlFlow,
    path::PathBuf,
    sync::mpsc::{Receiver, sync_channel},
    thread::{self, JoinHandle},
};

use lab_bundle::submission::{EVIDENCE, MANIFEST, SIGNATURE};

use self::survey::Survey;
use super::{Content, Item, names::Trail};

/// The kinds of archive that are opened, told by content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A zip archive.
    Zip,
    /// A tar archive.
    Tar,
    /// A tar archive in gzip.
    Gzip,
    /// A tar archive in zstd that is no submission at first sight.
    Zstd,
}

/// Names of a submission's members.
const OWN: [&str; 3] = [MANIFEST, EVIDENCE, SIGNATURE];
/// Bytes of one tar header.
const BLOCK: u64 = 512;

impl Kind {
    /// What the file is, by its first bytes; `None` is no archive that is
    /// opened. The file is read from its beginning afterwards.
    ///
    /// # Errors
    /// What the file system says.
    pub fn of(file: &mut File) -> io::Result<Option<Self>> {
        let head = first(&mut *file)?;
        file.rewind()?;
        let opened = |kind| {
            let stream = stream::Stream::open(kind, file.try_clone()?)?;
            // What cannot be opened is for the reader of submissions to name.
            Ok::<_, io::Error>(first(stream).unwrap_or_default())
        };
        let kind = match &head[..] {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            [0x1f, 0x8b, ..] => name(&opened(Self::Gzip)?).map(|_| Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                let first = name(&opened(Self::Zstd)?);
                first.filter(|name| !OWN.contains(&name.as_str())).map(|_| Self::Zstd)
            }
            head => name(head).map(|_| Self::Tar),
        };
        file.seek(SeekFrom::Start(0))?;
        Ok(kind)
    }
}

fn first(reader: impl io::Read) -> io::Result<Vec<u8>> {
    let mut block = Vec::new();
    reader.take(BLOCK).read_to_end(&mut block)?;
    Ok(block)
}

/// The first member's name, if this is a tar header.
fn name(block: &[u8]) -> Option<String> {
    let mut archive = ::tar::Archive::new(block);
    let entry = archive.entries().ok()?.raw(true).next()?.ok()?;
    Some(String::from_utf8_lossy(&entry.path_bytes()).into_owned())
}

/// A file in an archive.
struct Member<'a> {
    /// Its path, as the archive has it.
    name: String,
    /// Why it is not read.
    fault: Option<String>,
    /// Reads it; it may have this many bytes.
    read: &'a mut dyn FnMut(u64) -> Result<Vec<u8>, String>,
}

type Visit<'v> = dyn FnMut(Member<'_>) -> ControlFlow<()> + 'v;

/// Goes through all files of an archive, until the visitor has seen enough.
///
/// # Errors
/// Why the archive cannot be trusted as a whole.
fn walk(kind: Kind, file: &File, visit: &mut Visit<'_>) -> Result<(), String> {
    let mut file = file.try_clone().map_err(|error| limits::told(&error))?;
    file.rewind().map_err(|error| limits::told(&error))?;
    match kind {
        Kind::Zip => zip::walk(&file, visit),
        Kind::Tar | Kind::Gzip | Kind::Zstd => tar::walk(kind, file, visit),
    }
}

/// An archive to be opened.
pub struct Archive {
    /// The archive's path.
    pub path: PathBuf,
    /// It, open.
    pub file: File,
    /// What it is.
    pub kind: Kind,
    /// Where it lies.
    pub trail: Trail,
    /// Whether its word is the platform's: an archive that the user named, not
    /// one that was found among what students handed in.
    pub trusted: bool,
}

/// What is in an archive. A thread of its own reads it; it is never more than
/// one member ahead.
pub struct Members {
    items: Receiver<Item>,
    reader: Option<JoinHandle<Result<(), String>>>,
    place: String,
    trail: Trail,
}

impl Archive {
    /// Its members.
    ///
    /// # Errors
    /// Without a thread, nothing can be read.
    pub fn members(self) -> io::Result<Members> {
        let (send, items) = sync_channel(0);
        let (place, trail) = (self.path.display().to_string(), self.trail.clone());
        let reader = thread::Builder::new().name("inbox".to_owned()).spawn(move || {
            self.read(&mut |item| match send.send(item) {
                Ok(()) => ControlFlow::Continue(()),
                // Nobody wants more.
                Err(_) => ControlFlow::Break(()),
            })
        })?;
        Ok(Members { items, reader: Some(reader), place, trail })
    }

    fn read(&self, send: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Result<(), String> {
        let place = self.path.display().to_string();
        let survey = Survey::of(self.kind, &self.file)?;
        if survey.is_submission(self.kind) {
            for hint in self.trail.hints() {
                let content = Content::File(self.path.clone());
                if send(Item { place: place.clone(), hint, content }).is_break() {
                    return Ok(());
                }
            }
            return Ok(());
        }
        let mut sent = false;
        walk(self.kind, &self.file, &mut |member| {
            let mut name = member.name.clone();
            let (trail, content) = match survey::parts(&member.name) {
                Ok(parts) if survey::is_passed_over(&parts) => return ControlFlow::Continue(()),
                Ok(parts) => {
                    let trail = self.trail.with(&parts, |at| survey.known(&parts[..=at], self.trusted));
                    match survey.list(&parts).filter(|_| trail.is_nobodys()) {
                        Some(Ok(_)) => return ControlFlow::Continue(()),
                        Some(Err(why)) => (trail, Err(why.clone())),
                        None => (trail, survey.read(member)),
                    }
                }
                // Nothing is concluded from a name that is refused.
                Err(why) => {
                    name = name.escape_debug().to_string();
                    (self.trail.clone(), Err(format!("{why}; it was not read")))
                }
            };
            sent = true;
            for hint in trail.hints() {
                let place = format!("{place}!{name}");
                send(Item { place, hint, content: Content::Read(content.clone()) })?;
            }
            ControlFlow::Continue(())
        })?;
        if sent { Ok(()) } else { Err("is an archive with nothing in it, expected a submission".to_owned()) }
    }
}

impl Iterator for Members {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        if let Ok(item) = self.items.recv() {
            return Some(item);
        }
        let why = match self.reader.take()?.join() {
            Ok(Ok(())) => return None,
            Ok(Err(why)) => why,
            Err(_) => "broke the reader of archives; this is a defect of labcheck, report it".to_owned(),
        };
        let hint = self.trail.hints().into_iter().next().unwrap_or_default();
        Some(Item { place: self.place.clone(), hint, content: Content::Read(Err(why)) })
    }
}
