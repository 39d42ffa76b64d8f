//! What was handed in, given out to many threads. What a file is, is told by
//! the thread that reads it, beside the others.

use std::{
    path::PathBuf,
    sync::{Condvar, Mutex},
};

use super::{Found, Hint, Inbox, Item, Next, archive::Archive};
use crate::in_hand::Hand;

/// What was handed in, for many threads.
pub struct Queue {
    inbox: Mutex<Inbox>,
    /// Never held while something else is waited for.
    unseen: Mutex<Count>,
    changed: Condvar,
}

/// Files that were given out and may be archives.
#[derive(Default)]
struct Count {
    unseen: usize,
    /// How many have been looked at.
    seen: usize,
}

/// What a thread is given.
pub enum Given<'q> {
    /// Of an archive.
    Item(Item),
    /// A file, which may be an archive.
    File(Unseen<'q>),
}

/// A file that was not looked at yet. Who has nothing to do waits for it: it
/// may be an archive with work for all.
pub struct Unseen<'q> {
    queue: &'q Queue,
    found: Found,
}

impl Queue {
    /// What is in `files`, in their order. `roots` are the paths that the user
    /// named; `hand` is that of the thread that reads archives.
    pub fn new(files: Vec<PathBuf>, roots: &[PathBuf], hand: Hand) -> Self {
        let inbox = Mutex::new(Inbox::new(files, roots, hand));
        Self { inbox, unseen: Mutex::default(), changed: Condvar::new() }
    }

    /// The next thing; `None` when all is given out. Whoever asks may have
    /// nothing in hand.
    ///
    /// # Errors
    /// Nothing can be read any more.
    pub fn next(&self) -> Result<Option<Given<'_>>, String> {
        loop {
            let mut inbox = self.inbox.lock().map_err(|_| broke())?;
            let next = inbox.next().transpose()?;
            let mut count = self.unseen.lock().map_err(|_| broke())?;
            match next {
                Some(Next::Item(item)) => return Ok(Some(Given::Item(item))),
                Some(Next::File(found)) => {
                    count.unseen += 1;
                    return Ok(Some(Given::File(Unseen { queue: self, found })));
                }
                None if count.unseen == 0 => return Ok(None),
                None => {
                    drop(inbox);
                    let seen = count.seen;
                    let waited = self.changed.wait_while(count, |count| count.seen == seen);
                    drop(waited.map_err(|_| broke())?);
                }
            }
        }
    }
}

fn broke() -> String {
    "a thread that judges broke".to_owned()
}

impl Unseen<'_> {
    /// Its bytes, of a large file the first ones.
    ///
    /// # Errors
    /// Why they cannot be had.
    pub fn bytes(&self) -> Result<Vec<u8>, String> {
        self.found.bytes()
    }

    /// Its place, and what that says: several times if a group handed it in.
    pub fn places(&self) -> Vec<(String, Hint)> {
        self.found.places()
    }

    /// The archive that these bytes of it begin; `None`: it is none.
    pub fn archive(&self, bytes: &[u8]) -> Option<Archive> {
        self.found.archive(bytes)
    }

    /// It is an archive: its members are given out. Whoever says so may have
    /// nothing in hand.
    ///
    /// # Errors
    /// Another thread broke.
    pub fn open(self, archive: Archive) -> Result<(), String> {
        self.queue.inbox.lock().map_err(|_| broke())?.open(archive);
        Ok(())
    }
}

impl Drop for Unseen<'_> {
    fn drop(&mut self) {
        if let Ok(mut count) = self.queue.unseen.lock() {
            count.unseen -= 1;
            count.seen += 1;
        }
        self.queue.changed.notify_all();
    }
}
