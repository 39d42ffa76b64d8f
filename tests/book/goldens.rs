//! What each directive becomes, byte for byte.
//!
//! After a wanted change: `UPDATE_GOLDENS=1 cargo test -p mdbook-labcheck
//! goldens`, then read the diff.

use std::{collections::BTreeSet, fs, path::PathBuf};

use regex::Regex;

use crate::{problems::Fixture, root};

fn folder() -> PathBuf {
    root().join("tests/book/goldens")
}

/// The main part of a built page.
fn content(fixture: &Fixture, page: &str) -> String {
    let text = fs::read_to_string(fixture.build().unwrap().join(page)).unwrap();
    let main = Regex::new(r"(?s)<main>(.*?)</main>").unwrap();
    main.captures(&text).unwrap()[1].trim().to_owned() + "\n"
}

/// Name and Markdown of each page that is compared.
fn cases() -> Vec<(&'static str, &'static str)> {
    vec![
        ("lab-card", "{{#lab 01}}"),
        ("lab-announced", "{{#lab 04}}"),
        ("lab-hints", "{{#hints 01 image}}"),
        ("quiz", "text before\n\n{{#quiz 00}}\n\ntext after"),
        ("console", "{{#console systems/show}}"),
        ("diagram-graph", "{{#diagram graph}}"),
        ("diagram-timeline", "{{#diagram time}}"),
        ("widget", "{{#widget selector selector=app=api,tier=<b>}}"),
        ("term", "A {{#term pod as=pods}} and *more*.\n\n{{#glossary}}"),
        ("code", "`{{#lab 01}}` \\{{#lab 01}}\n\n```\n{{#quiz 00}}\n```"),
    ]
}

fn rendered(markdown: &str) -> String {
    let fixture = Fixture::new();
    fixture.write("src/one.md", &format!("{{{{#covers C1}}}}\n\n{markdown}\n"));
    if !markdown.contains("{{#quiz 00}}\n\ntext") {
        fs::remove_dir_all(fixture.book().join("quizzes")).unwrap();
    }
    if markdown.contains("glossary") {
        fixture.write("glossary.yaml", "format: 1\nterms:\n- {term: pod, is: \"`a` & b <c>\"}\n");
    }
    if markdown.contains("console") {
        fixture.write(
            "systems/show.console",
            "on: shell\nrecorded: today\n---\n% true\n$ printf '%s\\n' \\\n> '<b>' ''\n<b>\n\n$ true\n",
        );
    }
    if markdown.contains("diagram") {
        let graph = "title: A & B\ntext: A leads to B.\ngraph:\n  boxes:\n  - {id: a, at: [0, 0], text: A}\n  - {id: b, at: [1, 0], text: B, notes: [\"<i>\"], tone: good}\n  arrows:\n  - {from: a, to: b, text: leads}\n";
        let time = "title: T\ntext: One after the other.\ntimeline:\n  end: 4\n  unit: s\n  step: 2\n  rows:\n  - {name: a, spans: [{from: 0, to: 2, text: x, tone: bad}]}\n  marks: [{at: 2, text: now}]\n";
        let (name, text) = if markdown.contains("graph") { ("graph", graph) } else { ("time", time) };
        fixture.write(&format!("diagrams/{name}.yaml"), text);
    }
    content(&fixture, "one.html")
}

#[test]
fn goldens_are_as_they_were() {
    let update = std::env::var_os("UPDATE_GOLDENS").is_some_and(|value| !value.is_empty());
    let mut changed = Vec::new();
    for (name, markdown) in cases() {
        let path = folder().join(format!("{name}.html"));
        let now = rendered(markdown);
        if update {
            fs::create_dir_all(folder()).unwrap();
            fs::write(&path, &now).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != now {
            changed.push(format!("{name}:\n{now}"));
        }
    }
    assert!(changed.is_empty(), "changed; UPDATE_GOLDENS=1 writes them anew\n{}", changed.join("\n"));
}

#[test]
fn no_golden_is_left_over() {
    let wanted: BTreeSet<String> = cases().iter().map(|(name, _)| format!("{name}.html")).collect();
    let there: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, wanted);
}
