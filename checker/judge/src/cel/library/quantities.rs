//! Kubernetes resource quantities; `compareTo`, `isLessThan` and
//! `isGreaterThan` also serve semantic versions.

use std::cmp::Ordering;

use crate::cel::error::EvalError;
use crate::cel::eval::Outcome;
use crate::cel::functions::{Ctx, Functions};
use crate::cel::quantity::Quantity;
use crate::cel::value::Value;

use super::arguments::{cel_arguments, wrong_types};

pub(super) fn register(functions: &mut Functions) {
    functions
        .global("quantity", quantity)
        .global("isQuantity", is_quantity)
        .global("sign", sign)
        .member("isInteger", is_integer)
        .member("asInteger", as_integer)
        .member("asApproximateFloat", as_approximate_float)
        .member("add", |_, r, a| combine(r, a, "add", Quantity::plus))
        .member("sub", |_, r, a| combine(r, a, "sub", Quantity::minus))
        .member("compareTo", |_, r, a| compare(r, a).map(|order| Value::Int(order as i64)))
        .member("isLessThan", |_, r, a| compare(r, a).map(|order| Value::Bool(order == Ordering::Less)))
        .member("isGreaterThan", |_, r, a| {
            compare(r, a).map(|order| Value::Bool(order == Ordering::Greater))
        });
}

fn quantity(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [Value::String(text)]));
    Quantity::parse(text)
        .map(Value::Quantity)
        .ok_or_else(|| EvalError::invalid(format!("`{text}` is not a quantity such as `500m` or `1Gi`")))
}

fn is_quantity(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [Value::String(text)]));
    Ok(Value::Bool(Quantity::parse(text).is_some()))
}

/// The API server declares this one as a function, `sign(q)`.
fn sign(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (None, [Value::Quantity(q)]));
    Ok(Value::Int(q.sign()))
}

fn is_integer(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::Quantity(q)), []));
    Ok(Value::Bool(q.as_integer().is_some()))
}

fn as_integer(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::Quantity(q)), []));
    q.as_integer()
        .map(Value::Int)
        .ok_or_else(|| EvalError::invalid(format!("the quantity `{q}` does not convert to an integer")))
}

fn as_approximate_float(_: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Outcome {
    cel_arguments!(receiver, arguments, (Some(Value::Quantity(q)), []));
    Ok(Value::Double(q.as_f64()))
}

fn combine(
    receiver: Option<&Value>,
    arguments: &[Value],
    name: &str,
    how: fn(Quantity, Quantity) -> Option<Quantity>,
) -> Outcome {
    let (a, b) = match (receiver, arguments) {
        (Some(Value::Quantity(a)), [Value::Quantity(b)]) => (*a, *b),
        (Some(Value::Quantity(a)), [Value::Int(b)]) => (*a, Quantity::from_int(*b)),
        _ => return Err(wrong_types(receiver, arguments)),
    };
    how(a, b).map(Value::Quantity).ok_or_else(|| EvalError::overflow(name))
}

fn compare(receiver: Option<&Value>, arguments: &[Value]) -> Result<Ordering, EvalError> {
    match (receiver, arguments) {
        (Some(Value::Quantity(a)), [Value::Quantity(b)]) => Ok(a.cmp(b)),
        (Some(Value::Semver(a)), [Value::Semver(b)]) => Ok(a.cmp_precedence(b)),
        _ => Err(wrong_types(receiver, arguments)),
    }
}
