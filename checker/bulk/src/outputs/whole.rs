//! Files and directories that are there whole or not at all.

use std::{
    fs,
    io::{self, BufWriter, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, RenameFlags},
    io::Errno,
};
use tempfile::{NamedTempFile, TempDir};

/// What the names of unfinished files and directories begin with.
const UNFINISHED: &str = ".labcheck-";

/// Removes what a killed run left unfinished in `dir`.
///
/// # Errors
/// What the file system says.
pub fn sweep(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
    }
    Ok(())
}

/// A file that takes its place when it is whole.
pub struct Whole {
    file: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl Whole {
    /// Begins the file.
    pub fn begin(path: PathBuf) -> io::Result<Self> {
        let dir = path.parent().unwrap_or(Path::new("."));
        let file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(dir)?;
        Ok(Self { file: BufWriter::new(file), path })
    }

    /// Puts it in its place.
    pub fn finish(self) -> io::Result<()> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.flush()?;
        // As other files are: temporary ones are for their owner alone.
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }
}

impl io::Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A directory that takes the place of an older one when it is whole, so that
/// nothing of a student who left the class stays in it.
pub struct Folder {
    made: TempDir,
    path: PathBuf,
}

impl Folder {
    /// Begins the directory.
    pub fn begin(path: PathBuf) -> io::Result<Self> {
        let dir = path.parent().unwrap_or(Path::new("."));
        Ok(Self { made: tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(dir)?, path })
    }

    /// Where a file of this name is to be written.
    pub fn file(&self, name: &str) -> PathBuf {
        self.made.path().join(name)
    }

    /// Puts it in its place.
    pub fn finish(self) -> io::Result<()> {
        let made = self.made.path();
        fs::set_permissions(made, fs::Permissions::from_mode(0o755))?;
        // One wait for all files, where one for each would take minutes.
        rustix::fs::syncfs(fs::File::open(made)?)?;
        match rustix::fs::renameat_with(CWD, made, CWD, &self.path, RenameFlags::EXCHANGE) {
            // What was there before goes when `made` does.
            Ok(()) => return self.made.close(),
            Err(Errno::NOENT) => {}
            // Network file systems cannot exchange: there is a moment without either.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                let old = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(made.with_file_name(""))?;
                match fs::rename(&self.path, old.path().join("old")) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            Err(error) => return Err(error.into()),
        }
        fs::rename(self.made.keep(), &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_takes_the_place_of_an_older_one_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("feedback");
        for name in ["old", "new"] {
            let folder = Folder::begin(path.clone()).unwrap();
            fs::write(folder.file(name), name).unwrap();
            assert!(!path.join(name).exists());
            folder.finish().unwrap();
        }
        let names = |path: &Path| {
            let names = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name());
            names.collect::<Vec<_>>()
        };
        assert_eq!((names(&path), names(dir.path())), (vec!["new".into()], vec!["feedback".into()]));
    }

    #[test]
    fn what_a_killed_run_left_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::begin(dir.path().join("feedback")).unwrap();
        fs::write(folder.file("half"), "").unwrap();
        std::mem::forget(folder);
        std::mem::forget(Whole::begin(dir.path().join("file")).unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        sweep(dir.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("feedback")).unwrap();
        fs::write(dir.path().join("feedback/kept"), "").unwrap();
        drop(Folder::begin(dir.path().join("feedback")).unwrap());
        drop(Whole::begin(dir.path().join("file")).unwrap());
        assert!(dir.path().join("feedback/kept").exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
