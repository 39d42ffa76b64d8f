//! Writing a submission: the same input gives the same bytes.

use std::io::Write as _;

use lab_spec::{Evidence, FORMAT};
use zstd::stream::write::Encoder;

use super::{BOUNDS, Card, ClusterId, EVIDENCE, Key, MANIFEST, MAX_BYTES, MAX_EVIDENCE, SIGNATURE};
use crate::{Digest, Fault, LEVEL, Redaction, shape};

/// What a submission is made of, besides its evidence.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Version of the labcheck that makes it.
    pub tool: String,
    /// Who hands it in.
    pub student: String,
    /// The cluster that was looked at.
    pub cluster: Option<ClusterId>,
    /// When it is made, RFC 3339.
    pub made: String,
}

/// The bytes of a submission.
///
/// # Errors
/// Evidence that [`super::read`] would refuse: too large, too deep, of another
/// format, or with a Secret's values in it.
pub fn write(draft: Draft, evidence: &Evidence, key: &Key) -> Result<Vec<u8>, Fault> {
    if evidence.format != FORMAT {
        return Err(Fault::Format { found: evidence.format });
    }
    let text = serde_json::to_vec(evidence).map_err(Fault::Serialize)?;
    if text.len() as u64 > MAX_EVIDENCE {
        return Err(Fault::TooLarge { what: "evidence", limit: MAX_EVIDENCE });
    }
    shape::check(&text, BOUNDS)?;
    let card = Card {
        format: FORMAT,
        lab: evidence.lab.clone(),
        tool: draft.tool,
        student: draft.student,
        cluster: draft.cluster,
        nonce: evidence.params.nonce.clone(),
        made: draft.made,
        evidence: Digest::of(&text),
        redaction: Redaction::of(evidence)?,
    };
    let manifest = serde_json::to_vec_pretty(&card).map_err(Fault::Serialize)?;
    let signature = key.sign(&manifest)?;
    let bytes = packed(&[(MANIFEST, &manifest), (EVIDENCE, &text), (SIGNATURE, &signature)]);
    let bytes = bytes.map_err(Fault::Write)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Fault::TooLarge { what: "file", limit: MAX_BYTES });
    }
    Ok(bytes)
}

fn packed(members: &[(&str, &[u8])]) -> std::io::Result<Vec<u8>> {
    let mut encoder = Encoder::new(Vec::new(), LEVEL)?;
    encoder.include_checksum(true)?;
    let mut archive = tar::Builder::new(encoder);
    for (name, bytes) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive.append_data(&mut header, name, *bytes)?;
    }
    let mut encoder = archive.into_inner()?;
    encoder.flush()?;
    encoder.finish()
}
