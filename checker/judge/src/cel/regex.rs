//! Patterns in the syntax of RE2, as Go reads it, on the `regex` crate. Both
//! take time linear in the text; the crate differs in what `\d`, `\s`, `\w`
//! and `\b` mean and in what brackets may hold, so patterns are rewritten.

use std::iter::Peekable;

use ::regex::{Regex, RegexBuilder};

use super::budget::Budget;
use super::error::EvalError;
use super::eval::Outcome;
use super::node::Call;
use super::value::Value;

/// Bytes a compiled pattern may take.
const SIZE_LIMIT: usize = 1 << 20;
/// The largest count in `{n,m}`.
const MAX_REPEAT: u32 = 1000;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// Compiles a pattern; the error is a message.
    pub(super) fn compile(pattern: &str) -> Result<Pattern, String> {
        let translated = translate(pattern)?;
        RegexBuilder::new(&translated).size_limit(SIZE_LIMIT).build().map(Pattern).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default();
            let reason = reason.trim_start_matches("error: ");
            format!("`{pattern}` is not a pattern: {reason}")
        })
    }

    /// `matches`, `find` or `findAll`, whichever `call` is.
    pub(super) fn call(
        &self,
        call: &Call,
        receiver: Option<&Value>,
        arguments: &[Value],
        budget: &mut Budget,
    ) -> Outcome {
        let (subject, rest) = match receiver {
            Some(receiver) => (receiver, &arguments[1..]),
            None => (&arguments[0], &arguments[2..]),
        };
        let wrong = || EvalError::Type {
            operation: call.name.to_string(),
            found: receiver.into_iter().chain(arguments).map(Value::kind_name).collect(),
        };
        let subject = subject.as_str().ok_or_else(wrong)?;
        match (&*call.name, rest) {
            ("matches", []) => self.is_match(subject, budget),
            ("find", []) => self.find(subject, budget),
            ("findAll", []) => self.find_all(subject, -1, budget),
            ("findAll", [Value::Int(limit)]) => self.find_all(subject, *limit, budget),
            _ => Err(wrong()),
        }
    }

    pub(super) fn is_match(&self, text: &str, budget: &mut Budget) -> Outcome {
        budget.take(1 + text.len() as u64)?;
        Ok(Value::Bool(self.0.is_match(text)))
    }

    pub(super) fn find(&self, text: &str, budget: &mut Budget) -> Outcome {
        budget.take(1 + text.len() as u64)?;
        Ok(Value::string(self.0.find(text).map_or("", |found| found.as_str())))
    }

    /// At most `limit` matches, all if it is negative.
    pub(super) fn find_all(&self, text: &str, limit: i64, budget: &mut Budget) -> Outcome {
        budget.take(1 + 2 * text.len() as u64)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let found = self.0.find_iter(text).take(limit);
        Ok(found.map(|found| Value::string(found.as_str())).collect::<Vec<_>>().into())
    }
}

/// Rewrites a pattern of Go's to one of the crate's with the same meaning.
fn translate(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars().peekable();
    let mut class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                None => return Err(format!("`{pattern}` ends with a backslash")),
                Some('Q') => {
                    let rest: String = chars.clone().collect();
                    let literal = rest.split("\\E").next().unwrap_or_default();
                    out.push_str(&::regex::escape(literal));
                    for _ in 0..(literal.chars().count() + 2).min(rest.chars().count()) {
                        chars.next();
                    }
                }
                Some(escape) => {
                    escaped(escape, class, &mut out);
                    // `\p{Lu}` and `\x{1F431}` have braces of their own.
                    if matches!(escape, 'p' | 'P' | 'x') && chars.peek() == Some(&'{') {
                        copy_until(&mut chars, '}', &mut out);
                    }
                }
            },
            '[' if !class => {
                class = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                // A closing bracket right after the opening one is a literal.
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
            }
            '[' if chars.peek() == Some(&':') => {
                out.push('[');
                copy_until(&mut chars, ']', &mut out);
            }
            '[' => out.push_str("\\["),
            ']' => {
                class = false;
                out.push(']');
            }
            '&' | '~' if class => {
                out.push('\\');
                out.push(c);
            }
            '*' | '+' | '?' if !class => {
                out.push(c);
                repeated(pattern, &mut chars, &mut out)?;
            }
            '{' if !class => {
                let Some(counts) = counts(chars.clone()) else {
                    out.push_str("\\{");
                    continue;
                };
                let most = counts.split(',').filter_map(|n| n.parse().ok()).max();
                if most > Some(MAX_REPEAT) {
                    return Err(format!("`{pattern}` repeats more than {MAX_REPEAT} times"));
                }
                out.push('{');
                copy_until(&mut chars, '}', &mut out);
                repeated(pattern, &mut chars, &mut out)?;
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

type Chars<'a> = Peekable<std::str::Chars<'a>>;

/// Copies up to and including `end`.
fn copy_until(chars: &mut Chars<'_>, end: char, out: &mut String) {
    for c in chars.by_ref() {
        out.push(c);
        if c == end {
            break;
        }
    }
}

/// What stands between braces, where it is a count: `3`, `3,` or `3,5`.
fn counts(chars: Chars<'_>) -> Option<String> {
    let rest: String = chars.collect();
    let (inside, _) = rest.split_once('}')?;
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    (!least.is_empty() && digits(least) && digits(most)).then(|| inside.to_owned())
}

/// After a repetition: it may be made lazy, but not be repeated itself.
fn repeated(pattern: &str, chars: &mut Chars<'_>, out: &mut String) -> Result<(), String> {
    if chars.next_if_eq(&'?').is_some() {
        out.push('?');
    }
    let again = match chars.peek() {
        Some('*' | '+' | '?') => true,
        Some('{') => {
            let mut inside = chars.clone();
            inside.next();
            counts(inside).is_some()
        }
        _ => false,
    };
    if again {
        return Err(format!("`{pattern}` repeats a repetition"));
    }
    Ok(())
}

/// An escape, with ASCII meaning where RE2 gives it one.
fn escaped(escape: char, class: bool, out: &mut String) {
    let (inside, negated) = match escape {
        'd' => ("0-9", false),
        'D' => ("0-9", true),
        's' => ("\\t\\n\\x0C\\r ", false),
        'S' => ("\\t\\n\\x0C\\r ", true),
        'w' => ("0-9A-Za-z_", false),
        'W' => ("0-9A-Za-z_", true),
        'b' if !class => {
            // The ASCII word boundary.
            out.push_str("(?-u:\\b)");
            return;
        }
        other => {
            out.push('\\');
            out.push(other);
            return;
        }
    };
    match (class, negated) {
        (true, false) => out.push_str(inside),
        (_, true) => out.push_str(&format!("[^{inside}]")),
        (false, false) => out.push_str(&format!("[{inside}]")),
    }
}
