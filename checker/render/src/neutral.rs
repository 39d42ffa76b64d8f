//! Makes foreign text safe to show.
//!
//! Log lines, names and labels are the learner's to choose. Written raw, an
//! ESC sequence repaints the terminal, a bidi override reorders a verdict, a
//! NUL breaks XML. They are shown as escapes, so that nothing is hidden.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Whether a character acts on the reader's screen instead of being seen.
pub fn is_active(c: char) -> bool {
    // Joiners shape emoji and several scripts, and neither move nor hide text.
    const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];
    // Almost all text: no table is asked.
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    matches!(
        c.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::Unassigned
    ) && !JOINERS.contains(&c)
}

/// `text` on one line, with active characters shown as in `\u{1b}` or `\n`.
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_active) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_active(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// The lines of `text` that say something, each made safe.
pub fn lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.lines().filter(|text| !text.trim().is_empty()).map(line)
}

/// JSON text whose active characters are `\u` escapes: the same document to
/// every parser, and harmless to a terminal that shows it.
///
/// The text is the output of a JSON writer, so that active characters other
/// than its line breaks can stand in strings only.
pub fn json(pretty: &str) -> String {
    let mut shown = String::with_capacity(pretty.len());
    let mut rest = pretty;
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| *c != '\n' && is_active(*c)) {
        shown.push_str(&rest[..at]);
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\u{unit:04x}");
        }
        rest = &rest[at + c.len_utf8()..];
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_would_act() {
        assert_eq!(line("\x1b[31mred\u{9b}0m"), "\\u{1b}[31mred\\u{9b}0m");
        assert_eq!(line("a\u{202e}b\u{2066}c\u{feff}"), "a\\u{202e}b\\u{2066}c\\u{feff}");
        assert_eq!(line("nul\0 tab\t cr\r lf\n"), "nul\\u{0} tab\\t cr\\r lf\\n");
        assert_eq!(line("sep\u{2028}\u{2029}\u{ffff}"), "sep\\u{2028}\\u{2029}\\u{ffff}");
    }

    #[test]
    fn leaves_writing_alone() {
        for text in ["Größe", "e\u{301}", "日本語", "👩\u{200d}🔬", "עברית", "می\u{200c}خواهم"]
        {
            assert!(matches!(line(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn keeps_lines_apart() {
        assert_eq!(lines("one\r\n\n  \ntwo\rtoo\n").collect::<Vec<_>>(), ["one", "two\\rtoo"]);
    }
}
