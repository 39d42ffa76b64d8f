//! RESP2, the wire format of Redis, for both sides.
//!
//! Our own codec because the published ones parse nested arrays by recursion
//! without a limit, which a few kilobytes of `*1` turn into a stack overflow;
//! here length, number and depth are bounded before anything is allocated.

mod connection;

use std::fmt;
use std::io;

pub use connection::Connection;

/// Longest string in bytes.
const BULK_LIMIT: usize = 1 << 20;
/// Most items of one array.
const ITEMS_LIMIT: usize = 1 << 16;
/// Longest line (header, simple string, inline command) in bytes.
const LINE_LIMIT: usize = 1 << 14;
/// Longest whole message in bytes.
const MESSAGE_LIMIT: usize = 16 << 20;
/// Arrays in arrays.
const DEPTH_LIMIT: usize = 4;

/// One RESP2 value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `+OK`
    Simple(String),
    /// `-ERR …`
    Error(String),
    /// `:1`
    Integer(i64),
    /// `$3`, bytes
    Bulk(Vec<u8>),
    /// `*2`, values
    Array(Vec<Value>),
    /// `$-1` or `*-1`
    Nil,
}

/// Bytes that are not RESP2, or beyond the limits.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed(String);

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "not RESP2: {}", self.0)
    }
}

impl From<Malformed> for io::Error {
    fn from(why: Malformed) -> Self {
        Self::new(io::ErrorKind::InvalidData, why.to_string())
    }
}

impl Value {
    /// A command: an array of strings.
    pub fn command<const N: usize>(parts: [&[u8]; N]) -> Self {
        Self::Array(parts.map(|part| Self::Bulk(part.to_vec())).into())
    }

    /// `+OK`.
    pub fn ok() -> Self {
        Self::Simple("OK".to_owned())
    }

    /// An error reply; line breaks would end it early.
    pub fn error(why: impl Into<String>) -> Self {
        Self::Error(why.into().replace(['\r', '\n'], " "))
    }

    /// Appends the encoded value.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let line = |out: &mut Vec<u8>, text: &str| {
            out.extend_from_slice(text.as_bytes());
            out.extend_from_slice(b"\r\n");
        };
        match self {
            Self::Simple(text) => line(out, &format!("+{text}")),
            Self::Error(text) => line(out, &format!("-{text}")),
            Self::Integer(number) => line(out, &format!(":{number}")),
            Self::Nil => line(out, "$-1"),
            Self::Bulk(bytes) => {
                line(out, &format!("${}", bytes.len()));
                out.extend_from_slice(bytes);
                line(out, "");
            }
            Self::Array(items) => {
                line(out, &format!("*{}", items.len()));
                items.iter().for_each(|item| item.encode(out));
            }
        }
    }
}

/// Where a parse stands in the bytes read so far.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// `Ok(None)` means that more bytes are needed.
type Parsed<T> = Result<Option<T>, Malformed>;

/// Parses one value from the beginning of `bytes`; also says how long it was.
pub fn parse(bytes: &[u8]) -> Parsed<(Value, usize)> {
    let mut cursor = Cursor { bytes, at: 0 };
    let value = cursor.value(0)?;
    Ok(value.map(|value| (value, cursor.at)))
}

impl Cursor<'_> {
    fn line(&mut self) -> Parsed<&str> {
        let rest = &self.bytes[self.at..];
        let seen = &rest[..rest.len().min(LINE_LIMIT)];
        let Some(end) = seen.windows(2).position(|pair| pair == b"\r\n") else {
            return if seen.len() < LINE_LIMIT {
                Ok(None)
            } else {
                Err(Malformed(format!("a line of more than {LINE_LIMIT} bytes")))
            };
        };
        self.at += end + 2;
        std::str::from_utf8(&rest[..end])
            .map(Some)
            .map_err(|_| Malformed("a line that is not UTF-8".to_owned()))
    }

    fn value(&mut self, depth: usize) -> Parsed<Value> {
        let Some(line) = self.line()? else {
            return Ok(None);
        };
        let mut chars = line.chars();
        let kind = chars.next();
        let text = chars.as_str();
        match kind {
            Some('+') => Ok(Some(Value::Simple(text.to_owned()))),
            Some('-') => Ok(Some(Value::Error(text.to_owned()))),
            Some(':') => number(text).map(|number| Some(Value::Integer(number))),
            Some('$') => match length(text, BULK_LIMIT)? {
                Some(length) => self.bulk(length),
                None => Ok(Some(Value::Nil)),
            },
            Some('*') if depth == DEPTH_LIMIT => {
                Err(Malformed(format!("arrays nested more than {DEPTH_LIMIT} deep")))
            }
            Some('*') => match length(text, ITEMS_LIMIT)? {
                Some(length) => self.array(length, depth + 1),
                None => Ok(Some(Value::Nil)),
            },
            _ => Err(Malformed("expected `+`, `-`, `:`, `$` or `*`".to_owned())),
        }
    }

    fn bulk(&mut self, length: usize) -> Parsed<Value> {
        let rest = &self.bytes[self.at..];
        if rest.len() < length + 2 {
            return Ok(None);
        }
        if &rest[length..length + 2] != b"\r\n" {
            return Err(Malformed("a string longer than it says".to_owned()));
        }
        self.at += length + 2;
        Ok(Some(Value::Bulk(rest[..length].to_vec())))
    }

    fn array(&mut self, length: usize, depth: usize) -> Parsed<Value> {
        // Grows as items come: a length is cheap to claim.
        let mut items = Vec::new();
        for _ in 0..length {
            match self.value(depth)? {
                Some(item) => items.push(item),
                None => return Ok(None),
            }
        }
        Ok(Some(Value::Array(items)))
    }
}

fn number(text: &str) -> Result<i64, Malformed> {
    text.parse().map_err(|_| Malformed("expected a whole number".to_owned()))
}

/// A length within its limit; -1 means nil.
fn length(text: &str, limit: usize) -> Result<Option<usize>, Malformed> {
    match number(text)? {
        -1 => Ok(None),
        length => usize::try_from(length)
            .ok()
            .filter(|length| *length <= limit)
            .map(Some)
            .ok_or_else(|| Malformed(format!("length {length}, expected at most {limit}"))),
    }
}

#[cfg(test)]
mod tests;
