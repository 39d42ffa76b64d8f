//! The journal: what a run changes, written down before it is changed.
//!
//! One file `<uuid>.jsonl` per run: a [`Header`], then an [`Entry`] a line,
//! each on disk before its change is sent. The run holds a lock on the file;
//! the lock of a killed process is gone, which tells `recover` apart from a
//! run that is still busy. The file is removed when everything is undone.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Identity, Setting, compose, kube};

/// The format number of journals this version reads and writes.
const FORMAT: u32 = 2;

/// What a journal is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Header {
    pub(crate) format: u32,
    /// The run; what it creates carries it as a label.
    pub(crate) run: String,
    pub(crate) target: Subject,
    pub(crate) experiment: String,
}

/// The system a journal is about, and the place in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Subject {
    Kubernetes(kube::Subject),
    Docker(compose::Subject),
}

/// One change that is about to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Entry {
    Kubernetes(kube::Change),
    Docker(compose::Change),
}

impl Subject {
    /// Whether it is about the cluster of this identity.
    pub(crate) fn is_in(&self, cluster: &Identity) -> bool {
        match self {
            Self::Kubernetes(subject) => subject.identity == *cluster,
            Self::Docker(_) => false,
        }
    }

    /// The place, in words.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Kubernetes(subject) => format!("namespace `{}`", subject.namespace),
            Self::Docker(subject) => format!("compose project `{}`", subject.copy),
        }
    }
}

/// A journal this process holds the lock of.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(crate) header: Header,
    pub(crate) entries: Vec<Entry>,
    path: PathBuf,
    file: File,
}

/// Why a journal cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system refused.
    #[error("cannot {what} `{path}`: {source}; make the directory writable or set another one")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not a journal this version understands.
    #[error("`{path}` line {line} is no journal entry: {why}; undo it by hand, then remove the file")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

fn io_error<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> JournalError + 'a {
    move |source| JournalError::Io { what, path: path.to_owned(), source }
}

impl Journal {
    /// Starts the journal of a run.
    pub(crate) fn create(setting: &Setting<'_>, experiment: &str) -> Result<Self, JournalError> {
        let header = Header {
            format: FORMAT,
            run: Uuid::new_v4().to_string(),
            target: setting.target.subject(),
            experiment: experiment.to_owned(),
        };
        Self::begin(&setting.journal_dir, header)
    }

    fn begin(dir: &Path, header: Header) -> Result<Self, JournalError> {
        fs::create_dir_all(dir).map_err(io_error("make", dir))?;
        let path = dir.join(format!("{}.jsonl", header.run));
        // Under its final name the file is always locked and has its header.
        let draft = path.with_extension("draft");
        let mut options = OpenOptions::new();
        options.read(true).append(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            // Manifests may hold what the learner wants to keep private.
            options.mode(0o600);
        }
        let file = options.open(&draft).map_err(io_error("write", &draft))?;
        file.lock().map_err(io_error("lock", &draft))?;
        let mut journal = Self { header, entries: Vec::new(), path: draft, file };
        let line = serde_json::to_string(&journal.header).map_err(io::Error::from);
        journal.append(line)?;
        fs::rename(&journal.path, &path).map_err(io_error("rename", &journal.path))?;
        journal.path = path;
        journal.sync_dir();
        Ok(journal)
    }

    /// Writes an entry down; when this returns, it is on disk.
    pub(crate) fn write(&mut self, entry: Entry) -> Result<(), JournalError> {
        self.append(serde_json::to_string(&entry).map_err(io::Error::from))?;
        self.entries.push(entry);
        Ok(())
    }

    fn append(&mut self, line: io::Result<String>) -> Result<(), JournalError> {
        line.and_then(|line| self.file.write_all(format!("{line}\n").as_bytes()))
            .and_then(|()| self.file.sync_data())
            .map_err(io_error("write", &self.path))
    }

    /// Makes the directory entry itself last; not every file system can, and
    /// only a power cut at this very moment would tell.
    fn sync_dir(&self) {
        if let Some(Ok(dir)) = self.path.parent().map(File::open) {
            let _ = dir.sync_all();
        }
    }

    /// Takes over a journal whose process is gone; `None` if it is still busy
    /// or has just finished.
    pub(crate) fn adopt(path: &Path) -> Result<Option<Self>, JournalError> {
        let file = match OpenOptions::new().read(true).append(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("read", path)(error)),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(io_error("lock", path)(error)),
        }
        // The run may have removed it between our opening and our locking.
        if !path.try_exists().map_err(io_error("read", path))? {
            return Ok(None);
        }
        let (header, entries) = read(path, &file)?;
        Ok(Some(Self { header, entries, path: path.to_owned(), file }))
    }

    /// Removes the journal: everything is undone.
    pub(crate) fn remove(self) -> Result<(), JournalError> {
        fs::remove_file(&self.path).map_err(io_error("remove", &self.path))
    }
}

/// Reads the header and the entries. A last line without its end was being
/// written when the process died, so its change was never sent.
pub(crate) fn read(path: &Path, mut file: &File) -> Result<(Header, Vec<Entry>), JournalError> {
    let malformed = |line, why: String| JournalError::Malformed { path: path.to_owned(), line, why };
    file.rewind().map_err(io_error("read", path))?;
    let mut reader = BufReader::new(file);
    let (mut header, mut entries) = (None, Vec::new());
    for number in 1.. {
        let mut line = String::new();
        reader.read_line(&mut line).map_err(io_error("read", path))?;
        if !line.ends_with('\n') {
            break;
        }
        if header.is_none() {
            let read: Header =
                serde_json::from_str(&line).map_err(|error| malformed(number, error.to_string()))?;
            if read.format != FORMAT {
                return Err(malformed(number, format!("format {}, expected {FORMAT}", read.format)));
            }
            header = Some(read);
        } else {
            let entry = serde_json::from_str(&line).map_err(|error| malformed(number, error.to_string()))?;
            entries.push(entry);
        }
    }
    header.map(|header| (header, entries)).ok_or_else(|| malformed(1, "it is empty".to_owned()))
}

/// All journals in a directory, by name; none if there is no directory.
pub(crate) fn all(dir: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let listing = match fs::read_dir(dir) {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error("read", dir)(error)),
    };
    let mut paths = Vec::new();
    for entry in listing {
        let path = entry.map_err(io_error("read", dir))?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests;
