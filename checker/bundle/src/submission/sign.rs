//! Signatures: they show that two submissions are of one hand, and that nothing
//! was changed on the way. Whoever has the key can sign anything.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::Fault;

/// Stands before what is signed, so that a signature made for something else
/// is none of a submission.
const CONTEXT: &[u8] = b"labcheck submission, format 1\n";

/// A learner's key.
pub struct Key(SigningKey);

/// The public half of a learner's key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// `signature.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    algorithm: String,
    key: String,
    signature: String,
}

const ALGORITHM: &str = "ed25519";

impl Key {
    /// The key made from 32 secret random bytes.
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs a manifest; the text of `signature.json`.
    pub(super) fn sign(&self, manifest: &[u8]) -> Result<Vec<u8>, Fault> {
        let signature = self.0.sign(&[CONTEXT, manifest].concat());
        let written = Written {
            algorithm: ALGORITHM.to_owned(),
            key: self.public().to_string(),
            signature: STANDARD.encode(signature.to_bytes()),
        };
        serde_json::to_vec(&written).map_err(Fault::Serialize)
    }
}

impl PublicKey {
    /// Reads a key as [`fmt::Display`] writes it, the 32 bytes in base64.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 32] = STANDARD.decode(text.trim()).ok()?.try_into().ok()?;
        VerifyingKey::from_bytes(&bytes).ok().map(Self)
    }

    /// Checks the signature of a manifest, and says whose it is.
    pub(super) fn check(manifest: &[u8], text: &[u8]) -> Result<Self, Fault> {
        let wrong = |what: &str| Fault::Signature(what.to_owned());
        let written: Written =
            serde_json::from_slice(text).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
        if written.algorithm != ALGORITHM {
            return Err(wrong("is of another kind than `ed25519`"));
        }
        let key = Self::parse(&written.key).ok_or_else(|| wrong("has no Ed25519 key"))?;
        let signature = STANDARD.decode(&written.signature).ok();
        let signature = signature.and_then(|bytes| Signature::from_slice(&bytes).ok());
        let signature = signature.ok_or_else(|| wrong("is cut off"))?;
        // Strict: a key of small order would sign everything.
        let signed = [CONTEXT, manifest].concat();
        key.0.verify_strict(&signed, &signature).map_err(|_| wrong("does not match `manifest.json`"))?;
        Ok(key)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}
