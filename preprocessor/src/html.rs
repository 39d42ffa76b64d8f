//! Writing HTML into Markdown.

use pulldown_cmark::{Options, Parser, html};

/// Text as HTML text or attribute value.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Markdown as HTML without a line break in it, so that no line of it can end
/// the HTML block of a chapter it stands in.
pub(crate) fn markdown(text: &str) -> String {
    let mut out = String::new();
    html::push_html(&mut out, Parser::new_ext(text, Options::ENABLE_TABLES));
    one_line(&out)
}

/// Markdown of one paragraph, without the paragraph around it.
pub(crate) fn inline(text: &str) -> String {
    let html = markdown(text.trim());
    match html.strip_prefix("<p>").and_then(|rest| rest.trim_end().strip_suffix("</p>")) {
        Some(inner) if !inner.contains("<p>") => inner.to_owned(),
        _ => html,
    }
}

/// HTML with its line breaks written as references; they mean the same inside
/// `<pre>`, and nothing elsewhere.
pub(crate) fn one_line(html: &str) -> String {
    html.trim_end().replace('\n', "&#10;")
}

/// A fenced code block whose fence no line of the content can end.
pub(crate) fn fence(info: &str, content: &str) -> String {
    let longest =
        content.lines().map(|line| line.trim_start().chars().take_while(|&c| c == '`').count()).max();
    let ticks = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    format!("{ticks}{info}\n{}\n{ticks}\n", content.trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::{fence, inline, markdown};

    #[test]
    fn a_blank_line_in_code_stays_in_the_block() {
        assert!(!markdown("```\na\n\nb\n```").contains('\n'));
    }

    #[test]
    fn one_paragraph_loses_its_tags_and_two_keep_them() {
        assert_eq!(inline("`a` <b>"), "<code>a</code> <b>");
        assert!(inline("a\n\nb").starts_with("<p>"));
    }

    #[test]
    fn a_fence_is_longer_than_any_inside() {
        assert!(fence("text", "````\nx").starts_with("`````text\n"));
    }
}
