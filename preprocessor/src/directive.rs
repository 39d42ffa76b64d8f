//! Finding `{{#name args}}` in a chapter, by byte range, outside of code.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag};

/// One directive of a chapter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Directive<'text> {
    /// `lab`, `quiz`, …
    pub name: &'text str,
    /// What follows the name, without `key=value`.
    pub words: Vec<&'text str>,
    /// What follows the name as `key=value`.
    pub settings: Vec<(&'text str, &'text str)>,
    /// Its bytes in the chapter, braces included.
    pub range: Range<usize>,
    /// Whether nothing else stands on its line.
    pub alone: bool,
}

/// mdBook's own, which its `links` preprocessor fills.
const MDBOOKS: [&str; 4] = ["include", "rustdoc_include", "playground", "title"];

/// Every directive of a chapter in order, except mdBook's own, those in code
/// blocks and code spans, and those after a backslash.
pub(crate) fn find(text: &str) -> Vec<Directive<'_>> {
    let code = code(text);
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find("{{#").map(|at| from + at) {
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        from = start + 3;
        let Some(end) = text[start..line_end].find("}}").map(|at| start + at + 2) else { continue };
        if code.iter().any(|range| range.contains(&start)) || text[..start].ends_with('\\') {
            continue;
        }
        let mut words = text[start + 3..end - 2].split_whitespace();
        let name = words.next().unwrap_or_default();
        if MDBOOKS.contains(&name) {
            continue;
        }
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let alone = text[line_start..start].trim().is_empty() && text[end..line_end].trim().is_empty();
        let (mut plain, mut settings) = (Vec::new(), Vec::new());
        for word in words {
            match word.split_once('=') {
                Some(pair) => settings.push(pair),
                None => plain.push(word),
            }
        }
        found.push(Directive { name, words: plain, settings, range: start..end, alone });
        from = end;
    }
    found
}

/// The ranges that Markdown reads as code.
fn code(text: &str) -> Vec<Range<usize>> {
    Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES)
        .into_offset_iter()
        .filter(|(event, _)| matches!(event, Event::Start(Tag::CodeBlock(_)) | Event::Code(_)))
        .map(|(_, range)| range)
        .collect()
}

/// Line and column of a byte, both from 1; the column counts characters.
pub(crate) fn place(text: &str, at: usize) -> (u32, u32) {
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before[before.rfind('\n').map_or(0, |at| at + 1)..].chars().count() + 1;
    (line as u32, column as u32)
}

#[cfg(test)]
mod tests {
    use super::{find, place};

    #[test]
    fn words_and_settings_are_told_apart() {
        let found = find("a\n{{#widget rollout replicas=4 surge=25%}}\n");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name, found[0].alone), ("widget", true));
        assert_eq!(found[0].words, ["rollout"]);
        assert_eq!(found[0].settings, [("replicas", "4"), ("surge", "25%")]);
    }

    #[test]
    fn code_backslashes_and_mdbooks_own_are_left_alone() {
        for text in [
            "```\n{{#lab 01}}\n```\n",
            "`{{#lab 01}}`",
            "\\{{#lab 01}}",
            "{{#include a.md}}",
            "    {{#lab 01}}",
        ] {
            assert_eq!(find(text), [], "{text}");
        }
    }

    #[test]
    fn a_directive_between_words_is_not_alone() {
        assert!(!find("see {{#covers C1}} here")[0].alone);
    }

    #[test]
    fn one_without_an_end_is_text() {
        assert_eq!(find("{{#lab 01\n}}"), []);
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(place("é\nüü{{#lab", 5), (2, 2));
    }
}
