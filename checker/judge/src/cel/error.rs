//! What can go wrong while an expression is evaluated, and the one place
//! where that is put into words.

use std::fmt;
use std::sync::Arc;

use super::value::{Absence, Unavailability};

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq)]
pub enum EvalError {
    /// A field or key that is not there and has no default.
    NoSuchField {
        /// The expression read, up to the missing part: `pod.status.phase`.
        path: String,
    },
    /// An index outside a list.
    Index {
        /// The index asked for.
        index: i64,
        /// The length of the list.
        len: usize,
        /// The expression read.
        path: String,
    },
    /// A name that no scope binds.
    UnknownVariable {
        /// The name.
        name: String,
        /// The bound name closest to it, if one is close.
        similar: Option<String>,
    },
    /// A function that is not registered.
    UnknownFunction {
        /// The name.
        name: String,
        /// The registered name closest to it, if one is close.
        similar: Option<String>,
    },
    /// Something looked for does not exist.
    Absent(Arc<Absence>),
    /// Evidence that could not be observed.
    Unavailable(Arc<Unavailability>),
    /// An operator or function that does not take these types.
    Type {
        /// The operator or function.
        operation: String,
        /// The types found, receiver first.
        found: Vec<&'static str>,
    },
    /// One value where another type is needed.
    Expected {
        /// What is needed, with its article: "a bool".
        expected: &'static str,
        /// The type found.
        found: &'static str,
        /// The expression that gave it.
        place: String,
    },
    /// A result that its type cannot hold.
    Overflow {
        /// The operation.
        operation: String,
    },
    /// A division or a remainder by zero.
    DivisionByZero,
    /// An argument of the right type that makes no sense.
    Invalid(String),
    /// The work allowed for the expression is used up.
    Budget {
        /// The steps that were allowed.
        steps: u64,
    },
}

impl EvalError {
    /// An argument of the right type that makes no sense, in words.
    pub fn invalid(message: impl Into<String>) -> EvalError {
        EvalError::Invalid(message.into())
    }

    /// A result that its type cannot hold.
    pub(super) fn overflow(operation: &str) -> EvalError {
        EvalError::Overflow { operation: operation.to_owned() }
    }

    /// Which of two errors is told: one that makes the verdict unknown before
    /// one that names a missing object, and either before the rest.
    pub(super) fn or_stronger(self, other: EvalError) -> EvalError {
        if other.strength() > self.strength() { other } else { self }
    }

    pub(super) fn strength(&self) -> u8 {
        match self {
            EvalError::Budget { .. } => 3,
            EvalError::Unavailable(_) => 2,
            EvalError::Absent(_) => 1,
            _ => 0,
        }
    }

    /// Whether no other operand can turn this error into a value: the work is
    /// used up, so nothing else may be evaluated either.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, EvalError::Budget { .. })
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EvalError::NoSuchField { path } => write!(f, "`{path}` is not set"),
            EvalError::Index { index, len, path } => {
                write!(f, "`{path}`: index {index} of a list with {len} elements")
            }
            EvalError::UnknownVariable { name, similar } => {
                write!(f, "unknown name `{name}`")?;
                suggest(f, similar)
            }
            EvalError::UnknownFunction { name, similar } => {
                write!(f, "unknown function `{name}`")?;
                suggest(f, similar)
            }
            EvalError::Absent(absence) => absence.fmt(f),
            EvalError::Unavailable(unavailability) => unavailability.fmt(f),
            EvalError::Type { operation, found } => {
                write!(f, "`{operation}` does not take ({})", found.join(", "))
            }
            EvalError::Expected { expected, found, place } => {
                write!(f, "`{place}` is {found}, expected {expected}")
            }
            EvalError::Overflow { operation } => {
                write!(f, "the result of `{operation}` is out of range")
            }
            EvalError::DivisionByZero => f.write_str("division by zero"),
            EvalError::Invalid(message) => f.write_str(message),
            EvalError::Budget { steps } => write!(
                f,
                "the expression needs more than {steps} steps; \
                 nest fewer comprehensions or filter the lists first"
            ),
        }
    }
}

fn suggest(f: &mut fmt::Formatter<'_>, similar: &Option<String>) -> fmt::Result {
    match similar {
        Some(name) => write!(f, ", did you mean `{name}`?"),
        None => Ok(()),
    }
}

impl std::error::Error for EvalError {}
