//! Optionals. `or` and `orValue` are registered for their names only: the
//! evaluator calls them itself, because their argument is evaluated late.

use super::arguments::{cel_arguments, wrong_types};
use crate::cel::error::EvalError;
use crate::cel::eval::Outcome;
use crate::cel::functions::{Ctx, Functions};
use crate::cel::time::Duration;
use crate::cel::value::Value;

pub(super) fn register(functions: &mut Functions) {
    functions
        .global("optional.of", of)
        .global("optional.none", none)
        .global("optional.ofNonZeroValue", of_non_zero)
        .member("hasValue", has_value)
        .member("value", value)
        .member("first", |_, r, a| end(r, a, <[Value]>::first))
        .member("last", |_, r, a| end(r, a, <[Value]>::last))
        .global("optional.unwrap", unwrap)
        .member("unwrapOpt", unwrap)
        .member("or", late)
        .member("orValue", late);
}

fn of(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [value]));
    Ok(Value::some(value.clone()))
}

fn none(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, []));
    Ok(Value::Optional(None))
}

fn of_non_zero(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [value]));
    let zero = match value {
        Value::Null | Value::Bool(false) | Value::Int(0) | Value::Uint(0) => true,
        Value::Double(d) => *d == 0.0,
        Value::String(s) => s.is_empty(),
        Value::Bytes(b) => b.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::Duration(Duration(0)) | Value::Optional(None) => true,
        _ => false,
    };
    Ok(if zero { Value::Optional(None) } else { Value::some(value.clone()) })
}

fn has_value(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::Optional(inner)), []));
    Ok(Value::Bool(inner.is_some()))
}

fn value(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::Optional(inner)), []));
    match inner {
        Some(inner) => Ok(inner.as_ref().clone()),
        None => Err(EvalError::invalid("the optional is empty")),
    }
}

/// The first or the last element, if there is one.
fn end(receiver: Option<&Value>, arguments: &[Value], of: fn(&[Value]) -> Option<&Value>) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::List(items)), []));
    Ok(of(items).map_or(Value::Optional(None), |item| Value::some(item.clone())))
}

/// What a list of optionals holds, without the empty ones.
fn unwrap(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    let ((Some(Value::List(items)), []) | (None, [Value::List(items)])) = (receiver, arguments) else {
        return Err(wrong_types(receiver, arguments));
    };
    let mut held = Vec::new();
    for item in items.iter() {
        ctx.take(1)?;
        match item {
            Value::Optional(Some(inner)) => held.push(inner.as_ref().clone()),
            Value::Optional(None) => {}
            other => return Err(wrong_types(Some(other), &[])),
        }
    }
    Ok(held.into())
}

fn late(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    Err(wrong_types(receiver, arguments))
}
