//! Hostile inputs 49 and 50: workflow commands, and Markdown that leaves its
//! place.

use pulldown_cmark::{Event, Options, Parser, Tag};

use super::Class;
use crate::place::Place;

#[test]
fn no_text_is_a_workflow_command() {
    let hostile = "x\n::error::boom\n::add-mask::secret\n##[set-output name=x]y\r::stop-commands::t";
    let place = Place::new();
    let mut roster = csv::Writer::from_writer(Vec::new());
    roster.write_record(["id", "name"]).unwrap();
    roster.write_record([format!("::add-mask::{hostile}").as_str(), hostile]).unwrap();
    place.write("roster.csv", roster.into_inner().unwrap());
    place.write("in/::error::a\n::add-mask::b,c:100%.zip", "PK\u{3}\u{4} no submission");
    let class = Class::graded(place, super::ALL);
    let annotations = class.read("actions.txt");
    let lines: Vec<_> = annotations.lines().collect();
    assert_eq!(
        lines,
        [
            "::warning title=lab06 file of nobody::in/::error::a\\n::add-mask::b,c:100%25.zip: is a zip archive that cannot be opened: invalid Zip archive: Could not find EOCD",
            "::notice title=lab06 missing::::add-mask::x\\n::error::boom\\n::add-mask::secret\\n##[set-output name=x]y\\r::stop-commands::t: nothing was handed in",
        ]
    );
    // Neither does what labcheck itself prints into the log, nor the summary.
    let summary = class.read("summary.md");
    for line in class.said.out.lines().chain(class.said.err.lines()).chain(summary.lines()) {
        assert!(!line.trim_start().starts_with("::"), "{line}");
    }
}

#[test]
fn markdown_stays_in_its_place() {
    let hostile =
        "```\n# closing\n|x|\n</details><script>alert(1)</script> ![a](http://x/y.png) ~~~ [l](javascript:x)";
    let class = Class::of(&[("ada", hostile), ("missing ```", hostile)], hostile);
    let summary = class.read("summary.md");
    assert!(summary.len() < 1 << 20);
    let feedback = class.of_student("feedback", "ada", "markdown");
    for (document, headings) in [
        (&summary, vec!["lab06: Nobody answers", "Checks", "Students"]),
        (
            &feedback,
            vec![
                "lab06: Nobody answers",
                "owners: The Deployment keeps its own pods, and only those",
                "selector: The Service finds its pods, and only those",
                "port: The port is found by its name",
                "answers: All three pods answer, and nobody else",
                "quarantine: A pod can be taken out of traffic",
            ],
        ),
    ] {
        let mut found: Vec<String> = Vec::new();
        let (mut in_heading, mut text) = (false, String::new());
        for event in Parser::new_ext(document, Options::all() - Options::ENABLE_SMART_PUNCTUATION) {
            match event {
                Event::Start(Tag::Heading { .. }) => {
                    in_heading = true;
                    found.push(String::new());
                }
                Event::End(pulldown_cmark::TagEnd::Heading(_)) => in_heading = false,
                Event::Start(
                    Tag::Link { .. }
                    | Tag::Image { .. }
                    | Tag::CodeBlock(_)
                    | Tag::HtmlBlock
                    | Tag::Strikethrough,
                )
                | Event::Html(_)
                | Event::InlineHtml(_)
                | Event::Code(_)
                | Event::Rule => panic!("{event:?}\n{document}"),
                Event::Text(piece) => {
                    if let (true, Some(heading)) = (in_heading, found.last_mut()) {
                        heading.push_str(&piece);
                    }
                    text.push_str(&piece);
                }
                _ => {}
            }
        }
        let found: Vec<_> = found.iter().map(|heading| heading.split(" (").next().unwrap()).collect();
        assert_eq!(found, headings);
        assert!(text.contains("```"), "{text}");
    }
    let shown = hostile.replace('\n', "\\n");
    let mut text = String::new();
    for event in Parser::new(&feedback) {
        if let Event::Text(piece) = event {
            text.push_str(&piece);
        }
    }
    assert!(text.contains(&shown), "{text}");
}
