//! The proof in an answer of `ms`, recomputed here.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// `hex(sha256(nonce + "\n" + class + "\n" + digest))`: ties the nonce of the
/// request to the class and the model, so that no answer can be canned.
pub(crate) fn of(nonce: &str, class: &str, digest: &str) -> String {
    let hash = Sha256::digest(format!("{nonce}\n{class}\n{digest}").as_bytes());
    hash.iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::of;

    /// From `printf 'abc\nsetosa\nsha256:00' | sha256sum`.
    #[test]
    fn proof_is_the_formula_the_workload_documents() {
        let expected = "b87c5a1ba2927c60d4d95dc80b8cc742852d3a1a48e03a8def0a725dd19c3d6c";
        assert_eq!(of("abc", "setosa", "sha256:00"), expected);
        assert_ne!(of("abd", "setosa", "sha256:00"), expected);
        assert_ne!(of("abc", "virginica", "sha256:00"), expected);
    }
}
