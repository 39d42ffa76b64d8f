//! Values as text for people: one line, bounded, objects by their name.

use std::fmt;

use super::map::{Key, Map};
use super::number;
use super::value::Value;

/// Elements of a list or a map that are shown.
const SHOWN: usize = 6;
/// Characters of a string that are shown.
const STRING: usize = 80;
/// Characters of a whole rendering.
const WHOLE: usize = 160;

impl Value {
    /// The value in at most 160 characters.
    pub fn brief(&self) -> String {
        let mut out = String::new();
        write_brief(self, 0, &mut out);
        if out.chars().count() > WHOLE {
            out = out.chars().take(WHOLE - 1).collect();
            out.push('…');
        }
        out
    }
}

impl fmt::Display for Value {
    /// The value as an expression would write it, in full.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(b) => write!(f, "{b}"),
            Value::Int(i) => write!(f, "{i}"),
            Value::Uint(u) => write!(f, "{u}"),
            Value::Double(d) => f.write_str(&double(*d)),
            Value::String(s) => f.write_str(&quoted(s, '"')),
            Value::Bytes(b) => write!(f, "b\"{}\"", b.escape_ascii()),
            Value::List(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Value::Map(map) => {
                f.write_str("{")?;
                for (at, (key, value)) in map.entries().iter().enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    write!(f, "{comma}{}: {value}", key.to_value())?;
                }
                f.write_str("}")
            }
            Value::Duration(d) => write!(f, "{d}"),
            Value::Timestamp(t) => write!(f, "{t}"),
            Value::Type(t) => f.write_str(t.name()),
            Value::Optional(None) => f.write_str("optional.none()"),
            Value::Optional(Some(inner)) => write!(f, "optional.of({inner})"),
            Value::Quantity(q) => write!(f, "{q}"),
            Value::Semver(v) => write!(f, "{v}"),
            Value::Ip(ip) => write!(f, "{ip}"),
            Value::Cidr(net) => write!(f, "{net}"),
            Value::Url(url) => write!(f, "{url}"),
            Value::Format(format) => write!(f, "format.{}()", format.name()),
            Value::Native(native) => write!(f, "{native}"),
            Value::Absent(absence) => write!(f, "{absence}"),
            Value::Unavailable(why) => write!(f, "{why}"),
        }
    }
}

/// A double so that it reads as one.
fn double(d: f64) -> String {
    let text = number::general(d);
    if d.is_finite() && !text.contains(['.', 'e']) { format!("{text}.0") } else { text }
}

/// `text` in quotes, with control characters escaped.
pub(super) fn quoted(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

fn write_brief(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::String(s) => {
            let shown: String = s.chars().take(STRING).collect();
            out.push_str(&quoted(&shown, '"'));
            if shown.len() < s.len() {
                out.push('…');
            }
        }
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().take(SHOWN).enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                write_brief(item, depth + 1, out);
            }
            more(items.len(), out);
            out.push(']');
        }
        Value::Map(map) => match object_name(map) {
            Some(name) => out.push_str(&name),
            None if depth > 1 => out.push_str("{…}"),
            None => {
                out.push('{');
                for (at, (key, value)) in map.entries().iter().take(SHOWN).enumerate() {
                    if at > 0 {
                        out.push_str(", ");
                    }
                    match key {
                        Key::String(s) => out.push_str(s),
                        other => out.push_str(&other.to_value().to_string()),
                    }
                    out.push_str(": ");
                    write_brief(value, depth + 1, out);
                }
                more(map.len(), out);
                out.push('}');
            }
        },
        Value::Optional(Some(inner)) => {
            out.push_str("optional.of(");
            write_brief(inner, depth + 1, out);
            out.push(')');
        }
        Value::Bytes(bytes) => out.push_str(&format!("{} bytes", bytes.len())),
        other => out.push_str(&other.to_string()),
    }
}

fn more(len: usize, out: &mut String) {
    if len > SHOWN {
        out.push_str(&format!(", … {} more", len - SHOWN));
    }
}

/// A Kubernetes object by kind and name: "Pod `api-1`".
fn object_name(map: &Map) -> Option<String> {
    let name = map.get_str("metadata")?.as_map()?.get_str("name")?.as_str()?;
    let kind = map.get_str("kind").and_then(Value::as_str);
    Some(match kind {
        Some(kind) => format!("{kind} `{name}`"),
        None => format!("`{name}`"),
    })
}
