//! Changes to bytes as they hurt readers: bits, lengths, pieces that repeat,
//! are lacking or stand elsewhere.

use std::io::Write as _;

use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Value, json};

/// A change.
#[derive(Clone, Debug)]
pub enum Change {
    /// Other bytes in place of those at a place.
    Write(Index, Vec<u8>),
    /// Bytes put between others.
    Insert(Index, Vec<u8>),
    /// Bytes taken out.
    Remove(Index, usize),
    /// A piece that stands somewhere else as well.
    Repeat(Index, usize, Index),
    /// The end cut off.
    Cut(Index),
}

/// Some changes; often one, sometimes many.
pub fn changes() -> impl Strategy<Value = Vec<Change>> {
    // Lengths and offsets as they break arithmetic.
    let number = prop_oneof![
        Just(vec![0xff; 8]),
        Just(vec![0; 8]),
        Just(vec![0xff, 0xff, 0xff, 0x7f]),
        Just(b"77777777777".to_vec()),
        Just(b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()),
        Just(b"18446744073709551616".to_vec()),
        Just(b"../".to_vec()),
        Just(b"*a".to_vec()),
    ];
    let bytes = || prop_oneof![number.clone(), vec(any::<u8>(), 1..4), vec(any::<u8>(), 0..64)];
    let length = || prop_oneof![1_usize..16, 1_usize..4096];
    let change = prop_oneof![
        4 => (any::<Index>(), bytes()).prop_map(|(at, bytes)| Change::Write(at, bytes)),
        2 => (any::<Index>(), bytes()).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => (any::<Index>(), length()).prop_map(|(at, length)| Change::Remove(at, length)),
        1 => (any::<Index>(), length(), any::<Index>()).prop_map(|(from, n, to)| Change::Repeat(from, n, to)),
        1 => any::<Index>().prop_map(Change::Cut),
    ];
    vec(change, 1..8)
}

/// The bytes after these changes.
pub fn apply(seed: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for change in changes {
        let place = |index: &Index| index.index(bytes.len() + 1);
        let end = |from: usize, length: usize| (from + length).min(bytes.len());
        match change {
            Change::Write(at, other) => {
                let at = place(at);
                let end = end(at, other.len());
                bytes[at..end].copy_from_slice(&other[..end - at]);
            }
            Change::Insert(at, other) => {
                let at = place(at);
                bytes.splice(at..at, other.iter().copied());
            }
            Change::Remove(at, length) => {
                let at = place(at);
                bytes.drain(at..end(at, *length));
            }
            Change::Repeat(from, length, to) => {
                let (from, to) = (place(from), place(to));
                let piece = bytes[from..end(from, *length)].to_vec();
                bytes.splice(to..to, piece);
            }
            Change::Cut(at) => bytes.truncate(place(at)),
        }
    }
    bytes
}

/// A value, and a place in a document.
fn value() -> impl Strategy<Value = (Index, Value)> {
    let value = prop_oneof![
        Just(Value::Null),
        Just(json!(true)),
        Just(json!([])),
        Just(json!({})),
        Just(json!("")),
        Just(json!([null, {"metadata": null}, {"metadata": {"name": 7}}])),
        prop_oneof![Just(0), Just(-1), Just(1), Just(i64::MIN), Just(i64::MAX)].prop_map(|n| json!(n)),
        Just(json!(u64::MAX)),
        Just(json!(1e308)),
        Just(json!(-0.5)),
        prop_oneof![
            Just("99999999999999999999E"),
            Just("-9223372036854775808m"),
            Just("9999-12-31T23:59:59.999999999Z"),
            Just("-009999-01-01T00:00:00+25:59"),
            Just("a=b,!c,d in (e"),
            Just("%"),
            Just("/\u{202e}\u{0}:@[::]:99999?a=%zz"),
            Just("v1.999999999999999999999.0-\u{e9}"),
        ]
        .prop_map(|text| json!(text)),
    ];
    (any::<Index>(), value)
}

/// Some values at some places.
pub fn values() -> impl Strategy<Value = Vec<(Index, Value)>> {
    vec(value(), 1..6)
}

/// Puts the values at their places, counted through the whole document.
pub fn put(document: &mut Value, values: &[(Index, Value)]) {
    for (place, value) in values {
        let mut at = place.index(count(document));
        replace(document, &mut at, value);
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

fn replace(at: &mut Value, left: &mut usize, value: &Value) -> bool {
    if *left == 0 {
        // In columns of numbers anything else is refused when they are read.
        *at = if at.is_number() && !value.is_number() { json!(u32::MAX) } else { value.clone() };
        return true;
    }
    *left -= 1;
    match at {
        Value::Array(items) => items.iter_mut().any(|item| replace(item, left, value)),
        Value::Object(fields) => fields.values_mut().any(|field| replace(field, left, value)),
        _ => false,
    }
}

/// A zip archive.
pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A tar archive, with a long name and what Python writes before a member.
pub fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut put = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_pax_extensions([("mtime", &b"1.5"[..])]).unwrap();
        archive.append_data(&mut header, name, bytes).unwrap();
    };
    for (name, bytes) in members {
        put(name, bytes);
    }
    put(&"long/".repeat(60), b"x");
    archive.into_inner().unwrap()
}

/// One gzip member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
