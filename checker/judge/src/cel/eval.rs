//! Evaluation. Every node costs a step; an error is a value of its own that
//! `&&`, `||` and the quantifiers can absorb, as CEL wants it.

use std::sync::Arc;

use super::budget::Budget;
use super::error::EvalError;
use super::map::{Key, Map};
use super::names;
use super::node::{Element, Entry, Node, Op};
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
        Eval { scope, locals: Vec::new(), budget }
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
            other => {
                Err(EvalError::Expected { expected: "a bool", found: other.kind_name(), place: text(node) })
            }
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
    pub(super) fn path(&self, node: &Node) -> Option<&Value> {
        match node {
            Node::Variable(name) => self.scope.get(name),
            Node::Local(slot, _) => self.locals.get(*slot),
            Node::Select(operand, field) => self.path(operand)?.as_map()?.read(field),
            _ => None,
        }
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
    pub(super) fn both(&mut self, left: &Node, right: &Node) -> Result<(Value, Value), EvalError> {
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
}

/// Refuses what can only be passed on.
pub(super) fn usable(value: Value) -> Outcome {
    match value {
        Value::Absent(absence) => Err(EvalError::Absent(absence)),
        Value::Unavailable(why) => Err(EvalError::Unavailable(why)),
        value => Ok(value),
    }
}

/// The error of a value where only an optional will do.
pub(super) fn not_optional(value: &Value, node: &Node) -> EvalError {
    EvalError::Expected { expected: "an optional", found: value.kind_name(), place: text(node) }
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
