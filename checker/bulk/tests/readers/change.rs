//! Values that hurt readers, put into documents, and archives for seeds.

use std::io::Write as _;

use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Value, json};

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
