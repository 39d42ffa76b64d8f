//! Evaluation. Every node costs a step; an error is a value of its own that
//! `&&`, `||` and the quantifiers can absorb, as CEL wants it.

use std::sync::Arc;

use super::budget::Budget;
use super::error::EvalError;
use super::functions::Ctx;
use super::map::{Key, Map};
use super::names;
use super::node::{Call, Element, Entry, Node, Op};
use super::ops;
use super::scope::Scope;
use super::unparse::text;
use super::value::Value;

pub(super) type Outcome = Result<Value, EvalError>;

/// One evaluation: names, the stack of macro variables, and the work left.
pub(super) struct Eval<'a> {
    pub(super) scope: &'a Scope,
    pub(super) locals: Vec<Value>,
    pub(super) budget: &'a mut Budget,
}

impl<'a> Eval<'a> {
    pub(super) fn new(scope: &'a Scope, budget: &'a mut Budget) -> Eval<'a> {
        Eval {
            scope,
            locals: Vec::new(),
            budget,
        }
    }

    /// The value of `node`, which may be absent or unavailable.
    pub(super) fn eval(&mut self, node: &Node) -> Outcome {
        self.budget.take(1)?;
        match node {
            Node::Literal(value) => Ok(value.clone()),
            Node::Local(slot, _) => Ok(self.locals[*slot].clone()),
            Node::Variable(name) => self.variable(name),
            Node::Select(operand, field) => match self.path(node) {
                Some(value) => Ok(value.clone()),
                None => self.select(node, operand, field),
            },
            Node::Has(operand, field) => self.has(operand, field),
            Node::OptSelect(operand, field) => self.opt_select(operand, field),
            Node::Index(operand, index) => self.index(node, operand, index),
            Node::OptIndex(operand, index) => self.opt_index(operand, index),
            Node::And(left, right) => self.logic(left, right, false),
            Node::Or(left, right) => self.logic(left, right, true),
            Node::Not(inner) => self.condition(inner).map(|b| Value::Bool(!b)),
            Node::Negate(inner) => ops::negate(&self.operand(inner)?),
            Node::Binary(op, left, right) => self.binary(*op, left, right),
            Node::Condition(condition, yes, no) => {
                let chosen = if self.condition(condition)? { yes } else { no };
                self.eval(chosen)
            }
            Node::List(elements) => self.list(elements),
            Node::Map(entries) => self.map(entries),
            Node::Call(call) => self.call(call),
            Node::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    /// The value of `node` where something is done with it: neither absent
    /// nor unavailable.
    pub(super) fn operand(&mut self, node: &Node) -> Outcome {
        self.eval(node).and_then(usable)
    }

    /// The value of `node` where only a boolean will do.
    pub(super) fn condition(&mut self, node: &Node) -> Result<bool, EvalError> {
        match self.operand(node)? {
            Value::Bool(b) => Ok(b),
            other => Err(EvalError::Expected {
                expected: "a bool",
                found: other.kind_name(),
                place: text(node),
            }),
        }
    }

    fn variable(&mut self, name: &Arc<str>) -> Outcome {
        match self.scope.get(name) {
            Some(value) => Ok(value.clone()),
            None => Err(EvalError::UnknownVariable {
                name: name.to_string(),
                similar: names::closest(name, self.scope.names()),
            }),
        }
    }

    /// The value at the end of a plain row of names, borrowed.
    fn path(&self, node: &Node) -> Option<&Value> {
        match node {
            Node::Variable(name) => self.scope.get(name),
            Node::Local(slot, _) => self.locals.get(*slot),
            Node::Select(operand, field) => self.path(operand)?.as_map()?.read(field),
            _ => None,
        }
    }

    fn select(&mut self, node: &Node, operand: &Node, field: &Arc<str>) -> Outcome {
        match self.operand(operand)? {
            Value::Map(map) => map
                .read(field)
                .cloned()
                .ok_or_else(|| EvalError::NoSuchField { path: text(node) }),
            // After `.?` every further step is optional too.
            Value::Optional(inner) => optional_field(inner.as_deref(), field),
            other => Err(EvalError::Type {
                operation: format!(".{field}"),
                found: vec![other.kind_name()],
            }),
        }
    }

    fn has(&mut self, operand: &Node, field: &Arc<str>) -> Outcome {
        match self.opt_select(operand, field)? {
            Value::Optional(found) => Ok(Value::Bool(found.is_some())),
            other => Ok(other),
        }
    }

    fn opt_select(&mut self, operand: &Node, field: &Arc<str>) -> Outcome {
        match self.operand(operand)? {
            Value::Optional(inner) => optional_field(inner.as_deref(), field),
            other => optional_field(Some(&other), field),
        }
    }

    fn index(&mut self, node: &Node, operand: &Node, index: &Node) -> Outcome {
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
                    .ok_or_else(|| EvalError::Index {
                        index: at,
                        len: items.len(),
                        path: text(node),
                    })
            }
            _ => at(&base, &index)?.ok_or_else(|| EvalError::NoSuchField { path: text(node) }),
        }
    }

    fn opt_index(&mut self, operand: &Node, index: &Node) -> Outcome {
        let (base, index) = self.both(operand, index)?;
        let found = match &base {
            Value::Optional(None) => None,
            Value::Optional(Some(inner)) => optional_at(inner, &index)?,
            _ => optional_at(&base, &index)?,
        };
        Ok(Value::Optional(found.map(Arc::new)))
    }

    /// `&&` where `decisive` is false, `||` where it is true: a decisive
    /// operand on either side wins over an error on the other.
    fn logic(&mut self, left: &Node, right: &Node, decisive: bool) -> Outcome {
        let first = match self.condition(left) {
            Ok(value) if value == decisive => return Ok(Value::Bool(decisive)),
            Err(error) if error.is_final() => return Err(error),
            first => first,
        };
        match (first, self.condition(right)) {
            (_, Ok(value)) if value == decisive => Ok(Value::Bool(decisive)),
            (Err(first), Err(second)) => Err(first.or_stronger(second)),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
            (Ok(_), Ok(_)) => Ok(Value::Bool(!decisive)),
        }
    }

    fn binary(&mut self, op: Op, left: &Node, right: &Node) -> Outcome {
        let (left, right) = self.both(left, right)?;
        ops::binary(op, &left, &right, self.budget)
    }

    /// Two operands. Where both fail, the stronger error is told.
    fn both(&mut self, left: &Node, right: &Node) -> Result<(Value, Value), EvalError> {
        match self.operand(left) {
            Err(first) if first.is_final() => Err(first),
            Err(first) => match self.operand(right) {
                Err(second) => Err(first.or_stronger(second)),
                Ok(_) => Err(first),
            },
            Ok(left) => Ok((left, self.operand(right)?)),
        }
    }

    fn list(&mut self, elements: &[Element]) -> Outcome {
        let mut items = Vec::with_capacity(elements.len());
        for element in elements {
            let value = self.operand(&element.value)?;
            match (element.optional, value) {
                (false, value) => items.push(value),
                (true, Value::Optional(None)) => {}
                (true, Value::Optional(Some(inner))) => items.push(inner.as_ref().clone()),
                (true, other) => return Err(not_optional(&other, &element.value)),
            }
        }
        Ok(Value::list(items))
    }

    fn map(&mut self, entries: &[Entry]) -> Outcome {
        let mut items = Vec::with_capacity(entries.len());
        for entry in entries {
            let (key, value) = self.both(&entry.key, &entry.value)?;
            let key = literal_key(&key)?;
            let value = match (entry.optional, value) {
                (false, value) => value,
                (true, Value::Optional(None)) => continue,
                (true, Value::Optional(Some(inner))) => inner.as_ref().clone(),
                (true, other) => return Err(not_optional(&other, &entry.value)),
            };
            items.push((key, value));
        }
        unique(items)
    }

    fn call(&mut self, call: &Call) -> Outcome {
        if let Some(lazy) = self.lazy(call) {
            return lazy;
        }
        let functions = self.scope.functions();
        let found = match call.receiver {
            Some(_) => functions.find_member(&call.name),
            None => functions.find_global(&call.name),
        };
        let Some(entry) = found else {
            return Err(EvalError::UnknownFunction {
                name: call.name.to_string(),
                similar: names::closest(&call.name, functions.names()),
            });
        };
        let mut failed: Option<EvalError> = None;
        let mut take = |outcome: Outcome| -> Result<Value, EvalError> {
            let outcome = match outcome {
                Ok(Value::Absent(_)) if entry.sees_absence => return outcome,
                outcome => outcome.and_then(usable),
            };
            match outcome {
                Ok(value) => Ok(value),
                Err(error) if error.is_final() => Err(error),
                Err(error) => {
                    failed = Some(match failed.take() {
                        Some(first) => first.or_stronger(error),
                        None => error,
                    });
                    Ok(Value::Null)
                }
            }
        };
        let receiver = match &call.receiver {
            Some(receiver) => Some(take(self.eval(receiver))?),
            None => None,
        };
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            arguments.push(take(self.eval(argument))?);
        }
        if let Some(error) = failed {
            return Err(error);
        }
        if let Some(pattern) = &call.pattern {
            return pattern.call(call, receiver.as_ref(), &arguments, self.budget);
        }
        let mut ctx = Ctx {
            budget: self.budget,
        };
        (entry.call)(&mut ctx, receiver.as_ref(), &arguments).map_err(|error| named(error, call))
    }

    /// `or` and `orValue` evaluate their argument only when they need it.
    fn lazy(&mut self, call: &Call) -> Option<Outcome> {
        let ("or" | "orValue", Some(receiver), [fallback]) =
            (&*call.name, &call.receiver, call.arguments.as_slice())
        else {
            return None;
        };
        Some(match self.operand(receiver) {
            Err(error) => Err(error),
            Ok(Value::Optional(Some(inner))) if &*call.name == "orValue" => {
                Ok(inner.as_ref().clone())
            }
            Ok(some @ Value::Optional(Some(_))) => Ok(some),
            Ok(Value::Optional(None)) => match self.operand(fallback) {
                Ok(other) if &*call.name == "or" && !matches!(other, Value::Optional(_)) => {
                    Err(not_optional(&other, fallback))
                }
                outcome => outcome,
            },
            Ok(other) => Err(not_optional(&other, receiver)),
        })
    }
}

/// Refuses what can only be passed on.
pub(super) fn usable(value: Value) -> Outcome {
    match value {
        Value::Absent(absence) => Err(EvalError::Absent(absence)),
        Value::Unavailable(why) => Err(EvalError::Unavailable(why)),
        value => Ok(value),
    }
}

/// A function that was given the wrong types says so under its own name.
fn named(error: EvalError, call: &Call) -> EvalError {
    match error {
        EvalError::Type { operation, found } if operation.is_empty() => EvalError::Type {
            operation: call.name.to_string(),
            found,
        },
        error => error,
    }
}

fn not_optional(value: &Value, node: &Node) -> EvalError {
    EvalError::Expected {
        expected: "an optional",
        found: value.kind_name(),
        place: text(node),
    }
}

fn optional_field(base: Option<&Value>, field: &Arc<str>) -> Outcome {
    match base {
        None => Ok(Value::Optional(None)),
        Some(Value::Map(map)) => Ok(Value::Optional(map.get_str(field).cloned().map(Arc::new))),
        Some(list @ Value::List(_)) => Err(EvalError::Type {
            operation: format!(".{field}"),
            found: vec![list.kind_name()],
        }),
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
            Ok(usize::try_from(at)
                .ok()
                .and_then(|at| items.get(at))
                .cloned())
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

/// A key as a map literal may have it: no doubles.
pub(super) fn literal_key(key: &Value) -> Result<Key, EvalError> {
    match key {
        Value::Double(_) => None,
        key => Key::from_value(key),
    }
    .ok_or_else(|| EvalError::invalid(format!("a map key cannot be a {}", key.kind_name())))
}

/// The map of `entries`, none of which may have the key of another.
pub(super) fn unique(entries: Vec<(Key, Value)>) -> Outcome {
    let count = entries.len();
    let map = Map::with_schema(entries, None);
    if map.len() < count {
        return Err(EvalError::invalid("a map has the same key twice"));
    }
    Ok(Value::Map(map))
}
