//! Functions of CEL itself that convert nothing.

use crate::cel::error::EvalError;
use crate::cel::eval::Outcome;
use crate::cel::functions::{Ctx, Functions};
use crate::cel::regex::Pattern;
use crate::cel::value::Value;

use super::arguments::cel_arguments;

pub(super) fn register(functions: &mut Functions) {
    functions
        .probe("present", present)
        .global("size", size)
        .member("size", size)
        .member("contains", contains)
        .member("startsWith", starts_with)
        .member("endsWith", ends_with)
        .global("matches", matches)
        .member("matches", matches)
        .member("find", find)
        .member("findAll", find_all);
}

/// `present(x)`: false only for what was looked for and does not exist.
fn present(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [value]));
    Ok(Value::Bool(!matches!(value, Value::Absent(_))))
}

fn size(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    let ((Some(value), []) | (None, [value])) = (receiver, arguments) else {
        return Err(super::arguments::wrong_types(receiver, arguments));
    };
    let size = match value {
        Value::String(s) => {
            ctx.take_bytes(s.len())?;
            s.chars().count()
        }
        Value::Bytes(b) => b.len(),
        Value::List(items) => items.len(),
        Value::Map(map) => map.len(),
        _ => return Err(super::arguments::wrong_types(receiver, arguments)),
    };
    Ok(Value::Int(size as i64))
}

fn contains(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::String(text)), [Value::String(part)]));
    ctx.take_bytes(text.len())?;
    Ok(Value::Bool(text.contains(&**part)))
}

fn starts_with(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::String(text)), [Value::String(part)]));
    Ok(Value::Bool(text.starts_with(&**part)))
}

fn ends_with(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::String(text)), [Value::String(part)]));
    Ok(Value::Bool(text.ends_with(&**part)))
}

/// A pattern that is no literal is compiled at every call, which is dear.
fn pattern(ctx: &mut Ctx<'_>, pattern: &str) -> Result<Pattern, EvalError> {
    ctx.take(200 + 20 * pattern.len() as u64)?;
    Pattern::compile(pattern).map_err(EvalError::Invalid)
}

fn matches(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    let ((Some(Value::String(text)), [Value::String(regex)])
    | (None, [Value::String(text), Value::String(regex)])) = (receiver, arguments)
    else {
        return Err(super::arguments::wrong_types(receiver, arguments));
    };
    pattern(ctx, regex)?.is_match(text, ctx.budget)
}

fn find(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::String(text)), [Value::String(regex)]));
    pattern(ctx, regex)?.find(text, ctx.budget)
}

fn find_all(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    let (text, regex, limit) = match (receiver, arguments) {
        (Some(Value::String(text)), [Value::String(regex)]) => (text, regex, -1),
        (Some(Value::String(text)), [Value::String(regex), Value::Int(limit)]) => (text, regex, *limit),
        _ => return Err(super::arguments::wrong_types(receiver, arguments)),
    };
    pattern(ctx, regex)?.find_all(text, limit, ctx.budget)
}
