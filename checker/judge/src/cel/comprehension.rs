//! Macros that evaluate their body once per element.

use std::sync::Arc;

use super::error::EvalError;
use super::eval::{Eval, Outcome, literal_key, unique, usable};
use super::map::Key;
use super::node::{Comprehension, Kind};
use super::ops;
use super::unparse::text;
use super::value::Value;

/// The elements of a range with what two names are bound to.
pub(super) enum Range {
    List(Arc<[Value]>),
    Map(super::map::Map),
}

impl Range {
    pub(super) fn len(&self) -> usize {
        match self {
            Range::List(items) => items.len(),
            Range::Map(map) => map.len(),
        }
    }

    /// What the names are bound to at `at`: the element or the key where there
    /// is one name, else the index or key first.
    pub(super) fn bind(&self, at: usize, names: usize, locals: &mut Vec<Value>) {
        match self {
            Range::List(items) => {
                if names == 2 {
                    locals.push(Value::Int(at as i64));
                }
                locals.push(items[at].clone());
            }
            Range::Map(map) => {
                let (key, value) = &map.entries()[at];
                locals.push(key.to_value());
                if names == 2 {
                    locals.push(value.clone());
                }
            }
        }
    }
}

impl Eval<'_> {
    /// What `c` goes over.
    pub(super) fn range(&mut self, c: &Comprehension) -> Result<Range, EvalError> {
        match self.operand(&c.range)? {
            Value::List(items) => Ok(Range::List(items)),
            Value::Map(map) => Ok(Range::Map(map)),
            other => Err(EvalError::Expected {
                expected: "a list or a map",
                found: other.kind_name(),
                place: text(&c.range),
            }),
        }
    }

    pub(super) fn comprehension(&mut self, c: &Comprehension) -> Outcome {
        if matches!(c.kind, Kind::OptMap | Kind::OptFlatMap) {
            return self.optional_map(c);
        }
        let range = self.range(c)?;
        let outcome = match c.kind {
            Kind::All => self.quantify(c, &range, false),
            Kind::Exists => self.quantify(c, &range, true),
            Kind::ExistsOne => self.count(c, &range),
            Kind::SortBy => self.sort_by(c, &range),
            Kind::TransformMap | Kind::TransformMapEntry => self.transform_map(c, &range),
            _ => self.transform(c, &range),
        };
        self.locals.truncate(c.slot);
        outcome
    }

    /// Evaluates `body` for the element `at`.
    fn with<T>(
        &mut self,
        c: &Comprehension,
        range: &Range,
        at: usize,
        body: impl FnOnce(&mut Self) -> T,
    ) -> T {
        range.bind(at, c.names.len(), &mut self.locals);
        let result = body(self);
        self.locals.truncate(c.slot);
        result
    }

    /// `all` and `exists`: one decisive element wins over errors at others.
    fn quantify(&mut self, c: &Comprehension, range: &Range, decisive: bool) -> Outcome {
        let mut failed: Option<EvalError> = None;
        for at in 0..range.len() {
            match self.with(c, range, at, |eval| eval.condition(&c.body)) {
                Ok(value) if value == decisive => return Ok(Value::Bool(decisive)),
                Ok(_) => {}
                Err(error) if error.is_final() => return Err(error),
                Err(error) => {
                    failed = Some(match failed {
                        Some(first) => first.or_stronger(error),
                        None => error,
                    });
                }
            }
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(Value::Bool(!decisive)),
        }
    }

    fn count(&mut self, c: &Comprehension, range: &Range) -> Outcome {
        let mut count = 0;
        for at in 0..range.len() {
            if self.with(c, range, at, |eval| eval.condition(&c.body))? {
                count += 1;
            }
        }
        Ok(Value::Bool(count == 1))
    }

    /// `map`, `filter` and `transformList`.
    fn transform(&mut self, c: &Comprehension, range: &Range) -> Outcome {
        let mut items = Vec::new();
        for at in 0..range.len() {
            let item = self.with(c, range, at, |eval| {
                if c.kind == Kind::Filter {
                    let keep = eval.condition(&c.body)?;
                    return Ok(keep.then(|| eval.locals[c.slot].clone()));
                }
                eval.kept(c)
            })?;
            items.extend(item);
        }
        Ok(Value::list(items))
    }

    /// The value of the body, unless the filter drops the element.
    fn kept(&mut self, c: &Comprehension) -> Result<Option<Value>, EvalError> {
        if let Some(filter) = &c.filter
            && !self.condition(filter)?
        {
            return Ok(None);
        }
        self.operand(&c.body).map(Some)
    }

    fn transform_map(&mut self, c: &Comprehension, range: &Range) -> Outcome {
        let mut entries: Vec<(Key, Value)> = Vec::new();
        for at in 0..range.len() {
            self.with(c, range, at, |eval| -> Result<(), EvalError> {
                let key = eval.locals[c.slot].clone();
                let Some(value) = eval.kept(c)? else {
                    return Ok(());
                };
                if c.kind == Kind::TransformMap {
                    entries.push((literal_key(&key)?, value));
                    return Ok(());
                }
                let Value::Map(map) = value else {
                    return Err(EvalError::Expected {
                        expected: "a map",
                        found: value.kind_name(),
                        place: text(&c.body),
                    });
                };
                entries.extend(map.entries().iter().cloned());
                Ok(())
            })?;
        }
        unique(entries)
    }

    fn sort_by(&mut self, c: &Comprehension, range: &Range) -> Outcome {
        let Range::List(items) = range else {
            return Err(EvalError::Expected { expected: "a list", found: "map", place: text(&c.range) });
        };
        let mut keys = Vec::with_capacity(items.len());
        for at in 0..items.len() {
            keys.push(self.with(c, range, at, |eval| eval.operand(&c.body))?);
        }
        let order = ops::sorted_order(&keys, self.budget)?;
        Ok(order.into_iter().map(|at| items[at].clone()).collect::<Vec<_>>().into())
    }

    fn optional_map(&mut self, c: &Comprehension) -> Outcome {
        let inner = match self.operand(&c.range)? {
            Value::Optional(None) => return Ok(Value::Optional(None)),
            Value::Optional(Some(inner)) => inner,
            other => {
                return Err(EvalError::Expected {
                    expected: "an optional",
                    found: other.kind_name(),
                    place: text(&c.range),
                });
            }
        };
        self.locals.push(usable(inner.as_ref().clone())?);
        let outcome = self.operand(&c.body);
        self.locals.truncate(c.slot);
        match (c.kind, outcome?) {
            (Kind::OptMap, value) => Ok(Value::some(value)),
            (_, optional @ Value::Optional(_)) => Ok(optional),
            (_, other) => Err(EvalError::Expected {
                expected: "an optional",
                found: other.kind_name(),
                place: text(&c.body),
            }),
        }
    }
}
