//! The first line of a bundle.

use std::collections::BTreeSet;

use lab_spec::{Evidence, FORMAT, Observation, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Digest as _;

use crate::{Fault, observations};

/// What a bundle says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// Format number; 1.
    pub format: u32,
    /// The evidence, as it must be.
    pub evidence: Digest,
    /// What was left out when the evidence was collected.
    pub redaction: Redaction,
}

/// Length and digest of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256, hex. It finds damage, not forgery.
    pub sha256: String,
}

/// What was redacted at collection; the plaintexts are nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Redaction {
    /// How many values stand as `redacted-N`.
    pub values: u64,
    /// How many different `N` there are: values with the same are equal.
    pub classes: u64,
}

impl Manifest {
    pub(crate) fn of(evidence: &[u8], redaction: Redaction) -> Self {
        Self { format: FORMAT, evidence: Digest::of(evidence), redaction }
    }

    pub(crate) fn read(line: &[u8]) -> Result<Self, Fault> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        // Another format may have other fields: its number comes first.
        let Version { format } = serde_json::from_slice(line).map_err(|_| Fault::NotABundle)?;
        if format != FORMAT {
            return Err(Fault::Format { found: format });
        }
        serde_json::from_slice(line)
            .map_err(|error| Fault::Damaged(format!("its manifest cannot be read: {error}")))
    }
}

impl Digest {
    pub(crate) fn of(part: &[u8]) -> Self {
        Self { bytes: part.len() as u64, sha256: hex(&sha2::Sha256::digest(part)) }
    }
}

/// Bytes as lower case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

impl Redaction {
    /// Counts what was redacted, and refuses Secrets that were not.
    pub(crate) fn of(evidence: &Evidence) -> Result<Self, Fault> {
        let mut tally = Tally::default();
        for (key, observation) in observations(evidence) {
            tally.observation(key, observation)?;
        }
        Ok(Self { values: tally.values, classes: tally.classes.len() as u64 })
    }
}

#[derive(Default)]
struct Tally {
    values: u64,
    classes: BTreeSet<u64>,
}

impl Tally {
    fn observation(&mut self, key: &str, observation: &Observation) -> Result<(), Fault> {
        let Outcome::Present(value) = &observation.outcome else { return Ok(()) };
        if is_open_secret(value) || value.as_array().is_some_and(|items| items.iter().any(is_open_secret)) {
            return Err(Fault::NotRedacted { key: key.to_owned() });
        }
        self.count(value);
        Ok(())
    }

    fn count(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                if let Some(class) = class(text) {
                    self.values += 1;
                    self.classes.insert(class);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.count(item)),
            Value::Object(fields) => fields.values().for_each(|field| self.count(field)),
            _ => {}
        }
    }
}

/// The N of `redacted-N`.
fn class(text: &str) -> Option<u64> {
    text.strip_prefix("redacted-")?.parse().ok()
}

fn is_open_secret(item: &Value) -> bool {
    item["kind"] == "Secret"
        && ["data", "stringData"]
            .iter()
            .filter_map(|field| item[field].as_object())
            .flat_map(|data| data.values())
            .any(|value| !value.as_str().is_some_and(|text| text.is_empty() || class(text).is_some()))
}
