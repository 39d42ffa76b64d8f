//! Reading fields and elements.

use std::sync::Arc;

use super::error::EvalError;
use super::eval::{Eval, Outcome};
use super::map::Key;
use super::node::Node;
use super::ops;
use super::unparse::text;
use super::value::Value;

impl Eval<'_> {
    pub(super) fn select(&mut self, node: &Node, operand: &Node, field: &Arc<str>) -> Outcome {
        match self.operand(operand)? {
            Value::Map(map) => {
                map.read(field).cloned().ok_or_else(|| EvalError::NoSuchField { path: text(node) })
            }
            // After `.?` every further step is optional too.
            Value::Optional(inner) => optional_field(inner.as_deref(), field),
            other => Err(EvalError::Type { operation: format!(".{field}"), found: vec![other.kind_name()] }),
        }
    }

    pub(super) fn has(&mut self, operand: &Node, field: &Arc<str>) -> Outcome {
        match self.opt_select(operand, field)? {
            Value::Optional(found) => Ok(Value::Bool(found.is_some())),
            other => Ok(other),
        }
    }

    pub(super) fn opt_select(&mut self, operand: &Node, field: &Arc<str>) -> Outcome {
        match self.operand(operand)? {
            Value::Optional(inner) => optional_field(inner.as_deref(), field),
            other => optional_field(Some(&other), field),
        }
    }

    pub(super) fn index(&mut self, node: &Node, operand: &Node, index: &Node) -> Outcome {
        let (base, index) = self.both(operand, index)?;
        match &base {
            Value::Optional(inner) => match inner.as_deref() {
                Some(inner) => Ok(Value::Optional(optional_at(inner, &index)?.map(Arc::new))),
                None => Ok(Value::Optional(None)),
            },
            Value::List(items) => {
                let at = ops::list_index(&index)?;
                usize::try_from(at)
                    .ok()
                    .and_then(|at| items.get(at))
                    .cloned()
                    .ok_or_else(|| EvalError::Index { index: at, len: items.len(), path: text(node) })
            }
            _ => at(&base, &index)?.ok_or_else(|| EvalError::NoSuchField { path: text(node) }),
        }
    }

    pub(super) fn opt_index(&mut self, operand: &Node, index: &Node) -> Outcome {
        let (base, index) = self.both(operand, index)?;
        let found = match &base {
            Value::Optional(None) => None,
            Value::Optional(Some(inner)) => optional_at(inner, &index)?,
            _ => optional_at(&base, &index)?,
        };
        Ok(Value::Optional(found.map(Arc::new)))
    }
}

fn optional_field(base: Option<&Value>, field: &Arc<str>) -> Outcome {
    match base {
        None => Ok(Value::Optional(None)),
        Some(Value::Map(map)) => Ok(Value::Optional(map.get_str(field).cloned().map(Arc::new))),
        Some(list @ Value::List(_)) => {
            Err(EvalError::Type { operation: format!(".{field}"), found: vec![list.kind_name()] })
        }
        // A scalar has no fields, which is an answer.
        Some(_) => Ok(Value::Optional(None)),
    }
}

/// The element of something that may be anything: a scalar has none.
fn optional_at(base: &Value, index: &Value) -> Result<Option<Value>, EvalError> {
    match base {
        Value::List(_) | Value::Map(_) => at(base, index),
        _ => Ok(None),
    }
}

/// The element of a list or a map, if it is there.
fn at(base: &Value, index: &Value) -> Result<Option<Value>, EvalError> {
    match base {
        Value::List(items) => {
            let at = ops::list_index(index)?;
            Ok(usize::try_from(at).ok().and_then(|at| items.get(at)).cloned())
        }
        Value::Map(map) => {
            let found = match index {
                Value::String(field) => map.read(field),
                _ => Key::from_value(index).and_then(|key| map.get(&key)),
            };
            Ok(found.cloned())
        }
        other => Err(EvalError::Type {
            operation: "[]".to_owned(),
            found: vec![other.kind_name(), index.kind_name()],
        }),
    }
}
