//! Lists: Kubernetes' own functions and version 3 of CEL's extension.

use std::cmp::Ordering;

use crate::cel::error::EvalError;
use crate::cel::eval::Outcome;
use crate::cel::functions::{Ctx, Functions};
use crate::cel::node::Op;
use crate::cel::ops;
use crate::cel::time::Duration;
use crate::cel::value::Value;

use super::arguments::{cel_arguments, wrong_types};
use super::strings;

pub(super) fn register(functions: &mut Functions) {
    functions
        .member("isSorted", is_sorted)
        .member("sum", sum)
        .member("min", min)
        .member("max", max)
        .member("indexOf", index_of)
        .member("lastIndexOf", last_index_of)
        .member("slice", slice)
        .member("flatten", flatten)
        .member("distinct", distinct)
        .member("reverse", reverse)
        .member("sort", sort)
        .global("lists.range", range);
}

fn is_sorted(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::List(items)), []));
    for pair in items.windows(2) {
        ctx.take(1)?;
        if ops::order("isSorted", &pair[0], &pair[1])? == Ordering::Greater {
            return Ok(Value::Bool(false));
        }
    }
    Ok(Value::Bool(true))
}

/// The sum of an empty list is the integer zero.
fn sum(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::List(items)), []));
    let mut total = match items.first() {
        Some(Value::Uint(_)) => Value::Uint(0),
        Some(Value::Double(_)) => Value::Double(0.0),
        Some(Value::Duration(_)) => Value::Duration(Duration(0)),
        _ => Value::Int(0),
    };
    for item in items.iter() {
        ctx.take(1)?;
        total = ops::binary(Op::Add, &total, item, ctx.budget)?;
    }
    Ok(total)
}

fn min(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    extreme(ctx, "min", Ordering::Less, receiver, arguments)
}

fn max(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    extreme(ctx, "max", Ordering::Greater, receiver, arguments)
}

fn extreme(
    ctx: &mut Ctx<'_>,
    name: &str,
    wanted: Ordering,
    receiver: Option<&Value>,
    arguments: &[Value],
) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::List(items)), []));
    let mut best = items.first().ok_or_else(|| EvalError::invalid(format!("`{name}` of an empty list")))?;
    for item in &items[1..] {
        ctx.take(1)?;
        if ops::order(name, item, best)? == wanted {
            best = item;
        }
    }
    Ok(best.clone())
}

fn index_of(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    match (receiver, arguments) {
        (Some(Value::String(text)), [Value::String(part)]) => strings::index_of(ctx, text, part, None),
        (Some(Value::String(text)), [Value::String(part), Value::Int(from)]) => {
            strings::index_of(ctx, text, part, Some(*from))
        }
        (Some(Value::List(items)), [wanted]) => position(ctx, items.iter().enumerate(), wanted),
        _ => Err(wrong_types(receiver, arguments)),
    }
}

fn last_index_of(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    match (receiver, arguments) {
        (Some(Value::String(text)), [Value::String(part)]) => strings::last_index_of(ctx, text, part, None),
        (Some(Value::String(text)), [Value::String(part), Value::Int(from)]) => {
            strings::last_index_of(ctx, text, part, Some(*from))
        }
        (Some(Value::List(items)), [wanted]) => position(ctx, items.iter().enumerate().rev(), wanted),
        _ => Err(wrong_types(receiver, arguments)),
    }
}

/// The first of the numbered `items` that equals `wanted`, or -1.
fn position<'a>(
    ctx: &mut Ctx<'_>,
    items: impl Iterator<Item = (usize, &'a Value)>,
    wanted: &Value,
) -> Outcome {
    for (at, item) in items {
        ctx.take(1)?;
        if ops::equal(item, wanted, ctx.budget)? {
            return Ok(Value::Int(at as i64));
        }
    }
    Ok(Value::Int(-1))
}

fn slice(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::List(items)), [Value::Int(start), Value::Int(end)]));
    let part = usize::try_from(*start)
        .ok()
        .zip(usize::try_from(*end).ok())
        .and_then(|(start, end)| items.get(start..end))
        .ok_or_else(|| {
            EvalError::invalid(format!(
                "no slice from {start} to {end} of a list with {} elements",
                items.len()
            ))
        })?;
    ctx.take(part.len() as u64)?;
    Ok(Value::list(part))
}

fn flatten(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    let (items, depth) = match (receiver, arguments) {
        (Some(Value::List(items)), []) => (items, 1),
        (Some(Value::List(items)), [Value::Int(depth)]) => (items, *depth),
        _ => return Err(wrong_types(receiver, arguments)),
    };
    if depth < 0 {
        return Err(EvalError::invalid(format!("a list cannot be flattened by {depth} levels")));
    }
    let mut flat = Vec::new();
    flatten_into(ctx, items, depth, &mut flat)?;
    Ok(flat.into())
}

fn flatten_into(
    ctx: &mut Ctx<'_>,
    items: &[Value],
    depth: i64,
    flat: &mut Vec<Value>,
) -> Result<(), EvalError> {
    for item in items {
        ctx.take(1)?;
        match item {
            Value::List(inner) if depth > 0 => flatten_into(ctx, inner, depth - 1, flat)?,
            item => flat.push(item.clone()),
        }
    }
    Ok(())
}

fn distinct(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::List(items)), []));
    let mut unique: Vec<Value> = Vec::new();
    'items: for item in items.iter() {
        for seen in &unique {
            ctx.take(1)?;
            if ops::equal(item, seen, ctx.budget)? {
                continue 'items;
            }
        }
        unique.push(item.clone());
    }
    Ok(unique.into())
}

fn reverse(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::List(items)), []));
    ctx.take(items.len() as u64)?;
    Ok(items.iter().rev().cloned().collect::<Vec<_>>().into())
}

fn sort(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::List(items)), []));
    let order = ops::sorted_order(items, ctx.budget)?;
    Ok(order.into_iter().map(|at| items[at].clone()).collect::<Vec<_>>().into())
}

fn range(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [Value::Int(end)]));
    ctx.take(u64::try_from(*end).unwrap_or(0))?;
    Ok((0..*end).map(Value::Int).collect::<Vec<_>>().into())
}
