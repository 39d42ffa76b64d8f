//! Lines of a given width, and how text fills them.

use std::fmt::Write;

use anstyle::Style;
use textwrap::core::{Word, break_words, display_width};
use textwrap::wrap_algorithms::WrapAlgorithm;

use super::BOLD;

/// Text under construction. What is put on it must be safe to show already.
pub struct Page {
    text: String,
    width: usize,
    color: bool,
}

impl Page {
    pub const fn new(width: usize, color: bool) -> Self {
        Self { text: String::new(), width, color }
    }

    pub const fn width(&self) -> usize {
        self.width
    }

    pub fn finish(self) -> String {
        self.text
    }

    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A title, with `tail` at the right edge.
    pub fn heading(&mut self, title: &str, tail: &str) {
        let lines = wrap(title, self.width, self.width - 2);
        let last = lines.len() - 1;
        for (number, line) in lines.iter().enumerate() {
            let indent = if number == 0 { 0 } else { 2 };
            self.indent(indent);
            self.paint(BOLD, line);
            if number == last {
                let used = indent + display_width(line) + display_width(tail);
                if used + 2 <= self.width {
                    self.indent(self.width - used);
                } else {
                    self.blank();
                    self.indent(self.width.saturating_sub(display_width(tail)));
                }
                self.text.push_str(tail);
            }
            self.blank();
        }
    }

    /// Text that starts at column `indent`, its further lines `hang` deeper.
    /// Nothing when there is no text.
    pub fn paragraph(&mut self, style: Style, indent: usize, hang: usize, text: &str) {
        if text.is_empty() {
            return;
        }
        let room = self.width.saturating_sub(indent).max(1);
        for (number, line) in wrap(text, room, room.saturating_sub(hang).max(1)).iter().enumerate() {
            self.indent(if number == 0 { indent } else { indent + hang });
            self.paint(style, line);
            self.blank();
        }
    }

    /// A word in the left column and text beside it, from column `indent`.
    pub fn labelled(&mut self, style: Style, word: &str, indent: usize, text: &str) {
        let room = self.width - indent;
        for (number, line) in wrap(text, room, room).iter().enumerate() {
            if number == 0 {
                self.indent(2);
                self.paint(style, word);
                self.indent(indent - 2 - word.len());
            } else {
                self.indent(indent);
            }
            self.text.push_str(line);
            self.blank();
        }
    }

    /// A command to copy: whole, on one line, whatever the width.
    pub fn command(&mut self, indent: usize, label: &str, command: &str) {
        self.indent(indent);
        self.paint(BOLD, &format!("{label}:"));
        self.text.push(' ');
        self.text.push_str(command);
        self.blank();
    }

    fn indent(&mut self, columns: usize) {
        self.text.extend(std::iter::repeat_n(' ', columns));
    }

    fn paint(&mut self, style: Style, text: &str) {
        if self.color && !style.is_plain() && !text.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(self.text, "{style}{text}{style:#}");
        } else {
            self.text.push_str(text);
        }
    }
}

/// `text` in lines of at most `first`, then `rest` columns; at least one line.
/// Words longer than a line are cut, but what stands between backticks is
/// kept whole: it is a command or a name to copy.
fn wrap(text: &str, first: usize, rest: usize) -> Vec<String> {
    let words: Vec<Word<'_>> = words(text)
        .into_iter()
        .flat_map(|(word, quoted)| match quoted {
            true => vec![Word::from(word)],
            false => break_words([Word::from(word)], first.min(rest)),
        })
        .collect();
    WrapAlgorithm::FirstFit
        .wrap(&words, &[first, rest])
        .into_iter()
        .map(|line| {
            let mut text = String::new();
            for word in line {
                text.push_str(word);
                text.push_str(word.whitespace);
            }
            text.trim_end().to_owned()
        })
        .collect()
}

/// Splits after each run of spaces that is not between backticks, and says of
/// each word whether it holds such a stretch.
fn words(text: &str) -> Vec<(&str, bool)> {
    let mut words = Vec::new();
    let mut ticks_ahead = text.matches('`').count();
    let (mut start, mut after_space) = (0, false);
    let (mut inside, mut quoted) = (false, false);
    for (at, c) in text.char_indices() {
        if after_space && c != ' ' && !inside {
            words.push((&text[start..at], quoted));
            (start, quoted) = (at, false);
        }
        after_space = c == ' ';
        if c == '`' {
            ticks_ahead -= 1;
            // A backtick that nothing closes is a character like any other.
            inside = !inside && ticks_ahead > 0;
            quoted |= inside;
        }
    }
    words.push((&text[start..], quoted));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_lines_by_words() {
        assert_eq!(wrap("one two  three", 7, 6), ["one two", "three"]);
        assert_eq!(wrap("", 10, 10), [""]);
        assert_eq!(wrap("abcdefghij k", 4, 4), ["abcd", "efgh", "ij k"]);
    }

    #[test]
    fn measures_columns_not_bytes() {
        assert_eq!(wrap("日本語 日本", 6, 6), ["日本語", "日本"]);
        assert_eq!(wrap("ééééé ééééé", 11, 11), ["ééééé ééééé"]);
    }

    #[test]
    fn keeps_commands_whole() {
        assert_eq!(
            wrap("run `kubectl get pods -n lab`, then wait", 12, 12),
            ["run", "`kubectl get pods -n lab`,", "then wait"]
        );
        assert_eq!(wrap("it's a ` alone here", 8, 8), ["it's a `", "alone", "here"]);
        assert_eq!(words("a `b c``d e` f"), [("a ", false), ("`b c``d e` ", true), ("f", false)]);
    }
}
