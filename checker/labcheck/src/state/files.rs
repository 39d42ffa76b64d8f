//! JSON files that are whole or not there, whatever happens while they are
//! written.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::Path,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::failure::Failure;

/// The one format number of state files this version reads and writes.
pub const FORMAT: u32 = 1;

#[derive(Deserialize)]
struct Header {
    format: u32,
}

/// Writes a file by way of a temporary one beside it, so that a reader sees
/// the old content or the new. Only the user may read a new file; an existing
/// one keeps its permissions, and a symbolic link stays one.
///
/// # Errors
/// What the file system answers.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    if let Ok(existing) = fs::metadata(&target) {
        file.as_file().set_permissions(existing.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

/// Reads a record; one that is not there is `None`.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Failure::unobservable(format!("cannot read `{}`: {error}", path.display())));
        }
    };
    let broken = |error: &serde_json::Error| {
        Failure::unobservable(format!("state file `{}` is broken: {error}", path.display()))
            .next("restore it from a backup, or remove it: labcheck then forgets what it recorded")
    };
    let header: Header = serde_json::from_slice(&bytes).map_err(|error| broken(&error))?;
    if header.format != FORMAT {
        return Err(Failure::unobservable(format!(
            "state file `{}` has format {}, expected {FORMAT}: another version of labcheck wrote it",
            path.display(),
            header.format
        ))
        .next("use the labcheck that wrote it, or set LABCHECK_STATE to another directory"));
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|error| broken(&error))
}

/// Writes a record.
pub fn write<T: Serialize>(path: &Path, record: &T) -> Result<(), Failure> {
    let cannot = |error: &dyn std::fmt::Display| {
        Failure::unobservable(format!("cannot write `{}`: {error}", path.display()))
    };
    let mut bytes = serde_json::to_vec_pretty(record).map_err(|error| cannot(&error))?;
    bytes.push(b'\n');
    write_atomically(path, &bytes).map_err(|error| cannot(&error))
}

/// Removes a record; says whether it was there.
pub fn remove(path: &Path) -> Result<bool, Failure> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::unobservable(format!("cannot remove `{}`: {error}", path.display()))),
    }
}

/// The names of the records in a folder, sorted.
pub fn names(folder: &Path) -> Result<Vec<String>, Failure> {
    let cannot =
        |error: io::Error| Failure::unobservable(format!("cannot read `{}`: {error}", folder.display()));
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let name = entry.map_err(cannot)?.file_name();
        if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".json")) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// A lock that is held as long as the value lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

fn open_lock(path: &Path) -> Result<File, Failure> {
    File::create(path)
        .map_err(|error| Failure::unobservable(format!("cannot open `{}`: {error}", path.display())))
}

pub fn lock(path: &Path) -> Result<Lock, Failure> {
    let file = open_lock(path)?;
    file.lock()
        .map_err(|error| Failure::unobservable(format!("cannot lock `{}`: {error}", path.display())))?;
    Ok(Lock { _file: file })
}

pub fn try_lock(path: &Path) -> Result<Option<Lock>, Failure> {
    let file = open_lock(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => {
            Err(Failure::unobservable(format!("cannot lock `{}`: {error}", path.display())))
        }
    }
}
