//! What can be wrong with a bundle.

use std::io;

use crate::{MAX_COMPRESSED, shape};

/// Which bundle could not be read or written, and why.
#[derive(Debug, thiserror::Error)]
#[error("bundle `{bundle}`: {fault}")]
pub struct BundleError {
    /// Path of the bundle, or the name of the stream.
    pub bundle: String,
    /// What is wrong.
    #[source]
    pub fault: Fault,
}

/// What is wrong with a bundle.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[source] io::Error),
    /// The file cannot be written.
    #[error("cannot be written: {0}; choose another place with `--save`")]
    Write(#[source] io::Error),
    /// A directory, pipe or device.
    #[error("is not a regular file; `labcheck LAB --save FILE` writes a bundle")]
    NotAFile,
    /// Something else than a bundle.
    #[error("is no labcheck bundle; `labcheck LAB --save FILE` writes one")]
    NotABundle,
    /// A bundle of another version.
    #[error("has format {found}, expected {}; use a labcheck version that knows it", lab_spec::FORMAT)]
    Format {
        /// The format found.
        found: u32,
    },
    /// Cut off, changed, or put together by hand.
    #[error("is damaged: {0}; copy or save it again")]
    Damaged(String),
    /// Well-formed JSON that is no evidence, or no JSON.
    #[error("does not hold evidence: {0}; save it again with `labcheck LAB --save FILE`")]
    Json(#[source] serde_json::Error),
    /// Evidence that cannot be written as JSON.
    #[error("cannot be put into words: {0}")]
    Serialize(#[source] serde_json::Error),
    /// Larger than a bundle may be.
    #[error("its {what} is larger than {} MiB", limit >> 20)]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How many bytes it may have.
        limit: u64,
    },
    /// Nested deeper than a bundle may be.
    #[error("its evidence is nested deeper than {} levels", shape::MAX_DEPTH)]
    TooDeep,
    /// More values than a bundle may have.
    #[error("its evidence has more than {0} values")]
    TooManyNodes(usize),
    /// More fields than a submission may have.
    #[error("its evidence has more than {0} fields")]
    TooManyFields(usize),
    /// An object with one key twice: which of them counts, depends on the reader.
    #[error("its JSON has key `{0}` twice in one object")]
    DoubledKey(String),
    /// A whole number that no program reads as it is written.
    #[error("its JSON has the number {0}, which is beyond 64 bits")]
    Number(String),
    /// Something else than a submission, and what.
    #[error("is {0}, expected a submission; `labcheck submit LAB --as ID` writes one")]
    NotASubmission(&'static str),
    /// A signature that does not hold.
    #[error("its signature {0}; it was changed after it was signed, hand in the file that labcheck wrote")]
    Signature(String),
    /// An answer that no API server gives.
    #[error("was not observed: {0}; hand in the file that labcheck wrote")]
    Forged(String),
    /// A Secret's value as it was.
    #[error("`{key}` holds a Secret whose values were not redacted; it is neither written nor read")]
    NotRedacted {
        /// The observation.
        key: String,
    },
}

impl Fault {
    /// What an error of the decompressor means.
    pub(crate) fn damaged_by(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Self::Damaged(format!("it is cut off, or larger than {} MiB", MAX_COMPRESSED >> 20))
            }
            _ => Self::Damaged(error.to_string()),
        }
    }
}
