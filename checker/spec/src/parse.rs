//! Reading YAML within bounds.

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::Diagnostic;

/// Largest lab file in bytes; the longest lab is a tenth of it.
const MAX_BYTES: usize = 256 * 1024;

/// Reads one of the project's YAML files; `file` is the path named in messages.
///
/// # Errors
/// The first problem with its place: too large, too deep, malformed, or not of
/// the expected form.
pub fn yaml<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Diagnostic> {
    if text.len() > MAX_BYTES {
        let found = text.len();
        return Err(Diagnostic::file(file, format!("has {found} bytes, more than {MAX_BYTES}")));
    }
    let options = serde_yaml::options! {
        strict_booleans: true,
        budget: serde_yaml::budget! { max_depth: 64, max_nodes: 50_000, max_anchors: 100, max_aliases: 1_000 },
    };
    serde_yaml::from_str_with_options(text, options).map_err(|error| {
        let place = error.location();
        let (line, column) = place.map_or((0, 0), |place| (place.line() as u32, place.column() as u32));
        Diagnostic::at(file, line, column, message(&error))
    })
}

/// The error's own words without its snippet and place, which [`Diagnostic`]
/// prints itself.
fn message(error: &serde_yaml::Error) -> String {
    let text = error.without_snippet().to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text[..end].trim_end().to_owned()
}

pub(crate) fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
