//! Which submissions were being judged when a process died.
//!
//! A defect of the judge, a stack that runs over and a lack of memory end the
//! whole process. What each thread has in hand therefore stands in a file,
//! which outlives it: see [`crate::supervise`].

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// A SHA-256 in hexadecimal and a line break.
const SLOT: usize = 65;

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
    /// suspect that it judged alone is what broke it. Says whether anything was
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
    suspects: BTreeSet<String>,
    broken: BTreeSet<String>,
    alone: RwLock<()>,
}

/// Held while one submission is judged.
pub enum Held<'a> {
    /// Beside others.
    Shared(#[expect(dead_code, reason = "held, not read")] RwLockReadGuard<'a, ()>),
    /// Alone, because it is suspect.
    Alone(#[expect(dead_code, reason = "held, not read")] RwLockWriteGuard<'a, ()>),
    /// Not at all: it broke a process before.
    Broken,
}

impl InHand {
    /// Opens the files in `out`.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(out: &Path) -> io::Result<Self> {
        let files = Files::of(out);
        let (suspects, broken) = (read(&files.suspects)?, read(&files.broken)?);
        Ok(Self { file: File::create(&files.in_hand)?, suspects, broken, alone: RwLock::new(()) })
    }

    /// Takes a submission in hand; `thread` numbers the threads from 0.
    ///
    /// # Errors
    /// What the file system says.
    pub fn take(&self, thread: usize, sha256: &str) -> io::Result<Held<'_>> {
        if self.broken.contains(sha256) {
            return Ok(Held::Broken);
        }
        let poisoned = |_| io::Error::other("a thread that judges broke");
        let held = match self.suspects.contains(sha256) {
            true => Held::Alone(self.alone.write().map_err(|_| poisoned(()))?),
            false => Held::Shared(self.alone.read().map_err(|_| poisoned(()))?),
        };
        self.write(thread, sha256)?;
        Ok(held)
    }

    /// Puts it away again, before it is let go.
    ///
    /// # Errors
    /// What the file system says.
    pub fn put_away(&self, thread: usize) -> io::Result<()> {
        self.write(thread, "")
    }

    fn write(&self, thread: usize, sha256: &str) -> io::Result<()> {
        let line = format!("{sha256:<width$}\n", width = SLOT - 1);
        self.file.write_all_at(line.as_bytes(), (thread * SLOT) as u64)
    }
}

fn read(path: &Path) -> io::Result<BTreeSet<String>> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        text => text?,
    };
    // Slots nobody wrote to are holes of zeros.
    let text = String::from_utf8_lossy(&text);
    let lines = text.split(['\n', '\0']).map(str::trim).filter(|line| line.len() == SLOT - 1);
    Ok(lines.map(str::to_owned).collect())
}

fn write(path: &Path, lines: &BTreeSet<String>) -> io::Result<()> {
    fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>())
}
