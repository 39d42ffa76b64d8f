//! Operators.

use std::cmp::Ordering;
use std::sync::Arc;

use super::budget::Budget;
use super::error::EvalError;
use super::map::Key;
use super::node::Op;
use super::time::Duration;
use super::value::Value;

type Outcome = Result<Value, EvalError>;

pub(super) fn binary(op: Op, left: &Value, right: &Value, budget: &mut Budget) -> Outcome {
    match op {
        Op::Equal | Op::NotEqual => {
            // Only these operators mind; `in` and the functions do not.
            if left.kind() != right.kind() && compares_with_its_kind_only(left) {
                return Err(mismatch(op.symbol(), left, right));
            }
            let same = equal(left, right, budget)?;
            Ok(Value::Bool(same == (op == Op::Equal)))
        }
        Op::In => contains(left, right, budget).map(Value::Bool),
        Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual => {
            let order = order(op.symbol(), left, right)?;
            Ok(Value::Bool(match op {
                Op::Less => order == Ordering::Less,
                Op::LessEqual => order != Ordering::Greater,
                Op::Greater => order == Ordering::Greater,
                _ => order != Ordering::Less,
            }))
        }
        Op::Add => add(left, right, budget),
        Op::Subtract => subtract(left, right),
        Op::Multiply | Op::Divide | Op::Modulo => scale(op, left, right),
    }
}

fn mismatch(op: &str, left: &Value, right: &Value) -> EvalError {
    EvalError::Type { operation: op.to_owned(), found: vec![left.kind_name(), right.kind_name()] }
}

/// The types that Kubernetes added refuse to be compared with others.
fn compares_with_its_kind_only(value: &Value) -> bool {
    matches!(
        value,
        Value::Quantity(_)
            | Value::Semver(_)
            | Value::Ip(_)
            | Value::Cidr(_)
            | Value::Url(_)
            | Value::Format(_)
            | Value::Native(_)
    )
}

/// `-x`
pub(super) fn negate(value: &Value) -> Outcome {
    match value {
        Value::Int(i) => i.checked_neg().map(Value::Int),
        Value::Double(d) => Some(Value::Double(-d)),
        Value::Duration(d) => d.0.checked_neg().map(|d| Value::Duration(Duration(d))),
        other => {
            return Err(EvalError::Type { operation: "-".to_owned(), found: vec![other.kind_name()] });
        }
    }
    .ok_or_else(|| EvalError::overflow("-"))
}

/// Equality, across numeric types by their mathematical value. Values of
/// different types are not equal; that is no error.
pub(super) fn equal(left: &Value, right: &Value, budget: &mut Budget) -> Result<bool, EvalError> {
    Ok(match (left, right) {
        (Value::Absent(absence), _) | (_, Value::Absent(absence)) => {
            return Err(EvalError::Absent(Arc::clone(absence)));
        }
        (Value::Unavailable(why), _) | (_, Value::Unavailable(why)) => {
            return Err(EvalError::Unavailable(Arc::clone(why)));
        }
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::String(a), Value::String(b)) => {
            budget.take_bytes(a.len())?;
            a == b
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            budget.take_bytes(a.len())?;
            a == b
        }
        (Value::List(a), Value::List(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            for (a, b) in a.iter().zip(b.iter()) {
                budget.take(1)?;
                if !equal(a, b, budget)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(a), Value::Map(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            for ((ka, a), (kb, b)) in a.entries().iter().zip(b.entries()) {
                budget.take(1)?;
                if ka.cmp(kb) != Ordering::Equal || !equal(a, b, budget)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Optional(a), Value::Optional(b)) => match (a, b) {
            (Some(a), Some(b)) => equal(a, b, budget)?,
            (a, b) => a.is_none() == b.is_none(),
        },
        (Value::Duration(a), Value::Duration(b)) => a == b,
        (Value::Timestamp(a), Value::Timestamp(b)) => a == b,
        (Value::Type(a), Value::Type(b)) => a == b,
        (Value::Quantity(a), Value::Quantity(b)) => a == b,
        (Value::Semver(a), Value::Semver(b)) => a.cmp_precedence(b) == Ordering::Equal,
        (Value::Ip(a), Value::Ip(b)) => a == b,
        (Value::Cidr(a), Value::Cidr(b)) => a == b,
        (Value::Url(a), Value::Url(b)) => a == b,
        (Value::Format(a), Value::Format(b)) => a == b,
        (Value::Native(a), Value::Native(b)) => Arc::ptr_eq(a, b),
        _ => numbers(left, right) == Some(Some(Ordering::Equal)),
    })
}

/// The order of two numbers: nothing unless both are, and inside nothing where
/// one is NaN. An integer is rounded to a double to be compared with one.
fn numbers(left: &Value, right: &Value) -> Option<Option<Ordering>> {
    Some(match (left, right) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Uint(a), Value::Uint(b)) => Some(a.cmp(b)),
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Uint(a), Value::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Int(a), Value::Double(b)) => (*a as f64).partial_cmp(b),
        (Value::Uint(a), Value::Double(b)) => (*a as f64).partial_cmp(b),
        (Value::Double(a), Value::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Value::Double(a), Value::Uint(b)) => a.partial_cmp(&(*b as f64)),
        _ => return None,
    })
}

/// The order of two values that have one.
pub(super) fn order(op: &str, left: &Value, right: &Value) -> Result<Ordering, EvalError> {
    Ok(match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Duration(a), Value::Duration(b)) => a.cmp(b),
        (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        _ => {
            return numbers(left, right)
                .ok_or_else(|| mismatch(op, left, right))?
                .ok_or_else(|| EvalError::invalid("NaN has no order"));
        }
    })
}

/// The positions of `keys` in sorted order. Equal keys keep their order.
pub(super) fn sorted_order(keys: &[Value], budget: &mut Budget) -> Result<Vec<usize>, EvalError> {
    let Some(first) = keys.first() else {
        return Ok(Vec::new());
    };
    // Every key is compared with the first before, so that sorting itself
    // cannot meet two keys without an order.
    for key in keys {
        order("sort", first, key)?;
        if first.kind() != key.kind() {
            return Err(mismatch("sort", first, key));
        }
    }
    let rounds = usize::BITS - keys.len().leading_zeros();
    budget.take(keys.len() as u64 * u64::from(rounds))?;
    let mut positions: Vec<usize> = (0..keys.len()).collect();
    positions.sort_by(|a, b| order("sort", &keys[*a], &keys[*b]).unwrap_or(Ordering::Equal));
    Ok(positions)
}

fn contains(item: &Value, range: &Value, budget: &mut Budget) -> Result<bool, EvalError> {
    match range {
        Value::List(items) => {
            for other in items.iter() {
                budget.take(1)?;
                if equal(item, other, budget)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Map(map) => Ok(Key::from_value(item).is_some_and(|key| map.get(&key).is_some())),
        other => Err(mismatch("in", item, other)),
    }
}

fn add(left: &Value, right: &Value, budget: &mut Budget) -> Outcome {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => a.checked_add(*b).map(Value::Int),
        (Value::Uint(a), Value::Uint(b)) => a.checked_add(*b).map(Value::Uint),
        (Value::Double(a), Value::Double(b)) => Some(Value::Double(a + b)),
        (Value::String(a), Value::String(b)) => {
            budget.take_bytes(a.len() + b.len())?;
            Some(Value::string([&**a, &**b].concat()))
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            budget.take_bytes(a.len() + b.len())?;
            Some(Value::Bytes([&**a, &**b].concat().into()))
        }
        (Value::List(a), Value::List(b)) => {
            budget.take((a.len() + b.len()) as u64)?;
            Some(Value::List(a.iter().chain(b.iter()).cloned().collect()))
        }
        (Value::Duration(a), Value::Duration(b)) => {
            a.0.checked_add(b.0).map(|d| Value::Duration(Duration(d)))
        }
        (Value::Timestamp(t), Value::Duration(d)) | (Value::Duration(d), Value::Timestamp(t)) => {
            t.shifted(i128::from(d.0)).map(Value::Timestamp)
        }
        _ => return Err(mismatch("+", left, right)),
    }
    .ok_or_else(|| EvalError::overflow("+"))
}

fn subtract(left: &Value, right: &Value) -> Outcome {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => a.checked_sub(*b).map(Value::Int),
        (Value::Uint(a), Value::Uint(b)) => a.checked_sub(*b).map(Value::Uint),
        (Value::Double(a), Value::Double(b)) => Some(Value::Double(a - b)),
        (Value::Duration(a), Value::Duration(b)) => {
            a.0.checked_sub(b.0).map(|d| Value::Duration(Duration(d)))
        }
        (Value::Timestamp(t), Value::Duration(d)) => t.shifted(-i128::from(d.0)).map(Value::Timestamp),
        (Value::Timestamp(a), Value::Timestamp(b)) => a.since(*b).map(Value::Duration),
        _ => return Err(mismatch("-", left, right)),
    }
    .ok_or_else(|| EvalError::overflow("-"))
}

fn scale(op: Op, left: &Value, right: &Value) -> Outcome {
    if matches!(op, Op::Divide | Op::Modulo)
        && matches!(right, Value::Int(0) | Value::Uint(0))
        && left.kind() == right.kind()
    {
        return Err(EvalError::DivisionByZero);
    }
    match (op, left, right) {
        (Op::Multiply, Value::Int(a), Value::Int(b)) => a.checked_mul(*b).map(Value::Int),
        (Op::Multiply, Value::Uint(a), Value::Uint(b)) => a.checked_mul(*b).map(Value::Uint),
        (Op::Multiply, Value::Double(a), Value::Double(b)) => Some(Value::Double(a * b)),
        (Op::Divide, Value::Int(a), Value::Int(b)) => a.checked_div(*b).map(Value::Int),
        (Op::Divide, Value::Uint(a), Value::Uint(b)) => a.checked_div(*b).map(Value::Uint),
        (Op::Divide, Value::Double(a), Value::Double(b)) => Some(Value::Double(a / b)),
        (Op::Modulo, Value::Int(a), Value::Int(b)) => a.checked_rem(*b).map(Value::Int),
        (Op::Modulo, Value::Uint(a), Value::Uint(b)) => a.checked_rem(*b).map(Value::Uint),
        _ => return Err(mismatch(op.symbol(), left, right)),
    }
    .ok_or_else(|| EvalError::overflow(op.symbol()))
}

/// An index as a list takes it: an integer, or a number equal to one.
pub(super) fn list_index(index: &Value) -> Result<i64, EvalError> {
    match Key::from_value(index) {
        Some(Key::Int(at)) => Ok(at),
        Some(Key::Uint(at)) => i64::try_from(at).map_err(|_| EvalError::overflow("[]")),
        _ => Err(EvalError::Type { operation: "[]".to_owned(), found: vec!["list", index.kind_name()] }),
    }
}
