//! The proof in every answer: it ties the nonce of the request to the class
//! and to the model, so that a hard-coded answer cannot match.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// SHA-256 of some bytes as lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// `hex(sha256(nonce + "\n" + class + "\n" + digest))`, where `nonce` is empty
/// if the request had none and `digest` is the model's, `sha256:` included.
pub fn of(nonce: &str, class: &str, digest: &str) -> String {
    sha256_hex(format!("{nonce}\n{class}\n{digest}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recomputed with `printf 'abc\nsetosa\nsha256:00' | sha256sum`.
    #[test]
    fn proof_is_the_documented_formula() {
        assert_eq!(
            of("abc", "setosa", "sha256:00"),
            "b87c5a1ba2927c60d4d95dc80b8cc742852d3a1a48e03a8def0a725dd19c3d6c"
        );
    }
}
