//! Depth, number of values and doubled keys of JSON text, before anything is
//! built from it.

use crate::Fault;

/// Levels of nesting; `serde_json` stops there as well.
pub const MAX_DEPTH: usize = 127;
/// Values. One takes some 70 bytes of memory and as little as two of text.
pub const MAX_NODES: usize = 8_000_000;

/// Counts brackets and commas outside of strings, and compares the keys of
/// every object: of two equal ones a parser takes either. Whether the text is
/// JSON is for the parser to say.
pub(crate) fn check(text: &[u8], max_nodes: usize) -> Result<(), Fault> {
    let mut nodes = 1_usize;
    let mut open: Vec<Level<'_>> = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                let end = string_end(text, at);
                if let Some(level) = open.last_mut() {
                    level.string(text, at, end)?;
                }
                at = end;
                continue;
            }
            b'[' | b'{' => {
                nodes += 1;
                if open.len() == MAX_DEPTH {
                    return Err(Fault::TooDeep);
                }
                open.push(Level { object: *byte == b'{', key: *byte == b'{', keys: Vec::new() });
            }
            b']' | b'}' => {
                if let Some(level) = open.pop() {
                    level.close()?;
                }
            }
            b',' => {
                nodes += 1;
                if let Some(level) = open.last_mut() {
                    level.key = level.object;
                }
            }
            _ => {}
        }
        if nodes > max_nodes {
            return Err(Fault::TooManyNodes(max_nodes));
        }
        at += 1;
    }
    Ok(())
}

/// An array or object that is open.
struct Level<'t> {
    object: bool,
    /// Whether the next string is a key.
    key: bool,
    keys: Vec<std::borrow::Cow<'t, [u8]>>,
}

impl<'t> Level<'t> {
    fn string(&mut self, text: &'t [u8], from: usize, to: usize) -> Result<(), Fault> {
        if !std::mem::take(&mut self.key) {
            return Ok(());
        }
        let quoted = &text[from..to];
        let key = match quoted.contains(&b'\\') {
            false => quoted.into(),
            // The same key may be written in several ways.
            true => serde_json::from_slice::<String>(quoted).map_err(Fault::Json)?.into_bytes().into(),
        };
        let plain = match key {
            std::borrow::Cow::Borrowed(quoted) => (&quoted[1..quoted.len().max(2) - 1]).into(),
            owned => owned,
        };
        self.keys.push(plain);
        Ok(())
    }

    fn close(mut self) -> Result<(), Fault> {
        self.keys.sort_unstable();
        match self.keys.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => {
                Err(Fault::DoubledKey(String::from_utf8_lossy(&pair[0]).escape_debug().to_string()))
            }
            None => Ok(()),
        }
    }
}

/// Just behind the string that begins at `from`.
fn string_end(text: &[u8], from: usize) -> usize {
    let mut at = from + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_and_nodes_are_bounded_and_strings_passed_over() {
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels)).into_bytes();
        assert!(check(&nested(MAX_DEPTH), MAX_NODES).is_ok());
        assert!(matches!(check(&nested(MAX_DEPTH + 1), MAX_NODES), Err(Fault::TooDeep)));
        assert!(serde_json::from_slice::<serde_json::Value>(&nested(MAX_DEPTH)).is_ok());
        assert!(serde_json::from_slice::<serde_json::Value>(&nested(MAX_DEPTH + 1)).is_err());
        let string = format!("\"\\\"{}\"", "[".repeat(1000));
        assert!(check(string.as_bytes(), MAX_NODES).is_ok());
        let many = vec![b','; MAX_NODES];
        assert!(matches!(check(&many, MAX_NODES), Err(Fault::TooManyNodes(_))));
        assert!(check(&many[1..], MAX_NODES).is_ok());
    }

    #[test]
    fn doubled_keys_are_found_however_they_are_written() {
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"[{"x":{"b":[1,"b"],"c":"b","b":0}}]"#,
            "{\"a\" : 1 , \"a\"\n:2}",
        ] {
            assert!(matches!(check(text.as_bytes(), MAX_NODES), Err(Fault::DoubledKey(_))), "{text}");
        }
        for text in [r#"{"a":"a","b":{"a":["a","a"]}}"#, r#"["a","a"]"#, "{}", "\"", "{\"", "}}]"] {
            assert!(check(text.as_bytes(), MAX_NODES).is_ok(), "{text}");
        }
    }
}
