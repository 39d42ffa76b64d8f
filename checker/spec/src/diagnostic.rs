//! What is wrong with a file, and where.

use std::fmt;

/// One problem in a lab file: place, what was found, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Path of the file as the user named it.
    pub file: String,
    /// Line from 1, or 0 for the whole file.
    pub line: u32,
    /// Column from 1, or 0 for the whole line.
    pub column: u32,
    /// What is wrong, lower case, found against expected.
    pub message: String,
    /// The next step, if one is known.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A problem with the file as a whole.
    pub fn file(file: &str, message: impl Into<String>) -> Self {
        Self::at(file, 0, 0, message)
    }

    /// A problem at a place.
    pub fn at(file: &str, line: u32, column: u32, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, column, message: message.into(), help: None }
    }

    /// Adds the next step.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\n  next: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}
