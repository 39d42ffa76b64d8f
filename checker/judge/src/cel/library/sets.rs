//! Lists as sets.

use crate::cel::error::EvalError;
use crate::cel::eval::Outcome;
use crate::cel::functions::{Ctx, Functions};
use crate::cel::ops;
use crate::cel::value::Value;

use super::arguments::cel_arguments;

pub(super) fn register(functions: &mut Functions) {
    functions
        .global("sets.contains", contains)
        .global("sets.equivalent", equivalent)
        .global("sets.intersects", intersects);
}

fn has(ctx: &mut Ctx<'_>, items: &[Value], wanted: &Value) -> Result<bool, EvalError> {
    for item in items {
        ctx.take(1)?;
        if ops::equal(item, wanted, ctx.budget)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn has_all(ctx: &mut Ctx<'_>, items: &[Value], wanted: &[Value]) -> Result<bool, EvalError> {
    for item in wanted {
        if !has(ctx, items, item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn contains(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [Value::List(a), Value::List(b)]));
    has_all(ctx, a, b).map(Value::Bool)
}

fn equivalent(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [Value::List(a), Value::List(b)]));
    Ok(Value::Bool(has_all(ctx, a, b)? && has_all(ctx, b, a)?))
}

fn intersects(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [Value::List(a), Value::List(b)]));
    for item in a.iter() {
        if has(ctx, b, item)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}
