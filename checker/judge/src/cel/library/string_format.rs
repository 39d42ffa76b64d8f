//! `format`, in the version the API server has: numbers with a point are
//! printed for the locale en-US, that is with digit groups.

use crate::cel::error::EvalError;
use crate::cel::eval::Outcome;
use crate::cel::functions::{Ctx, Functions};
use crate::cel::map::Key;
use crate::cel::number;
use crate::cel::value::Value;

use super::arguments::cel_arguments;
use super::convert;

/// Digits after the point unless said otherwise, and the most that are made.
const PRECISION: usize = 6;
const MAX_PRECISION: usize = 1000;

pub(super) fn register(functions: &mut Functions) {
    functions.member("format", format);
}

fn format(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::String(template)), [Value::List(values)]));
    let mut out = String::new();
    let mut values = values.iter();
    let mut rest = &**template;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let value =
            values.next().ok_or_else(|| EvalError::invalid("the format has more clauses than values"))?;
        let before = out.len();
        rest = clause(rest, value, &mut out)?;
        ctx.take(1)?;
        ctx.take_bytes(out.len() - before)?;
    }
    out.push_str(rest);
    ctx.take_bytes(template.len())?;
    Ok(out.into())
}

/// Writes `value` as the clause at the start of `text` says, and returns what
/// follows the clause.
fn clause<'a>(text: &'a str, value: &Value, out: &mut String) -> Result<&'a str, EvalError> {
    let (precision, text) = match text.strip_prefix('.') {
        None => (PRECISION, text),
        Some(after) => {
            let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
            let precision = after[..end]
                .parse()
                .ok()
                .filter(|precision| *precision <= MAX_PRECISION)
                .ok_or_else(|| EvalError::invalid(format!("`{}` is not a precision", &after[..end])))?;
            (precision, &after[end..])
        }
    };
    let mut chars = text.chars();
    let verb = chars.next().ok_or_else(|| EvalError::invalid("the format ends inside a clause"))?;
    let refuse = || EvalError::invalid(format!("`%{verb}` does not take a {}", value.kind_name()));
    let written = match verb {
        's' => plain(value).ok_or_else(refuse)?,
        'd' => match value {
            Value::Int(i) => i.to_string(),
            Value::Uint(u) => u.to_string(),
            _ => return Err(refuse()),
        },
        'f' => fixed(float(value).ok_or_else(refuse)?, precision),
        // The API server takes the precision for the width.
        'e' => format!("{:>precision$}", scientific(float(value).ok_or_else(refuse)?)),
        'b' => match value {
            Value::Bool(b) => u8::from(*b).to_string(),
            _ => radix(value, |n| format!("{n:b}")).ok_or_else(refuse)?,
        },
        'o' => radix(value, |n| format!("{n:o}")).ok_or_else(refuse)?,
        'x' | 'X' => {
            let lower = match value {
                Value::String(s) => hex(s.as_bytes()),
                Value::Bytes(b) => hex(b),
                _ => radix(value, |n| format!("{n:x}")).ok_or_else(refuse)?,
            };
            if verb == 'X' { lower.to_ascii_uppercase() } else { lower }
        }
        _ => {
            return Err(EvalError::invalid(format!("`%{verb}` is not a clause of a format")));
        }
    };
    out.push_str(&written);
    Ok(chars.as_str())
}

/// The double to print: one, or its name as text.
fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Double(d) => Some(*d),
        Value::String(s) => match &**s {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// What is printed for values without digits.
fn special(d: f64) -> Option<String> {
    if d.is_nan() {
        return Some("NaN".to_owned());
    }
    let sign = if d < 0.0 { "-" } else { "" };
    d.is_infinite().then(|| format!("{sign}∞"))
}

fn fixed(d: f64, precision: usize) -> String {
    // Adding zero drops the sign of a negative one.
    special(d).unwrap_or_else(|| grouped(&format!("{:.precision$}", d + 0.0)))
}

/// A comma after every three digits before the point.
fn grouped(text: &str) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let (whole, fraction) = match digits.find('.') {
        Some(point) => digits.split_at(point),
        None => (digits, ""),
    };
    let mut out = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + fraction
}

/// A mantissa and a power of ten in superscript digits.
fn scientific(d: f64) -> String {
    special(d).unwrap_or_else(|| {
        let text = number::scientific(d, PRECISION);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "+00"));
        let power: String = exponent
            .chars()
            .filter_map(|c| match c {
                '-' => Some('⁻'),
                '0' => Some('⁰'),
                '1' => Some('¹'),
                '2' => Some('²'),
                '3' => Some('³'),
                '4'..='9' => char::from_u32(0x2070 + u32::from(c) - u32::from('0')),
                _ => None,
            })
            .collect();
        format!("{mantissa}×10{power}")
    })
}

/// An integer by its absolute value, with its sign in front.
fn radix(value: &Value, print: fn(u64) -> String) -> Option<String> {
    match value {
        Value::Int(i) => {
            let sign = if *i < 0 { "-" } else { "" };
            Some(format!("{sign}{}", print(i.unsigned_abs())))
        }
        Value::Uint(u) => Some(print(*u)),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What `%s` prints.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::List(_) | Value::Map(_) => nested(value),
        Value::Null => Some("null".to_owned()),
        Value::Ip(_) | Value::Cidr(_) => None,
        value => convert::text(value).ok().flatten().map(|text| text.to_string()),
    }
}

/// A value inside a list or a map, as a literal of the language.
fn nested(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(s) => go_quoted(s),
        Value::Bytes(b) => format!("b{}", go_quoted(&String::from_utf8_lossy(b))),
        Value::Timestamp(t) => format!("timestamp(\"{t}\")"),
        Value::Duration(d) => format!("duration(\"{d}\")"),
        Value::Double(d) if d.is_finite() => format!("{d:.PRECISION$}"),
        Value::Double(d) => format!("\"{}\"", number::general(*d)),
        Value::List(items) => {
            let items: Option<Vec<String>> = items.iter().map(nested).collect();
            format!("[{}]", items?.join(", "))
        }
        Value::Map(map) => {
            let mut entries = Vec::with_capacity(map.len());
            for (key, value) in map.entries() {
                let key = match key {
                    Key::String(s) => go_quoted(s),
                    other => other.to_value().to_string().trim_end_matches('u').to_owned(),
                };
                entries.push((key, nested(value)?));
            }
            entries.sort();
            let entries: Vec<String> =
                entries.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => return plain(other),
    })
}

/// `text` in double quotes with Go's escapes.
fn go_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0C' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0B' => out.push_str("\\v"),
            c if c.is_control() && u32::from(c) < 0x80 => {
                out.push_str(&format!("\\x{:02x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
