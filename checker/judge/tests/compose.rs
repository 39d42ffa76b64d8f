//! What the judge makes of compose files of every form, as the real resolver
//! answered for them (`tests/compose`): what is honest is judged, what compose
//! refuses fails, and what contradicts itself is unknown.

use std::{fs, path::Path};

use lab_judge::Judge;
use lab_spec::{Evidence, Lab, Verdict};
use serde_json::{Value, json};

const LAB: &str = r#"
format: 1
id: lab02
title: A lab of this test
target: [compose]
minutes: 1
story: None.
observe:
  file: {compose: {}}
  written: {composefiles: {}}
tasks:
- id: file
  title: The file
  points: 10
  text: Any.
  hints: [a, b, c]
  checks:
  - {id: resolved, title: it is resolved, expect: file.services.size() >= 0, wrong: never}
  - {id: modern, title: no version, each: written, expect: "!('version' in it.document)", wrong: a version}
"#;

fn verdicts(answer: &Value) -> (Verdict, Verdict) {
    let lab = Lab::parse("lab.yaml", LAB).unwrap_or_else(|problems| panic!("{problems:?}"));
    let judge = Judge::new("lab.yaml", &lab).unwrap_or_else(|problems| panic!("{problems:?}"));
    let provenance = json!({"request": "", "resourceVersion": null, "atMs": 0, "skewMs": 0});
    let observations = json!({"compose file": {"outcome": {"present": answer}, "provenance": provenance}});
    let evidence: Evidence = serde_json::from_value(json!({
        "format": 1,
        "lab": {"id": "lab02", "digest": ""},
        "project": {"name": "lab", "engine": "", "context": "", "files": []},
        "params": {"seed": 0, "nonce": ""},
        "images": {},
        "looks": [{"atMs": 0, "wallMs": 0, "gap": false, "observations": observations}],
        "experiments": {},
        "ended": "settled",
    }))
    .expect("the corpus and its answers are right");
    let report = judge.report(&evidence);
    let of = |id: &str| {
        report
            .checks()
            .find(|(_, check)| check.id == id)
            .map(|(_, check)| check.verdict)
            .expect("the corpus and its answers are right")
    };
    (of("resolved"), of("modern"))
}

fn corpus() -> Vec<(String, Value)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the corpus and its answers are right")
        .join("tests/compose/corpus");
    let mut entries: Vec<_> = fs::read_dir(dir)
        .expect("the corpus and its answers are right")
        .map(|entry| {
            let entry = entry.expect("the corpus and its answers are right");
            let text = fs::read_to_string(entry.path().join("answer.json"))
                .expect("the corpus and its answers are right");
            (
                entry.file_name().to_string_lossy().into_owned(),
                serde_json::from_str(&text).expect("the corpus and its answers are right"),
            )
        })
        // A bomb has no answer: it is not handed to compose.
        .filter(|(_, answer): &(String, Value)| answer.get("unavailable").is_none())
        .collect();
    entries.sort_by(|one: &(String, Value), other| one.0.cmp(&other.0));
    assert!(entries.len() >= 40);
    entries
}

#[test]
fn an_honest_answer_never_contradicts_itself() {
    for (name, answer) in corpus() {
        let (resolved, modern) = verdicts(&answer);
        let expected = if answer["resolved"].is_null() { Verdict::Fail } else { Verdict::Pass };
        assert_eq!(resolved, expected, "{name}");
        assert_ne!(modern, Verdict::Unknown, "{name}");
    }
}

#[test]
fn the_old_field_is_seen_in_the_raw_file_only() {
    let corpus = corpus();
    let (_, answer) =
        corpus.iter().find(|(name, _)| name == "old-version").expect("the corpus and its answers are right");
    assert!(answer["resolved"].get("version").is_none());
    assert_eq!(verdicts(answer), (Verdict::Pass, Verdict::Fail));
}

/// A submission with another resolved file than compose would have made.
#[test]
fn a_forged_resolved_file_is_never_judged() {
    let mut forged_files = 0;
    for (name, answer) in corpus() {
        let Some(services) = answer["resolved"]["services"].as_object() else { continue };
        let Some(document) = answer["files"][0]["document"]["services"].as_object() else { continue };
        for service in services.keys().filter(|service| {
            let image = document.get(*service).and_then(|written| written["image"].as_str());
            answer["files"].as_array().expect("the corpus and its answers are right").len() == 1
                && image.is_some_and(|image| !image.contains('$'))
                && document[*service].get("<<").is_none()
        }) {
            let mut forged = answer.clone();
            forged["resolved"]["services"][service]["image"] = json!("forged:1");
            assert_eq!(verdicts(&forged).0, Verdict::Unknown, "{name}: {service}");
            forged_files += 1;
        }
    }
    assert!(forged_files >= 20, "{forged_files}");
}
