//! What comes out of a batch: one file per reader.
//!
//! Grades pass through one at a time, so that a class of any size needs little
//! memory. A file is there whole or not at all. Nothing in it depends on when
//! or in how many runs the class was judged.

mod csv;
mod json;
mod safe;

use std::{
    fs,
    io::{self, BufWriter, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::grade::{Course, Grade, Unmatched};

/// One kind of output.
pub trait Output {
    /// Takes in the next grade, in the roster's order.
    ///
    /// # Errors
    /// What the file system says.
    fn add(&mut self, grade: &Grade) -> io::Result<()>;

    /// Ends it, and puts it in its place.
    ///
    /// # Errors
    /// What the file system says.
    fn finish(self: Box<Self>, unmatched: &[Unmatched]) -> io::Result<()>;
}

/// The kinds of output there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `grades.csv`: a line per student, for spreadsheets.
    Csv,
    /// `grades.json`: everything, for programs.
    Json,
}

impl Kind {
    /// All of them, with the word that names each.
    pub const ALL: [(&'static str, Self); 2] = [("csv", Self::Csv), ("json", Self::Json)];

    /// Begins an output of this kind in `dir`.
    ///
    /// # Errors
    /// What the file system says.
    pub fn begin(self, dir: &Path, course: &Course) -> io::Result<Box<dyn Output>> {
        Ok(match self {
            Self::Csv => Box::new(csv::Csv::begin(dir, course)?),
            Self::Json => Box::new(json::Json::begin(dir, course)?),
        })
    }
}

/// What the names of unfinished files begin with.
const UNFINISHED: &str = ".labcheck-";

/// Removes what a killed run left unfinished in `dir`.
///
/// # Errors
/// What the file system says.
pub fn sweep(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A file that takes its place when it is whole.
struct Whole {
    file: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl Whole {
    fn begin(path: PathBuf) -> io::Result<Self> {
        let dir = path.parent().unwrap_or(Path::new("."));
        let file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(dir)?;
        Ok(Self { file: BufWriter::new(file), path })
    }

    fn finish(self) -> io::Result<()> {
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
