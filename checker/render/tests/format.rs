//! The JSON that other programs read: changing it needs a new format number.

mod fixtures;

use lab_render::json;
use lab_spec::Report;

/// Written by hand and not updated with the goldens.
const SAMPLE: &str = include_str!("format-1.json");

#[test]
fn fields_are_frozen() {
    let report: Report =
        serde_json::from_str(SAMPLE).expect("format 1 has changed: programs that read reports would break");
    assert_eq!(json(&report), SAMPLE);
}

#[test]
fn words_are_frozen() {
    let read = |from: &str, to: &str| {
        assert!(SAMPLE.contains(from));
        let changed = SAMPLE.replace(from, to);
        let report: Report = serde_json::from_str(&changed).unwrap();
        assert_eq!(json(&report), changed);
    };
    for verdict in ["pass", "fail", "pending", "blocked", "unknown", "skipped"] {
        read("\"verdict\": \"fail\"", &format!("\"verdict\": \"{verdict}\""));
    }
    for ended in ["settled", "timeout", "interrupted"] {
        read("\"ended\": \"settled\"", &format!("\"ended\": \"{ended}\""));
    }
}

#[test]
fn reads_back_as_the_same_report() {
    for (name, report) in fixtures::all() {
        let document = json(&report);
        assert!(document.ends_with("}\n"), "{name}");
        assert_eq!(serde_json::from_str::<Report>(&document).unwrap(), report, "{name}");
    }
}

#[test]
fn holds_nothing_that_acts_on_a_terminal() {
    let document = json(&fixtures::all().into_iter().find(|(name, _)| *name == "hostile").unwrap().1);
    let active = |c: char| c.is_control() && c != '\n' || ('\u{2028}'..='\u{202e}').contains(&c);
    assert!(!document.contains(active), "{document}");
}
