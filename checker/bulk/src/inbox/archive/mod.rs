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
    io::{self, Read as _, Seek as _},
    ops::ControlFlow,
    path::PathBuf,
    sync::mpsc::{Receiver, sync_channel},
    thread::{self, JoinHandle},
};

use lab_bundle::submission::{EVIDENCE, MANIFEST, SIGNATURE};

use self::survey::Survey;
use super::{Content, Item, names::Trail};
use crate::in_hand::{Hand, Held};

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
    /// What begins with these bytes; `None` is no archive that is opened.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        // What cannot be opened is for the reader of submissions to name.
        let opened = |kind| first(stream::Stream::open(kind, bytes).ok()?).ok();
        match bytes {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            [0x1f, 0x8b, ..] => name(&opened(Self::Gzip)?).map(|_| Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                let first = name(&opened(Self::Zstd)?);
                first.filter(|name| !OWN.contains(&name.as_str())).map(|_| Self::Zstd)
            }
            head => name(&first(head).ok()?).map(|_| Self::Tar),
        }
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
    reader: Option<JoinHandle<Result<(), Stop>>>,
    place: String,
    trail: Trail,
}

/// Why an archive is not read on.
enum Stop {
    /// It cannot be trusted as a whole.
    Fault(String),
    /// Nothing can be read any more, of whatever.
    Failed(String),
}

impl Archive {
    /// Its members; `hand` is the hand of the thread that reads them.
    ///
    /// # Errors
    /// Without a thread, nothing can be read.
    pub fn members(self, hand: &Hand) -> Result<Members, String> {
        let (send, items) = sync_channel(0);
        let (place, trail, hand) = (self.path.display().to_string(), self.trail.clone(), hand.clone());
        let reader = thread::Builder::new().name("inbox".to_owned()).spawn(move || {
            self.read(&hand, &mut |item| match send.send(item) {
                Ok(()) => ControlFlow::Continue(()),
                // Nobody wants more.
                Err(_) => ControlFlow::Break(()),
            })
        });
        let reader = Some(reader.map_err(|error| format!("cannot start a thread: {error}"))?);
        Ok(Members { items, reader, place, trail })
    }

    fn read(&self, hand: &Hand, send: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Result<(), Stop> {
        let place = self.path.display().to_string();
        let surveyed = hand.reading(&place, || Survey::of(self.kind, &self.file));
        let survey = surveyed.map_err(Stop::Failed)?.map_err(Stop::Fault)?;
        if survey.is_submission(self.kind) {
            for hint in self.trail.hints() {
                let content = Content::File(self.path.clone());
                if send(Item { place: place.clone(), hint, content }).is_break() {
                    break;
                }
            }
            return Ok(());
        }
        let mut reader = Reader { archive: self, survey, place, hand, held: None, sent: false };
        let mut failed = reader.take().err();
        let walked = walk(self.kind, &self.file, &mut |member| {
            reader.member(member, send).unwrap_or_else(|error| {
                failed = Some(error);
                ControlFlow::Break(())
            })
        });
        let put_away = reader.put_away();
        if let Some(error) = failed.or(put_away.err()) {
            return Err(Stop::Failed(error));
        }
        walked.map_err(Stop::Fault)?;
        match reader.sent {
            true => Ok(()),
            false => Err(Stop::Fault("is an archive with nothing in it, expected a submission".to_owned())),
        }
    }
}

/// Reads an archive's members. In hand is the archive, and while a member is
/// read, that one instead; nothing while somebody is waited for.
struct Reader<'a> {
    archive: &'a Archive,
    survey: Survey,
    place: String,
    hand: &'a Hand,
    held: Option<Held<'a>>,
    /// Whether it had anything in it.
    sent: bool,
}

impl Reader<'_> {
    fn take(&mut self) -> Result<(), String> {
        self.held = Some(self.hand.take_place(&self.place)?);
        Ok(())
    }

    fn put_away(&mut self) -> Result<(), String> {
        self.held.take().map_or(Ok(()), |held| self.hand.put_away(held))
    }

    fn member(
        &mut self,
        member: Member<'_>,
        send: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, String> {
        let mut place = format!("{}!{}", self.place, member.name);
        let Archive { trail, trusted, .. } = self.archive;
        let (trail, content) = match survey::parts(&member.name) {
            Ok(parts) if survey::is_passed_over(&parts) => return Ok(ControlFlow::Continue(())),
            Ok(parts) => {
                let trail = trail.with(&parts, |at| self.survey.known(&parts[..=at], *trusted));
                match self.survey.list(&parts).filter(|_| trail.is_nobodys()) {
                    Some(Ok(_)) => return Ok(ControlFlow::Continue(())),
                    Some(Err(why)) => (trail, Err(why.clone())),
                    None => {
                        self.put_away()?;
                        (trail, self.hand.reading(&place, || self.survey.read(member))?)
                    }
                }
            }
            // Nothing is concluded from a name that is refused.
            Err(why) => {
                place = format!("{}!{}", self.place, member.name.escape_debug());
                (trail.clone(), Err(format!("{why}; it was not read")))
            }
        };
        self.put_away()?;
        self.sent = true;
        for hint in trail.hints() {
            let (place, content) = (place.clone(), Content::Read(content.clone()));
            if send(Item { place, hint, content }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.take()?;
        Ok(ControlFlow::Continue(()))
    }
}

impl Iterator for Members {
    type Item = Result<Item, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Ok(item) = self.items.recv() {
            return Some(Ok(item));
        }
        let why = match self.reader.take()?.join() {
            Ok(Ok(())) => return None,
            Ok(Err(Stop::Fault(why))) => why,
            Ok(Err(Stop::Failed(error))) => return Some(Err(error)),
            Err(_) => "broke the reader of archives; this is a defect of labcheck, report it".to_owned(),
        };
        let hint = self.trail.hints().into_iter().next().unwrap_or_default();
        Some(Ok(Item { place: self.place.clone(), hint, content: Content::Read(Err(why)) }))
    }
}
