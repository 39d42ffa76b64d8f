//! What each named format asks for. The messages are those of
//! `k8s.io/apimachinery`, so that a lab can compare them.

use crate::cel::url::Url;

/// Bytes of a label, and of a subdomain.
const LABEL: usize = 63;
const SUBDOMAIN: usize = 253;

const DNS1123_LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const DNS1035_LABEL: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const LABEL_KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

/// A name that ends in a dash will have something appended to it.
pub(super) fn masked(text: &str) -> String {
    match text.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => format!("{rest}a"),
        _ => text.to_owned(),
    }
}

/// The two packages of the API server call the same unit by two names.
fn too_long(text: &str, limit: usize, unit: &str) -> Option<String> {
    (text.len() > limit).then(|| format!("must be no more than {limit} {unit}"))
}

/// `message` with examples and the pattern, as the API server words it.
fn pattern(message: &str, regex: &str, examples: &[&str]) -> String {
    let examples = examples.join("',  or '");
    format!("{message} (e.g. '{examples}', regex used for validation is '{regex}')")
}

/// Letters, digits and `inner`, the ends being letters or digits.
fn is_word(text: &str, alphanumeric: fn(&u8) -> bool, inner: &[u8]) -> bool {
    let bytes = text.as_bytes();
    let ends = bytes.first().is_some_and(alphanumeric) && bytes.last().is_some_and(alphanumeric);
    ends && bytes.iter().all(|b| alphanumeric(b) || inner.contains(b))
}

fn lower(byte: &u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(|label| is_word(label, lower, b"-"))
}

pub(super) fn dns1123_label(text: &str) -> Vec<String> {
    let mut wrong: Vec<String> = too_long(text, LABEL, "characters").into_iter().collect();
    if !is_word(text, lower, b"-") {
        wrong.push(if is_subdomain(text) {
            "must not contain dots".to_owned()
        } else {
            pattern(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters \
                 or '-', and must start and end with an alphanumeric character",
                DNS1123_LABEL,
                &["my-name", "123-abc"],
            )
        });
    }
    wrong
}

pub(super) fn dns1123_subdomain(text: &str) -> Vec<String> {
    let mut wrong: Vec<String> = too_long(text, SUBDOMAIN, "characters").into_iter().collect();
    if !is_subdomain(text) {
        wrong.push(pattern(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \
             '-' or '.', and must start and end with an alphanumeric character",
            &format!("{DNS1123_LABEL}(\\.{DNS1123_LABEL})*"),
            &["example.com"],
        ));
    }
    wrong
}

pub(super) fn dns1035_label(text: &str) -> Vec<String> {
    let mut wrong: Vec<String> = too_long(text, LABEL, "characters").into_iter().collect();
    let starts = text.starts_with(|c: char| c.is_ascii_lowercase());
    if !starts || !is_word(text, lower, b"-") {
        wrong.push(pattern(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start \
             with an alphabetic character, and end with an alphanumeric character",
            DNS1035_LABEL,
            &["my-name", "abc-123"],
        ));
    }
    wrong
}

pub(super) fn label_value(text: &str) -> Vec<String> {
    let mut wrong: Vec<String> = too_long(text, LABEL, "bytes").into_iter().collect();
    if !text.is_empty() && !is_word(text, u8::is_ascii_alphanumeric, b"-_.") {
        wrong.push(pattern(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', \
             '_' or '.', and must start and end with an alphanumeric character",
            &format!("({LABEL_KEY})?"),
            &["MyValue", "my_value", "12345"],
        ));
    }
    wrong
}

pub(super) fn qualified_name(text: &str) -> Vec<String> {
    let asked = pattern(
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with \
         an alphanumeric character",
        LABEL_KEY,
        &["MyName", "my.name", "123-abc"],
    );
    let mut wrong = Vec::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts.as_slice() {
        [name] => name,
        ["", name] => {
            wrong.push("prefix part must be non-empty".to_owned());
            name
        }
        [prefix, name] => {
            let prefix = dns1123_subdomain(prefix).into_iter();
            wrong.extend(prefix.map(|message| format!("prefix part {message}")));
            name
        }
        _ => {
            return vec![format!(
                "a valid label key {asked} with an optional DNS subdomain prefix and '/' \
                 (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    } else if let Some(message) = too_long(name, LABEL, "bytes") {
        wrong.push(format!("name part {message}"));
    }
    if !is_word(name, u8::is_ascii_alphanumeric, b"-_.") {
        wrong.push(format!("name part {asked}"));
    }
    wrong
}

fn unless(valid: bool, message: &str) -> Vec<String> {
    if valid { Vec::new() } else { vec![message.to_owned()] }
}

pub(super) fn uri(text: &str) -> Vec<String> {
    unless(Url::is_valid(text), "invalid URI for request")
}

pub(super) fn uuid(text: &str) -> Vec<String> {
    let mut rest = text;
    let mut valid = true;
    for (at, digits) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if at > 0 {
            rest = rest.strip_prefix('-').unwrap_or(rest);
        }
        let group = rest.get(..digits).unwrap_or_default();
        valid &= group.len() == digits && group.bytes().all(|b| b.is_ascii_hexdigit());
        rest = rest.get(digits..).unwrap_or_default();
    }
    unless(valid && rest.is_empty(), "does not match the UUID format")
}

pub(super) fn byte(text: &str) -> Vec<String> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let valid = !text.is_empty()
        && text.len().is_multiple_of(4)
        && padding <= 2
        && digits.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/');
    unless(valid, "invalid base64")
}

fn is_date(text: &str) -> bool {
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(at, b)| match at {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    shaped && text.parse::<jiff::civil::Date>().is_ok()
}

pub(super) fn date(text: &str) -> Vec<String> {
    unless(is_date(text), "invalid date")
}

/// A date, a `T` and a time of day with an offset; seconds end at 59.
pub(super) fn datetime(text: &str) -> Vec<String> {
    let text = text.to_ascii_lowercase();
    let valid = text
        .split_once('t')
        .is_some_and(|(date, time)| is_date(date) && is_time(time.split('t').next().unwrap_or("")));
    unless(valid, "invalid datetime")
}

fn is_time(text: &str) -> bool {
    let two = |part: Option<&str>, most: &str| {
        part.is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()) && p <= most)
    };
    let clock = two(text.get(0..2), "23")
        && two(text.get(3..5), "59")
        && two(text.get(6..8), "59")
        && text.as_bytes()[2] == b':'
        && text.as_bytes()[5] == b':';
    if !clock {
        return false;
    }
    let rest = &text[8..];
    let offset_at = match rest.strip_suffix('z') {
        Some(fraction) => fraction.len(),
        None => match rest.len().checked_sub(6) {
            Some(at) if rest.is_char_boundary(at) => at,
            _ => return false,
        },
    };
    let (fraction, offset) = rest.split_at(offset_at);
    let fraction_fits = fraction.is_empty()
        || (fraction.chars().count() > 1 && fraction.chars().skip(1).all(|c| c.is_ascii_digit()));
    let digits = |range: std::ops::Range<usize>| {
        offset.get(range).is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()))
    };
    let offset_fits = offset == "z"
        || (offset.starts_with(['+', '-']) && digits(1..3) && offset.as_bytes()[3] == b':' && digits(4..6));
    fraction_fits && offset_fits
}
