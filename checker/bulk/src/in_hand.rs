//! What was being read or judged when a process died.
//!
//! A defect of ours or of a decoder, a stack that runs over and a lack of
//! memory end the whole process. What each thread has in hand therefore stands
//! in a file, which outlives it: see [`crate::supervise`].

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process,
    sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard},
    thread,
};

use sha2::{Digest as _, Sha256};

/// A SHA-256 in hexadecimal and a line break.
const SLOT: usize = 65;

/// Why there is nothing of what ended the process that read it.
pub const BROKEN: &str = "reading it failed; this is a defect of labcheck, not yours";

/// What to do where something cannot be written.
pub const MAKE_ROOM: &str = "see that it can be written to, make room, and run the same command again";

/// The files of one output directory.
pub struct Files {
    in_hand: PathBuf,
    suspects: PathBuf,
    broken: PathBuf,
}

impl Files {
    /// Those in `out`.
    pub fn of(out: &Path) -> Self {
        let file = |name| out.join(name);
        Self { in_hand: file(".in-hand"), suspects: file(".suspects"), broken: file(".broken") }
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// What the file system says.
    pub fn clear(&self) -> io::Result<()> {
        for path in [&self.in_hand, &self.suspects, &self.broken] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Learns from a process that died: what it had in hand is suspect, and a
    /// suspect that it had alone is what broke it. Says whether anything was
    /// learnt.
    ///
    /// # Errors
    /// What the file system says.
    pub fn learn(&self) -> io::Result<bool> {
        let in_hand = read(&self.in_hand)?;
        let mut suspects = read(&self.suspects)?;
        let mut broken = read(&self.broken)?;
        let known = suspects.len() + broken.len();
        match in_hand.first() {
            Some(only) if in_hand.len() == 1 && suspects.contains(only) => {
                broken.insert(only.clone());
                suspects.remove(only);
                write(&self.broken, &broken)?;
                write(&self.suspects, &suspects)?;
                fs::write(&self.in_hand, "")?;
                return Ok(true);
            }
            _ => suspects.extend(in_hand),
        }
        write(&self.suspects, &suspects)?;
        fs::write(&self.in_hand, "")?;
        Ok(suspects.len() + broken.len() > known)
    }
}

/// What one process has in hand.
pub struct InHand {
    file: File,
    out: PathBuf,
    suspects: BTreeSet<String>,
    broken: BTreeSet<String>,
    alone: RwLock<()>,
    told: fn(&str),
}

impl InHand {
    /// Opens the files in `out`, with room for this many threads. `told` hears
    /// the place of what is read, before it is read.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(out: &Path, threads: usize, told: fn(&str)) -> Result<Arc<Self>, String> {
        let files = Files::of(out);
        let open = || {
            let (suspects, broken) = (read(&files.suspects)?, read(&files.broken)?);
            let file = File::create(&files.in_hand)?;
            // All of it at once, so that a disk that fills up later stops no thread.
            file.write_all_at(format!("{:<width$}\n", "", width = SLOT - 1).repeat(threads).as_bytes(), 0)?;
            let (out, alone) = (out.to_owned(), RwLock::new(()));
            Ok(Arc::new(Self { file, out, suspects, broken, alone, told }))
        };
        open().map_err(|error| cannot(out, &error))
    }
}

/// Where one thread says what it has in hand.
#[derive(Clone)]
pub struct Hand(Option<(Arc<InHand>, usize)>);

/// Held while something is read or judged.
pub enum Held<'a> {
    /// Beside others.
    Shared(Option<RwLockReadGuard<'a, ()>>),
    /// Alone, because it is suspect.
    Alone(RwLockWriteGuard<'a, ()>),
    /// Not at all: it broke a process before.
    Broken,
}

impl Drop for Held<'_> {
    /// Where a panic unwinds, as in debug builds, it ends the process as it
    /// does in releases.
    fn drop(&mut self) {
        if thread::panicking() {
            process::abort();
        }
    }
}

impl Hand {
    /// The hand of a thread; they are numbered from 0.
    pub fn of(in_hand: &Arc<InHand>, thread: usize) -> Self {
        Self(Some((Arc::clone(in_hand), thread)))
    }

    /// Of a process whose death nobody learns from.
    pub fn of_nobody() -> Self {
        Self(None)
    }

    /// Takes something in hand: the hash of a submission, or [`key`]. Whoever
    /// holds it waits for no other thread.
    ///
    /// # Errors
    /// What the file system says.
    pub fn take(&self, key: &str) -> Result<Held<'_>, String> {
        let Some((all, thread)) = &self.0 else { return Ok(Held::Shared(None)) };
        if all.broken.contains(key) {
            return Ok(Held::Broken);
        }
        let broke = |()| "a thread that judges broke".to_owned();
        let held = match all.suspects.contains(key) {
            true => Held::Alone(all.alone.write().map_err(|_| broke(()))?),
            false => Held::Shared(Some(all.alone.read().map_err(|_| broke(()))?)),
        };
        all.write(*thread, key)?;
        Ok(held)
    }

    /// Puts it away again.
    ///
    /// # Errors
    /// What the file system says.
    pub fn put_away(&self, held: Held<'_>) -> Result<(), String> {
        if let (Some((all, thread)), Held::Shared(_) | Held::Alone(_)) = (&self.0, &held) {
            all.write(*thread, "")?;
        }
        Ok(())
    }

    /// Takes a place in hand to read it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn take_place(&self, place: &str) -> Result<Held<'_>, String> {
        let held = self.take(&key(place))?;
        if let (Some((all, _)), Held::Shared(_) | Held::Alone(_)) = (&self.0, &held) {
            (all.told)(place);
        }
        Ok(held)
    }

    /// Reads what lies in a place, or says that it broke a process before.
    ///
    /// # Errors
    /// What the file system says of what is in hand.
    pub fn reading<T>(
        &self,
        place: &str,
        read: impl FnOnce() -> Result<T, String>,
    ) -> Result<Result<T, String>, String> {
        let held = self.take_place(place)?;
        if matches!(held, Held::Broken) {
            return Ok(Err(BROKEN.to_owned()));
        }
        let read = read();
        self.put_away(held)?;
        Ok(read)
    }
}

/// What stands for a place whose bytes have no hash, or not yet.
fn key(place: &str) -> String {
    lab_bundle::hex(&Sha256::digest(format!("place {place}")))
}

impl InHand {
    fn write(&self, thread: usize, key: &str) -> Result<(), String> {
        let line = format!("{key:<width$}\n", width = SLOT - 1);
        let written = self.file.write_all_at(line.as_bytes(), (thread * SLOT) as u64);
        written.map_err(|error| cannot(&self.out, &error))
    }
}

fn cannot(out: &Path, error: &io::Error) -> String {
    format!("cannot write to `{}`: {error}; {MAKE_ROOM}", out.display())
}

fn read(path: &Path) -> io::Result<BTreeSet<String>> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        text => text?,
    };
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().map(str::trim).filter(|line| line.len() == SLOT - 1);
    Ok(lines.map(str::to_owned).collect())
}

fn write(path: &Path, lines: &BTreeSet<String>) -> io::Result<()> {
    fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>())
}
