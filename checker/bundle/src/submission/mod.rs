//! Submissions: what a learner hands in for a grade.
//!
//! A submission is a tar archive in one zstd frame, so that `tar --zstd -xf`
//! opens it. It has three members:
//!
//! ```text
//! manifest.json    who, which lab, which cluster, and the SHA-256 of the rest
//! evidence.json    what was seen: looks and experiments
//! signature.json   the learner's Ed25519 signature of manifest.json
//! ```
//!
//! Reading one trusts nothing: every bound is checked before anything is built.

mod lists;
mod read;
mod sign;
mod write;

use lab_spec::{Evidence, evidence::LabRef};
use serde::{Deserialize, Serialize};

pub use read::{read, read_up_to};
pub use sign::{Key, PublicKey};
pub use write::{Draft, write};

use crate::{Digest, Redaction, shape::Bounds};

const BOUNDS: Bounds = Bounds { nodes: MAX_NODES, fields: MAX_FIELDS };

/// Name of the manifest.
pub const MANIFEST: &str = "manifest.json";
/// Name of the evidence.
pub const EVIDENCE: &str = "evidence.json";
/// Name of the signature.
pub const SIGNATURE: &str = "signature.json";

/// Bytes of a submission as it is handed in.
pub const MAX_BYTES: u64 = 8 << 20;
/// Bytes of its evidence. A class is judged in little memory, so submissions
/// have narrower bounds than evidence that is saved and judged by oneself.
pub const MAX_EVIDENCE: u64 = 16 << 20;
/// Values in its evidence. Recorded labs have up to 120,000, most of them
/// numbers.
pub const MAX_NODES: usize = 300_000;
/// Fields of objects in its evidence. Recorded labs have up to 33,000.
pub const MAX_FIELDS: usize = 100_000;
/// Members of its archive.
pub const MAX_MEMBERS: usize = 64;

/// What a submission says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Card {
    /// Format number; 1.
    pub format: u32,
    /// The lab it was made for, and the digest of its file.
    pub lab: LabRef,
    /// Version of the labcheck that made it.
    pub tool: String,
    /// Who it says it is of.
    pub student: String,
    /// The cluster that was looked at; `None` for labs without one.
    pub cluster: Option<ClusterId>,
    /// Text of the assignment that no other student has; as in the evidence.
    pub nonce: String,
    /// When it was made by the learner's clock, RFC 3339. Lateness never rests
    /// on it.
    pub made: String,
    /// The evidence, as it must be.
    pub evidence: Digest,
    /// What was left out when the evidence was collected.
    pub redaction: Redaction,
}

/// What makes a cluster this cluster and no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterId {
    /// SHA-256 over the DER of its CA certificates, hex.
    pub ca_sha256: String,
    /// UID of the namespace `kube-system`.
    pub kube_system_uid: String,
}

/// A submission that was read.
#[derive(Debug)]
pub struct Submission {
    /// What it says about itself.
    pub card: Card,
    /// Its evidence.
    pub evidence: Evidence,
    /// The key it is signed with. The signature holds; whose key it is, is for
    /// the roster to say.
    pub signer: PublicKey,
    /// Members that a submission does not have. They were not read.
    pub extra: Vec<String>,
}
