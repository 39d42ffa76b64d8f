//! JUnit and HTML hold together, and hold nothing but what we put there.

mod fixtures;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lab_render::{html, junit};
use lab_spec::report::{Report, Verdict};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use sha2::{Digest, Sha256};

/// Every element with its attributes; fails when tags do not nest.
fn elements(markup: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut reader = Reader::from_str(markup);
    let mut elements = Vec::new();
    let mut open = 0;
    let element = |start: &BytesStart<'_>| {
        let attributes = start.attributes().map(|attribute| {
            let attribute = attribute.expect("an attribute");
            let name = String::from_utf8(attribute.key.0.to_vec()).expect("UTF-8");
            (
                name,
                attribute
                    .normalized_value(XmlVersion::Implicit1_0)
                    .expect("a value without stray references")
                    .into_owned(),
            )
        });
        (String::from_utf8(start.name().0.to_vec()).expect("UTF-8"), attributes.collect())
    };
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error}\n{markup}")) {
            Event::Start(start) => {
                open += 1;
                elements.push(element(&start));
            }
            Event::Empty(start) => elements.push(element(&start)),
            Event::End(_) => open -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open, 0, "an element is left open");
    elements
}

fn fixture(name: &str) -> Report {
    fixtures::all().into_iter().find(|(other, _)| *other == name).expect("a fixture").1
}

/// Characters that XML 1.0 does not allow, or that act on a reader's screen.
fn is_unwanted(c: char) -> bool {
    let bidi = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    (c.is_control() && c != '\n') || bidi || matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[test]
fn junit_has_a_suite_per_task_and_a_case_per_check() {
    for (name, report) in fixtures::all() {
        let xml = junit(&report);
        let elements = elements(&xml);
        let count = |tag: &str| elements.iter().filter(|(name, _)| name == tag).count();
        let verdicts =
            |wanted: &[Verdict]| report.checks().filter(|(_, check)| wanted.contains(&check.verdict)).count();
        assert_eq!(count("testsuite"), report.tasks.len(), "{name}");
        assert_eq!(count("testcase"), report.checks().count(), "{name}");
        assert_eq!(count("failure"), verdicts(&[Verdict::Fail, Verdict::Pending]), "{name}");
        assert_eq!(count("error"), verdicts(&[Verdict::Unknown]), "{name}");
        assert_eq!(count("skipped"), verdicts(&[Verdict::Blocked, Verdict::Skipped]), "{name}");
        assert!(!xml.contains(is_unwanted), "{name}: {xml}");
        for forbidden in ["timestamp", "uuid"] {
            assert!(!elements.iter().any(|(_, attributes)| attributes.contains_key(forbidden)));
        }
    }
}

#[test]
fn junit_counts_and_types_are_right() {
    let elements = elements(&junit(&fixtures::verdicts()));
    let (_, totals) = &elements[0];
    for (name, number) in [("tests", "9"), ("failures", "4"), ("errors", "1"), ("skipped", "2")] {
        assert_eq!(totals[name], number, "{name}");
    }
    let types: Vec<&str> = elements
        .iter()
        .filter(|(name, _)| ["failure", "error", "skipped"].contains(&name.as_str()))
        .map(|(_, attributes)| attributes["type"].as_str())
        .collect();
    assert_eq!(types, ["fail", "fail", "blocked", "pending", "unknown", "skipped", "fail"]);
}

#[test]
fn html_runs_and_loads_nothing() {
    for (name, report) in fixtures::all() {
        let page = html(&report);
        for (tag, attributes) in elements(&page) {
            assert!(
                !["script", "img", "link", "iframe", "object", "a", "form"].contains(&tag.as_str()),
                "{name}: <{tag}>"
            );
            for attribute in attributes.keys() {
                assert!(!attribute.starts_with("on"), "{name}: {attribute}");
                assert!(!["src", "href", "style", "srcset"].contains(&attribute.as_str()), "{name}");
            }
        }
        assert!(!page.contains(is_unwanted), "{name}: {page}");
        assert!(!page.contains("url(") && !page.contains("@import"), "{name}");
    }
}

#[test]
fn html_escapes_what_is_hostile() {
    let page = html(&fixture("hostile"));
    for raw in ["<script", "</script", "<img", "onerror=alert(1)>", "\"'", "\0", "\x1b"] {
        assert!(fixtures::HOSTILE.contains(raw) || raw == "<script");
        assert!(!page.contains(raw), "{raw:?} stands raw in the page");
    }
    // It is shown, not swallowed.
    assert!(page.contains("&#60;script&#62;alert(1)&#60;/script&#62;"), "{page}");
    assert!(page.contains("\\u{202e}ssap"), "{page}");
}

#[test]
fn html_allows_its_own_style_alone() {
    let page = html(&fixtures::verdicts());
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = STANDARD.encode(Sha256::digest(style));
    let policy =
        format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    let (_, meta) = elements(&page)
        .into_iter()
        .find(|(_, attributes)| attributes.contains_key("http-equiv"))
        .expect("a policy");
    assert_eq!(meta["content"], policy);
}

#[test]
fn html_has_what_assistive_technology_needs() {
    for (name, report) in fixtures::all() {
        let page = html(&report);
        let elements = elements(&page);
        let count = |tag: &str| elements.iter().filter(|(name, _)| name == tag).count();
        for landmark in ["header", "main", "footer", "h1", "title"] {
            assert_eq!(count(landmark), 1, "{name}: <{landmark}>");
        }
        assert!(elements.iter().any(|(tag, of)| tag == "html" && of["lang"] == "en"), "{name}");
        let ids: Vec<&String> = elements.iter().filter_map(|(_, of)| of.get("id")).collect();
        for label in elements.iter().filter_map(|(_, of)| of.get("aria-labelledby")) {
            assert_eq!(ids.iter().filter(|id| **id == label).count(), 1, "{name}: {label}");
        }
        // Each verdict is there as a word.
        for (_, check) in report.checks() {
            let word = check.verdict.word();
            assert!(page.contains(&format!("{word}\">{word}</span>")), "{name}: {word}");
        }
    }
}

/// WCAG 2.2 success criterion 1.4.3: 4.5 to 1 for text.
#[test]
fn html_colours_have_contrast() {
    let style = include_str!("../templates/report.css");
    let (light, dark) = style.split_once("@media screen and (prefers-color-scheme: dark)").unwrap();
    for (theme, css) in [("light", light), ("dark", dark)] {
        let luminance = |name: &str| {
            let value = css.split_once(&format!("--{name}: #")).unwrap().1;
            let channel = |at: usize| {
                let value = f64::from(u8::from_str_radix(&value[at..at + 2], 16).unwrap()) / 255.0;
                if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
        };
        let pairs = [
            ("text", "page"),
            ("text", "card"),
            ("muted", "page"),
            ("muted", "card"),
            ("pass", "pass-back"),
            ("fail", "fail-back"),
            ("wait", "wait-back"),
            ("skip", "skip-back"),
        ];
        for (front, back) in pairs {
            let (a, b) = (luminance(front), luminance(back));
            let ratio = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(ratio >= 4.5, "{theme}: {front} on {back} is {ratio:.2} to 1, expected 4.5");
        }
    }
}
