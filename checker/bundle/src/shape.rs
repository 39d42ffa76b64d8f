//! Depth, number of values, doubled keys and numbers of JSON text, before
//! anything is built from it.

use std::{borrow::Cow, mem};

use memchr::memchr2;

use crate::Fault;

/// Levels of nesting; `serde_json` stops there as well.
pub const MAX_DEPTH: usize = 127;
/// Values. One takes some 70 bytes of memory and as little as two of text.
pub const MAX_NODES: usize = 8_000_000;

/// Keys that are compared each with each: sorting so few takes longer.
const FEW: usize = 8;
/// The bytes that numbers are written with.
const OF_NUMBER: [bool; 256] = {
    let (mut table, mut at) = ([false; 256], 0);
    let bytes = b"0123456789+-.eE";
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
};

/// How much JSON text may hold.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// Values of all kinds.
    pub nodes: usize,
    /// Fields of objects, which take several times the memory of other values.
    pub fields: usize,
}

/// The bounds of evidence that is judged by oneself.
pub(crate) const OWN: Bounds = Bounds { nodes: MAX_NODES, fields: MAX_NODES };

/// Counts brackets and commas outside of strings, and compares the keys of
/// every object: of two equal ones a parser takes either. Whether the text is
/// JSON is for the parser to say.
pub(crate) fn check(text: &[u8], bounds: Bounds) -> Result<(), Fault> {
    let (mut nodes, mut fields) = (1_usize, 0_usize);
    let (mut open, mut keys): (Vec<Level>, Vec<Cow<'_, [u8]>>) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                let end = string_end(text, at);
                if open.last_mut().is_some_and(|level| mem::take(&mut level.key)) {
                    keys.push(key(&text[at..end])?);
                    fields += 1;
                    if fields > bounds.fields {
                        return Err(Fault::TooManyFields(bounds.fields));
                    }
                }
                at = end;
                continue;
            }
            b'-' | b'0'..=b'9' => {
                at = number_end(text, at)?;
                // Columns of numbers are most of what labs record.
                while open.last().is_some_and(|level| !level.object)
                    && matches!(text.get(at..at + 2), Some([b',', b'0'..=b'9']))
                {
                    nodes += 1;
                    at = number_end(text, at + 1)?;
                }
                if nodes > bounds.nodes {
                    return Err(Fault::TooManyNodes(bounds.nodes));
                }
                continue;
            }
            b'[' | b'{' => {
                nodes += 1;
                if open.len() == MAX_DEPTH {
                    return Err(Fault::TooDeep);
                }
                let object = *byte == b'{';
                open.push(Level { object, key: object, keys: keys.len() });
            }
            b']' | b'}' => {
                if let Some(level) = open.pop() {
                    distinct(&mut keys[level.keys..])?;
                    keys.truncate(level.keys);
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
        if nodes > bounds.nodes {
            return Err(Fault::TooManyNodes(bounds.nodes));
        }
        at += 1;
    }
    Ok(())
}

/// An array or object that is open.
struct Level {
    object: bool,
    /// Whether the next string is a key.
    key: bool,
    /// How many keys there are of those around it.
    keys: usize,
}

/// What is between the quotes.
fn key(quoted: &[u8]) -> Result<Cow<'_, [u8]>, Fault> {
    Ok(match quoted.contains(&b'\\') {
        false => (&quoted[1..quoted.len().max(2) - 1]).into(),
        // The same key may be written in several ways.
        true => serde_json::from_slice::<String>(quoted).map_err(Fault::Json)?.into_bytes().into(),
    })
}

fn distinct(keys: &mut [Cow<'_, [u8]>]) -> Result<(), Fault> {
    let doubled = match keys.len() <= FEW {
        true => keys.iter().enumerate().find(|(at, key)| keys[..*at].contains(key)).map(|(_, key)| key),
        false => {
            keys.sort_unstable();
            keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| &pair[0])
        }
    };
    match doubled {
        Some(key) => Err(Fault::DoubledKey(String::from_utf8_lossy(key).escape_debug().to_string())),
        None => Ok(()),
    }
}

/// Just behind the number that begins at `from`. Whole ones beyond 64 bits are
/// refused: a parser would round them.
fn number_end(text: &[u8], from: usize) -> Result<usize, Fault> {
    let length = text[from..].iter().take_while(|byte| OF_NUMBER[usize::from(**byte)]).count();
    let number = &text[from..from + length];
    let digits = number.strip_prefix(b"-").unwrap_or(number);
    if digits.len() > 18 && digits.iter().all(u8::is_ascii_digit) {
        let number = String::from_utf8_lossy(number);
        if number.parse::<u64>().is_err() && number.parse::<i64>().is_err() {
            return Err(Fault::Number(number.chars().take(40).collect()));
        }
    }
    Ok(from + length)
}

/// Just behind the string that begins at `from`.
fn string_end(text: &[u8], from: usize) -> usize {
    let mut at = from + 1;
    while let Some(found) = memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        at += found;
        if text[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_and_nodes_are_bounded_and_strings_passed_over() {
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels)).into_bytes();
        assert!(check(&nested(MAX_DEPTH), OWN).is_ok());
        assert!(matches!(check(&nested(MAX_DEPTH + 1), OWN), Err(Fault::TooDeep)));
        assert!(serde_json::from_slice::<serde_json::Value>(&nested(MAX_DEPTH)).is_ok());
        assert!(serde_json::from_slice::<serde_json::Value>(&nested(MAX_DEPTH + 1)).is_err());
        let string = format!("\"\\\"{}\"", "[".repeat(1000));
        assert!(check(string.as_bytes(), OWN).is_ok());
        let many = vec![b','; MAX_NODES];
        assert!(matches!(check(&many, OWN), Err(Fault::TooManyNodes(_))));
        assert!(check(&many[1..], OWN).is_ok());
    }

    #[test]
    fn fields_are_bounded_more_narrowly() {
        let bounds = Bounds { nodes: 100, fields: 2 };
        assert!(check(br#"[{"a":"b"},{"c":["d","e","f"]}]"#, bounds).is_ok());
        let error = check(br#"[{"a":"b"},{"c":0,"d":0}]"#, bounds);
        assert!(matches!(error, Err(Fault::TooManyFields(2))));
    }

    #[test]
    fn whole_numbers_beyond_64_bits_are_refused() {
        for number in ["18446744073709551616", "-9223372036854775809", "1000000000000000000000000"] {
            assert!(matches!(check(number.as_bytes(), OWN), Err(Fault::Number(found)) if found == number));
            assert!(check(format!("[\"{number}\", {{\"{number}\":1}}]").as_bytes(), OWN).is_ok());
        }
        for number in ["18446744073709551615", "-9223372036854775808", "1.8446744073709552e19", "0"] {
            assert!(check(number.as_bytes(), OWN).is_ok(), "{number}");
        }
    }

    #[test]
    fn doubled_keys_are_found_however_they_are_written() {
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"[{"x":{"b":[1,"b"],"c":"b","b":0}}]"#,
            "{\"a\" : 1 , \"a\"\n:2}",
        ] {
            assert!(matches!(check(text.as_bytes(), OWN), Err(Fault::DoubledKey(_))), "{text}");
        }
        for text in [r#"{"a":"a","b":{"a":["a","a"]}}"#, r#"["a","a"]"#, "{}", "\"", "{\"", "}}]"] {
            assert!(check(text.as_bytes(), OWN).is_ok(), "{text}");
        }
    }
}
