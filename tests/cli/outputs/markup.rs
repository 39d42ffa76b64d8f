//! Hostile inputs 45, 46 and 48: markup, terminal escapes, and what XML cannot
//! hold.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use quick_xml::{Reader, XmlVersion, events::Event};
use sha2::{Digest as _, Sha256};

use super::Class;

/// Markup taken apart: its elements, the values of attributes, its text.
#[derive(Default)]
struct Markup {
    elements: BTreeSet<String>,
    attributes: Vec<(String, String)>,
    text: String,
}

fn parsed(markup: &str) -> Markup {
    let mut reader = Reader::from_str(markup);
    let mut found = Markup::default();
    let mut open = 0;
    loop {
        let event = reader.read_event().unwrap_or_else(|error| panic!("{error}\n{markup}"));
        match &event {
            Event::Start(start) | Event::Empty(start) => {
                open += i32::from(matches!(event, Event::Start(_)));
                found.elements.insert(String::from_utf8(start.name().0.to_vec()).unwrap());
                for attribute in start.attributes() {
                    let attribute = attribute.unwrap();
                    let value = attribute.normalized_value(XmlVersion::Implicit1_0).unwrap().into_owned();
                    found.attributes.push((String::from_utf8(attribute.key.0.to_vec()).unwrap(), value));
                }
            }
            Event::End(_) => open -= 1,
            Event::Text(text) => found.text.push_str(&text.decode().unwrap()),
            Event::GeneralRef(reference) => {
                let name = reference.decode().unwrap();
                let c = reference.resolve_char_ref().unwrap().map(String::from);
                let c = c.or_else(|| quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned));
                found.text.push_str(&c.unwrap_or_else(|| panic!("`&{name};` is no character")));
            }
            Event::CData(_) | Event::PI(_) => panic!("what we never write: {event:?}"),
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open, 0, "an element is left open");
    found
}

/// Pages load nothing and run nothing, whoever wrote what is in them.
fn is_inert(file: &str, page: &str) -> Markup {
    let markup = parsed(page);
    const KNOWN: [&str; 45] = [
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "main",
        "footer",
        "section",
        "div",
        "h1",
        "h2",
        "h3",
        "p",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "code",
        "span",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "svg",
        "rect",
        "line",
        "text",
        "figure",
        "figcaption",
        "details",
        "summary",
        "progress",
        "br",
        "small",
        "strong",
        "em",
        "caption",
        "g",
        "title",
    ];
    for element in &markup.elements {
        assert!(KNOWN.contains(&element.as_str()), "{file}: <{element}>");
    }
    for (name, value) in &markup.attributes {
        assert!(
            !name.starts_with("on") && !["href", "src", "style", "action"].contains(&name.as_str()),
            "{file}: {name}"
        );
        assert!(!value.contains("javascript:"), "{file}: {name}={value}");
    }
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        STANDARD.encode(Sha256::digest(style))
    );
    assert!(markup.attributes.contains(&("content".to_owned(), policy)), "{file}");
    markup
}

#[test]
fn markup_in_names_and_labels_is_text() {
    let hostile =
        "<script>alert(1)</script></textarea></style><a href=\"javascript:alert(2)\" onload='x'>&lt;";
    let class = Class::of(&[("ada", hostile), ("missing", hostile)], hostile);
    let pages: Vec<_> = class.files().into_iter().filter(|(file, _)| file.ends_with(".html")).collect();
    assert_eq!(pages.len(), 3);
    for (file, page) in pages {
        let markup = is_inert(&file, &page);
        assert!(markup.text.contains(hostile), "{file}");
    }
    // The message of a check too, not only the name.
    let feedback = parsed(&class.of_student("feedback", "ada", "html"));
    assert!(feedback.text.contains("\"app\": \"<script>alert(1)</script>"), "{}", feedback.text);
    let junit = parsed(&class.read("junit.xml"));
    assert!(junit.text.contains("<script>alert(1)</script>"));
    assert!(!junit.elements.contains("script"));
}

#[test]
fn nothing_written_acts_on_a_terminal() {
    let hostile = "\u{1b}[2J\u{1b}]8;;http://x\u{7}\u{1b}]52;c;aGk=\u{7}\r\u{9b}31m\u{85}\u{202e}x";
    let class = Class::of(&[("ada", hostile), ("missing", hostile)], hostile);
    let shown = "\\u{1b}[2J\\u{1b}]8;;http://x\\u{7}";
    for (file, text) in class.files() {
        let acts = |c: char| {
            (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert!(!text.contains(acts), "{file}: {text:?}");
    }
    for file in ["grades.csv", "dashboard.html"] {
        assert!(class.read(file).contains(shown), "{file}");
    }
    let results: serde_json::Value =
        serde_json::from_str(&class.of_student("gradescope", "ada", "file")).unwrap();
    let message = results["tests"][1]["output"].as_str().unwrap();
    assert!(message.contains("\"app\": \"\\u001b[2J") && message.contains("\\u{202e}x"), "{message}");
    // JSON for programs gives back what was there.
    let grades: serde_json::Value = serde_json::from_str(&class.read("grades.json")).unwrap();
    assert_eq!(grades["grades"][0]["student"]["name"], hostile);
}

#[test]
fn junit_holds_what_xml_cannot() {
    let hostile = "a]]>b\0\u{1}\u{b}\u{fffe}\u{ffff}<![CDATA[";
    let class = Class::of(&[("ada", "Ada"), ("]]>\u{1}", "x")], hostile);
    let xml = class.read("junit.xml");
    let markup = parsed(&xml);
    let legal = |c: char| matches!(c, '\n' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(xml.chars().all(legal));
    // As expressions show text, and then as reports do.
    let shown = "a]]>b\\u0000\\u0001\\u000b\\u{fffe}\\u{ffff}<![CDATA[";
    assert!(markup.text.contains(shown), "{}", markup.text);
    let values: Vec<_> = markup.attributes.iter().map(|(_, value)| value.as_str()).collect();
    assert!(values.contains(&"]]>\\u{1}"), "the suite has the id");
    assert!(values.iter().any(|value| value.contains(shown)), "a message has the label");
    let suites = markup.attributes.iter().filter(|(name, _)| name == "tests").count();
    assert_eq!(suites, 2);
}
