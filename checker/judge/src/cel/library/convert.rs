//! Conversions between types.

use std::sync::Arc;

use crate::cel::error::EvalError;
use crate::cel::eval::Outcome;
use crate::cel::functions::{Ctx, Functions};
use crate::cel::number;
use crate::cel::time::{Duration, Timestamp};
use crate::cel::value::Value;

use super::arguments::wrong_types;

pub(super) fn register(functions: &mut Functions) {
    functions
        .global("int", int)
        .global("uint", uint)
        .global("double", double)
        .global("string", string)
        .global("bytes", bytes)
        .global("bool", bool)
        .global("dyn", dynamic)
        .global("type", kind)
        .global("duration", duration)
        .global("timestamp", timestamp);
}

fn only<'a>(receiver: Option<&Value>, arguments: &'a [Value]) -> Result<&'a Value, EvalError> {
    match (receiver, arguments) {
        (None, [value]) => Ok(value),
        _ => Err(wrong_types(receiver, arguments)),
    }
}

/// The error of a text that cannot be read as `what`.
fn unreadable(text: &str, what: &str) -> EvalError {
    EvalError::invalid(format!("`{text}` is not {what}"))
}

fn int(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    match only(receiver, arguments)? {
        Value::Int(i) => Some(*i),
        Value::Uint(u) => i64::try_from(*u).ok(),
        Value::Double(d) => {
            // Bounds exclusive, as the API server has them.
            let inside = *d > -9_223_372_036_854_775_808.0 && *d < 9_223_372_036_854_775_808.0;
            inside.then_some(*d as i64)
        }
        Value::String(s) => return go_integer(s).map(Value::Int),
        Value::Timestamp(t) => Some(t.unix()),
        Value::Duration(d) => Some(d.0),
        _ => return Err(wrong_types(receiver, arguments)),
    }
    .map(Value::Int)
    .ok_or_else(|| EvalError::overflow("int"))
}

fn go_integer(text: &str) -> Result<i64, EvalError> {
    text.parse().map_err(|_| unreadable(text, "an int"))
}

fn uint(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    match only(receiver, arguments)? {
        Value::Uint(u) => Some(*u),
        Value::Int(i) => u64::try_from(*i).ok(),
        Value::Double(d) => (*d >= 0.0 && *d < 18_446_744_073_709_551_616.0).then_some(*d as u64),
        Value::String(s) => {
            let unsigned = !s.starts_with('+');
            return s
                .parse()
                .ok()
                .filter(|_| unsigned)
                .map(Value::Uint)
                .ok_or_else(|| unreadable(s, "a uint"));
        }
        _ => return Err(wrong_types(receiver, arguments)),
    }
    .map(Value::Uint)
    .ok_or_else(|| EvalError::overflow("uint"))
}

fn double(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    Ok(Value::Double(match only(receiver, arguments)? {
        Value::Double(d) => *d,
        Value::Int(i) => *i as f64,
        Value::Uint(u) => *u as f64,
        Value::String(s) => s
            .parse::<f64>()
            .ok()
            // Go refuses what overflows; Rust makes it infinite.
            .filter(|d| d.is_finite() || !s.contains(|c: char| c.is_ascii_digit()))
            .ok_or_else(|| unreadable(s, "a double"))?,
        _ => return Err(wrong_types(receiver, arguments)),
    }))
}

fn string(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    let value = only(receiver, arguments)?;
    match text(value)? {
        Some(text) if !matches!(value, Value::Type(_)) => {
            ctx.take_bytes(text.len())?;
            Ok(Value::String(text))
        }
        _ => Err(wrong_types(receiver, arguments)),
    }
}

/// What `string()` makes of a value, if it takes its type; and the name of a
/// type, which only `format` takes.
pub(super) fn text(value: &Value) -> Result<Option<Arc<str>>, EvalError> {
    Ok(Some(match value {
        Value::String(s) => Arc::clone(s),
        Value::Bool(b) => b.to_string().into(),
        Value::Int(i) => i.to_string().into(),
        Value::Uint(u) => u.to_string().into(),
        Value::Double(d) => number::general(*d).into(),
        Value::Bytes(b) => {
            std::str::from_utf8(b).map_err(|_| EvalError::invalid("the bytes are not UTF-8"))?.into()
        }
        Value::Duration(d) => d.to_string().into(),
        Value::Timestamp(t) => t.to_string().into(),
        Value::Type(t) => t.name().into(),
        Value::Ip(ip) => ip.to_string().into(),
        Value::Cidr(net) => net.to_string().into(),
        _ => return Ok(None),
    }))
}

fn bytes(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    match only(receiver, arguments)? {
        Value::Bytes(b) => Ok(Value::Bytes(Arc::clone(b))),
        Value::String(s) => {
            ctx.take_bytes(s.len())?;
            Ok(Value::Bytes(s.as_bytes().into()))
        }
        _ => Err(wrong_types(receiver, arguments)),
    }
}

fn bool(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    match only(receiver, arguments)? {
        Value::Bool(b) => Ok(Value::Bool(*b)),
        Value::String(s) => match &**s {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            _ => Err(unreadable(s, "a bool")),
        },
        _ => Err(wrong_types(receiver, arguments)),
    }
}

fn dynamic(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    only(receiver, arguments).cloned()
}

fn kind(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    only(receiver, arguments).map(|value| Value::Type(value.kind()))
}

fn duration(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    match only(receiver, arguments)? {
        Value::Duration(d) => Ok(Value::Duration(*d)),
        Value::String(s) => Duration::parse(s)
            .map(Value::Duration)
            .ok_or_else(|| unreadable(s, "a duration such as `1h30m` or `1.5s`")),
        _ => Err(wrong_types(receiver, arguments)),
    }
}

fn timestamp(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    match only(receiver, arguments)? {
        Value::Timestamp(t) => Ok(Value::Timestamp(*t)),
        Value::Int(seconds) => Timestamp::from_unix(*seconds)
            .map(Value::Timestamp)
            .ok_or_else(|| EvalError::overflow("timestamp")),
        Value::String(s) => {
            Timestamp::parse(s).map(Value::Timestamp).ok_or_else(|| unreadable(s, "an RFC 3339 timestamp"))
        }
        _ => Err(wrong_types(receiver, arguments)),
    }
}
