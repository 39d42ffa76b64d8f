//! Foreign text in tables, file names, Markdown and workflow commands.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

/// A text cell that no spreadsheet takes for a formula. Numbers of ours are
/// never passed through here.
pub fn cell(text: &str) -> Cow<'_, str> {
    let shown = lab_render::line(text);
    match shown.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => Cow::Owned(format!("'{shown}")),
        false => shown,
    }
}

/// Whether the text is itself in a cell: no formula, and nothing to escape.
pub fn is_plain(text: &str) -> bool {
    cell(text) == text && text.trim() == text
}

/// A file name for an id, whatever the id is: short, in ASCII, not special on
/// any system, and another one for another id, also where case does not count.
pub fn file_name(id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let readable: String = id.chars().take(24).map(plain).collect();
    let digest = lab_bundle::hex(&Sha256::digest(id));
    format!("{readable}-{}", &digest[..20])
}

/// Text that Markdown shows as it is, on one line.
pub fn markdown(text: &str) -> String {
    let text = lab_render::line(text);
    let mut shown = String::with_capacity(text.len() + 8);
    let before = |at: usize, word: &str| {
        let from = at.saturating_sub(word.len());
        text.get(from..at).is_some_and(|found| found.eq_ignore_ascii_case(word))
    };
    for (at, c) in text.char_indices() {
        // A list, a heading or a rule can only begin where a line does.
        let before_it = text[..at].trim_start();
        let numbers = matches!(c, '.' | ')') && before_it.bytes().all(|byte| byte.is_ascii_digit());
        let begins = numbers || (before_it.is_empty() && c.is_ascii_punctuation());
        let links = text[at..].starts_with("://") || (c == '.' && before(at, "www"));
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            // In tables a backslash before a line ends no cell, whatever is before it.
            '\\' => shown.push_str("&#92;"),
            '|' => shown.push_str("&#124;"),
            c if ACTIVE.contains(&c) || links || begins => shown.extend(['\\', c]),
            c => shown.push(c),
        }
    }
    shown
}

/// Characters that Markdown acts on wherever they stand.
const ACTIVE: [char; 12] = ['`', '*', '_', '[', ']', '{', '}', '~', '#', '$', '@', '!'];

/// The data of a workflow command of GitHub Actions, on one line.
pub fn data(text: &str) -> String {
    lab_render::line(text).replace('%', "%25")
}

/// A property of a workflow command of GitHub Actions.
pub fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// At most so many characters of a text.
pub fn short(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pulldown_cmark::{Options, Parser};

    use super::*;

    #[test]
    fn formulas_become_text() {
        for formula in ["=HYPERLINK(\"http://x\")", "+1", "-1", "@SUM(A1)"] {
            assert_eq!(cell(formula), format!("'{formula}"));
            assert!(!is_plain(formula));
        }
        assert_eq!(cell("\t=1"), "\\t=1");
        assert_eq!(cell("Ada = Lovelace"), "Ada = Lovelace");
        assert!(is_plain("ada@x.org") && !is_plain("a\u{202e}b") && !is_plain(" a"));
    }

    #[test]
    fn every_id_has_a_file_name_of_its_own() {
        let long = "x".repeat(300);
        let ids = ["../x", "..\\x", "CON", "con", "nul.txt", &long, "", ".", "a b", "ä", "\u{1f600}", "a\0b"];
        let names: BTreeSet<_> = ids.iter().map(|id| file_name(id)).collect();
        assert_eq!(names.len(), ids.len());
        for name in names {
            assert!(name.len() <= 45, "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{name}");
        }
    }

    #[test]
    fn markdown_shows_what_was_written() {
        for text in
            ["```\n# x", "<script>", "[a](javascript:x)", "a|b", "&lt;", "~~~", "1. x", "@org/team", "\\"]
        {
            let expected =
                lab_render::line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            // As text goes on, as a line begins, and in a table.
            for (document, html) in [
                (format!("x {}", markdown(text)), format!("<p>x {expected}</p>\n")),
                (format!("- {}", markdown(text)), format!("<ul>\n<li>{expected}</li>\n</ul>\n")),
                (
                    format!("|a|\n|-|\n|{}|\n", markdown(text)),
                    format!(
                        "<table><thead><tr><th>a</th></tr></thead><tbody>\n<tr><td>{expected}</td></tr>\n</tbody></table>\n"
                    ),
                ),
            ] {
                let options = Options::all() - Options::ENABLE_SMART_PUNCTUATION;
                let mut shown = String::new();
                pulldown_cmark::html::push_html(&mut shown, Parser::new_ext(&document, options));
                assert_eq!(shown, html, "{document}");
            }
        }
    }

    #[test]
    fn workflow_commands_end_where_we_end_them() {
        assert_eq!(data("100% \r\n::error::x"), "100%25 \\r\\n::error::x");
        assert_eq!(property("a:b,c"), "a%3Ab%2Cc");
        assert_eq!(short("grün", 3), "grü…");
        assert_eq!(short("grün", 4), "grün");
    }
}
