//! Strings, version 2 of CEL's extension as the API server has it. Positions
//! count code points.

use crate::cel::error::EvalError;
use crate::cel::eval::Outcome;
use crate::cel::functions::{Ctx, Functions};
use crate::cel::value::Value;

use super::arguments::{cel_arguments, wrong_types};

pub(super) fn register(functions: &mut Functions) {
    functions
        .member("charAt", char_at)
        .member("lowerAscii", lower_ascii)
        .member("upperAscii", upper_ascii)
        .member("replace", replace)
        .member("split", split)
        .member("substring", substring)
        .member("trim", trim)
        .member("join", join)
        .global("strings.quote", quote);
}

fn out_of_range(index: i64) -> EvalError {
    EvalError::invalid(format!("index {index} is out of range"))
}

/// `index` as a position from 0 to `len`.
fn position(index: i64, len: usize) -> Result<usize, EvalError> {
    usize::try_from(index).ok().filter(|index| *index <= len).ok_or_else(|| out_of_range(index))
}

fn char_at(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::String(text)), [Value::Int(index)]));
    ctx.take_bytes(text.len())?;
    let at = position(*index, text.chars().count())?;
    let found: String = text.chars().skip(at).take(1).collect();
    Ok(found.into())
}

/// `text.indexOf(part)` and `text.indexOf(part, from)`.
pub(super) fn index_of(ctx: &mut Ctx<'_>, text: &str, part: &str, from: Option<i64>) -> Outcome {
    let from = from.unwrap_or(0);
    if part.is_empty() {
        return Ok(Value::Int(from));
    }
    let start = usize::try_from(from).map_err(|_| out_of_range(from))?;
    ctx.take_bytes(text.len())?;
    let Some((offset, _)) = text.char_indices().nth(start) else {
        return Ok(Value::Int(-1));
    };
    Ok(Value::Int(match text[offset..].find(part) {
        Some(found) => (start + text[offset..offset + found].chars().count()) as i64,
        None => -1,
    }))
}

/// `text.lastIndexOf(part)` and `text.lastIndexOf(part, from)`.
pub(super) fn last_index_of(ctx: &mut Ctx<'_>, text: &str, part: &str, from: Option<i64>) -> Outcome {
    ctx.take_bytes(text.len())?;
    let len = text.chars().count();
    if part.is_empty() {
        return Ok(Value::Int(from.unwrap_or(len as i64)));
    }
    let last = match from {
        None if text.len() < part.len() => return Ok(Value::Int(-1)),
        None => len.saturating_sub(1),
        Some(from) => usize::try_from(from).map_err(|_| out_of_range(from))?,
    };
    if last >= len {
        return Ok(Value::Int(-1));
    }
    // The match has to begin at `last` or before.
    let end = text.char_indices().nth(last + part.chars().count()).map_or(text.len(), |(offset, _)| offset);
    Ok(Value::Int(match text[..end].rfind(part) {
        Some(found) => text[..found].chars().count() as i64,
        None => -1,
    }))
}

fn lower_ascii(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::String(text)), []));
    ctx.take_bytes(text.len())?;
    Ok(text.to_ascii_lowercase().into())
}

fn upper_ascii(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::String(text)), []));
    ctx.take_bytes(text.len())?;
    Ok(text.to_ascii_uppercase().into())
}

fn replace(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    let (text, old, new, limit) = match (receiver, arguments) {
        (Some(Value::String(text)), [Value::String(old), Value::String(new)]) => (text, old, new, -1),
        (Some(Value::String(text)), [Value::String(old), Value::String(new), Value::Int(limit)]) => {
            (text, old, new, *limit)
        }
        _ => return Err(wrong_types(receiver, arguments)),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    // The result is paid for before it is made.
    let times = text.matches(&**old).count().min(limit);
    ctx.take_bytes(text.len() + times * new.len())?;
    Ok(text.replacen(&**old, new, times).into())
}

fn split(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    let (text, separator, limit) = match (receiver, arguments) {
        (Some(Value::String(text)), [Value::String(separator)]) => (text, separator, -1),
        (Some(Value::String(text)), [Value::String(separator), Value::Int(limit)]) => {
            (text, separator, *limit)
        }
        _ => return Err(wrong_types(receiver, arguments)),
    };
    ctx.take(text.len() as u64 / 4)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let parts: Vec<Value> = match (limit, separator.is_empty()) {
        (0, _) => Vec::new(),
        (_, false) => text.splitn(limit, &**separator).map(Value::from).collect(),
        // Split into characters; the last part keeps what is left.
        (_, true) => {
            let mut parts = Vec::new();
            let mut rest = &**text;
            while let Some(c) = rest.chars().next() {
                let end = if parts.len() + 1 == limit { rest.len() } else { c.len_utf8() };
                parts.push(Value::from(&rest[..end]));
                rest = &rest[end..];
            }
            parts
        }
    };
    ctx.take(parts.len() as u64)?;
    Ok(parts.into())
}

fn substring(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    let (text, start, end) = match (receiver, arguments) {
        (Some(Value::String(text)), [Value::Int(start)]) => (text, *start, None),
        (Some(Value::String(text)), [Value::Int(start), Value::Int(end)]) => (text, *start, Some(*end)),
        _ => return Err(wrong_types(receiver, arguments)),
    };
    ctx.take_bytes(text.len())?;
    let len = text.chars().count();
    if let Some(end) = end
        && start > end
    {
        return Err(EvalError::invalid(format!("the substring would start at {start} and end at {end}")));
    }
    let from = position(start, len)?;
    let to = match end {
        Some(end) => position(end, len)?,
        None => len,
    };
    let found: String = text.chars().skip(from).take(to - from).collect();
    Ok(found.into())
}

fn trim(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::String(text)), []));
    ctx.take_bytes(text.len())?;
    Ok(text.trim().into())
}

fn join(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    let (items, separator): (_, &str) = match (receiver, arguments) {
        (Some(Value::List(items)), []) => (items, ""),
        (Some(Value::List(items)), [Value::String(separator)]) => (items, separator),
        _ => return Err(wrong_types(receiver, arguments)),
    };
    let mut joined = String::new();
    for (at, item) in items.iter().enumerate() {
        let Value::String(item) = item else {
            return Err(wrong_types(Some(item), arguments));
        };
        ctx.take(1)?;
        ctx.take_bytes(item.len() + separator.len())?;
        if at > 0 {
            joined.push_str(separator);
        }
        joined.push_str(item);
    }
    Ok(joined.into())
}

fn quote(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [Value::String(text)]));
    ctx.take_bytes(text.len())?;
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0C' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x0B' => quoted.push_str("\\v"),
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    Ok(quoted.into())
}
