//! Depth and number of values of JSON text, before anything is built from it.

use crate::Fault;

/// Levels of nesting; `serde_json` stops there as well.
pub const MAX_DEPTH: usize = 127;
/// Values. One takes some 70 bytes of memory and as little as two of text.
pub const MAX_NODES: usize = 8_000_000;

/// Counts brackets and commas outside of strings; whether the text is JSON is
/// for the parser to say.
pub(crate) fn check(text: &[u8]) -> Result<(), Fault> {
    let (mut depth, mut nodes) = (0_usize, 1_usize);
    let (mut quoted, mut escaped) = (false, false);
    for byte in text {
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'[' | b'{' => {
                depth += 1;
                nodes += 1;
                if depth > MAX_DEPTH {
                    return Err(Fault::TooDeep);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => nodes += 1,
            _ => {}
        }
        if nodes > MAX_NODES {
            return Err(Fault::TooManyNodes);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_and_nodes_are_bounded_and_strings_passed_over() {
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels)).into_bytes();
        assert!(check(&nested(MAX_DEPTH)).is_ok());
        assert!(matches!(check(&nested(MAX_DEPTH + 1)), Err(Fault::TooDeep)));
        assert!(serde_json::from_slice::<serde_json::Value>(&nested(MAX_DEPTH)).is_ok());
        assert!(serde_json::from_slice::<serde_json::Value>(&nested(MAX_DEPTH + 1)).is_err());
        let string = format!("\"\\\"{}\"", "[".repeat(1000));
        assert!(check(string.as_bytes()).is_ok());
        let many = vec![b','; MAX_NODES];
        assert!(matches!(check(&many), Err(Fault::TooManyNodes)));
        assert!(check(&many[1..]).is_ok());
    }
}
