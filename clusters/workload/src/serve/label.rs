//! A version that stands in a file, so that labs can see when it is read.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Context;
use clap::ValueEnum;

/// Longest first line that is read, in bytes.
const LONGEST: u64 = 200;

/// When the file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Reload {
    /// Once, when the server starts.
    Start,
    /// Anew for each request.
    Request,
}

/// The version in a file.
pub struct Label {
    path: PathBuf,
    /// What stood there at the start; `None` to read it each time.
    kept: Option<String>,
}

impl Label {
    /// Reads the file once, so that a wrong path stops the server at once.
    pub fn new(path: PathBuf, reload: Reload) -> anyhow::Result<Self> {
        let mut label = Self { path, kept: None };
        let first = label.read().with_context(|| format!("cannot read `{}`", label.path.display()))?;
        label.kept = (reload == Reload::Start).then_some(first);
        Ok(label)
    }

    /// What answers carry now. A file that went says so.
    pub fn now(&self) -> String {
        let read = || self.read().unwrap_or_else(|why| format!("unreadable: {why}"));
        self.kept.clone().unwrap_or_else(read)
    }

    fn read(&self) -> std::io::Result<String> {
        let mut text = String::new();
        std::fs::File::open(&self.path)?.take(LONGEST).read_to_string(&mut text)?;
        Ok(text.lines().next().unwrap_or_default().trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{Label, Reload};

    #[test]
    fn a_file_is_read_when_it_was_said() {
        let dir = assert_fs::TempDir::new().expect("a directory");
        let path = dir.join("version.txt");
        std::fs::write(&path, "one\nmore\n").expect("a file");
        let (start, request) =
            (Label::new(path.clone(), Reload::Start), Label::new(path.clone(), Reload::Request));
        let (start, request) = (start.expect("a label"), request.expect("a label"));
        std::fs::write(&path, "two").expect("a file");
        assert_eq!((start.now(), request.now()), ("one".to_owned(), "two".to_owned()));
        assert!(Label::new(dir.join("nope"), Reload::Start).is_err());
    }
}
