//! What is written is read.

use std::fs;

use lab_bundle::{Fault, read, read_from, write};
use proptest::prelude::*;

use super::*;

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no others", |n| n.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_evidence_survives_and_gives_the_same_bytes(values in prop::collection::vec(json_value(), 0..4)) {
        let evidence = evidence(values);
        let bytes = written(&evidence);
        prop_assert_eq!(&bytes, &written(&evidence));
        let read = read_from(&bytes[..], "memory").unwrap();
        prop_assert!(same(&read, &evidence));
        prop_assert_eq!(written(&read), bytes);
    }
}

#[test]
fn a_file_is_replaced_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.labcheck");
    write(&path, &sample()).unwrap();
    let before = fs::read(&path).unwrap();
    assert_eq!(before, written(&sample()));
    assert!(same(&read(&path).unwrap(), &sample()));

    let open = evidence(vec![json!([{"kind": "Secret", "data": {"a": "aHVudGVyMg=="}}])]);
    let error = write(&path, &open).unwrap_err();
    assert!(matches!(&error.fault, Fault::NotRedacted { key } if key == "list 0"), "{error}");
    assert!(!error.to_string().contains("aHVudGVyMg"));
    let mut newer = sample();
    newer.format = 2;
    assert!(matches!(write(&path, &newer).unwrap_err().fault, Fault::Format { found: 2 }));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");

    let nowhere = dir.path().join("missing/x.labcheck");
    let error = write(&nowhere, &sample()).unwrap_err().to_string();
    assert!(error.contains("missing/x.labcheck") && error.contains("--save"), "{error}");
}

#[test]
fn evidence_that_could_not_be_read_again_is_not_written() {
    let mut deep = json!(0);
    for _ in 0..130 {
        deep = json!([deep]);
    }
    let error = lab_bundle::write_to(Vec::new(), "memory", &evidence(vec![deep])).unwrap_err();
    assert!(matches!(error.fault, Fault::TooDeep), "{error}");
}

#[test]
fn the_manifest_records_what_was_redacted() {
    let text = zstd::decode_all(&written(&sample())[..]).unwrap();
    let manifest: Value = serde_json::from_slice(text.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert_eq!(manifest["format"], 1);
    assert_eq!(manifest["redaction"], json!({"values": 3, "classes": 2}));
}
