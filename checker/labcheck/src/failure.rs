//! What stops a command, with the exit code it stands for.

use std::fmt;

/// Why a command could not do its work. Verdicts are never failures.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    message: String,
    next: Option<String>,
}

#[derive(Debug)]
enum Kind {
    Usage,
    Unobservable,
}

impl Failure {
    /// Bad usage or a broken lab: exit 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, message: message.into(), next: None }
    }

    /// What was to be looked at cannot be: exit 3.
    pub fn unobservable(message: impl Into<String>) -> Self {
        Self { kind: Kind::Unobservable, message: message.into(), next: None }
    }

    /// Adds the next step for the user.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// What happened, without the next step.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The next step for the user, if one is known.
    pub fn next_step(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// The process's exit code.
    pub const fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Usage => 2,
            Kind::Unobservable => 3,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        if let Some(next) = &self.next {
            write!(f, "\nnext: {next}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<lab_observe::docker::DockerError> for Failure {
    fn from(error: lab_observe::docker::DockerError) -> Self {
        let failure = if error.is_usage() {
            Self::usage(error.to_string())
        } else {
            Self::unobservable(error.to_string())
        };
        failure.next(error.next_step())
    }
}
