//! What the looks say of a check: at one of them, at some, throughout, never.

use std::collections::HashMap;

use lab_spec::{Evidence, report::Explained};

use crate::{
    Judge,
    cel::{Budget, EvalError, Program, Scope, Value},
    program::Compiled,
    scope::{bind, fill, truth, value},
};

const MISSED: &str = "there was a time when changes could have gone unseen";

/// What one look says of a check.
pub(crate) enum Seen {
    True,
    False(Wrong),
    Unknown(String),
}

/// What is wrong, in words and with the values that show it.
pub(crate) struct Wrong {
    pub message: String,
    pub expression: String,
    pub values: Vec<Explained>,
    /// Whether it is one element of several that is wrong.
    pub one: bool,
}

impl Wrong {
    fn plain(message: impl Into<String>, program: &Program) -> Self {
        Self {
            message: message.into(),
            expression: program.source().to_owned(),
            values: Vec::new(),
            one: false,
        }
    }
}

/// The looks of one evidence, each bound at most once.
pub(crate) struct Looks<'a> {
    pub judge: &'a Judge<'a>,
    pub evidence: &'a Evidence,
    scopes: HashMap<usize, Scope>,
}

impl<'a> Looks<'a> {
    pub fn new(judge: &'a Judge<'a>, evidence: &'a Evidence) -> Self {
        Self { judge, evidence, scopes: HashMap::new() }
    }

    /// True at some look in time, counted from the first.
    pub fn within(&mut self, compiled: &Compiled, within_ms: u64) -> Seen {
        let mut newest = None;
        for at in 0..self.evidence.looks.len() {
            if self.evidence.looks[at].at_ms > within_ms && newest.is_some() {
                break;
            }
            match self.once(compiled, at) {
                Seen::True => return Seen::True,
                seen => newest = Some(seen),
            }
        }
        newest.unwrap_or_else(|| Seen::Unknown("nothing was looked at".to_owned()))
    }

    /// True throughout the window that ends with the last look; and whether
    /// it has not been true for long enough yet.
    pub fn throughout(&mut self, compiled: &Compiled, window_ms: u64) -> (Seen, bool) {
        let looks = &self.evidence.looks;
        let Some(end) = looks.last().map(|look| look.at_ms) else {
            return (Seen::Unknown("nothing was looked at".to_owned()), false);
        };
        for at in (0..looks.len()).rev() {
            match self.once(compiled, at) {
                Seen::True => {}
                seen if at + 1 == looks.len() => return (seen, false),
                _ => return (Seen::True, true),
            }
            if end - looks[at].at_ms >= window_ms {
                return (Seen::True, false);
            }
            // Before this look changes may have gone unseen: the window can only begin with it.
            if looks[at].gap && at > 0 {
                let over = self.evidence.ended.is_some();
                return if over { (Seen::Unknown(MISSED.to_owned()), false) } else { (Seen::True, true) };
            }
        }
        (Seen::True, true)
    }

    /// False at every look.
    pub fn never(&mut self, compiled: &Compiled) -> Seen {
        let Some(never) = &compiled.never else {
            return Seen::Unknown("there is nothing to judge".to_owned());
        };
        let last = self.evidence.looks.len().saturating_sub(1);
        // One look that shows it decides, whatever could not be seen at others.
        let mut unclear = None;
        for at in 0..=last {
            let seen = self.bound(compiled, at).and_then(|scope| Ok((truth(never, &scope)?, scope)));
            match seen {
                Ok((true, scope)) => return Seen::False(self.wrong(compiled, never, &scope)),
                Ok((false, _)) => {}
                Err(error) => unclear = unclear.or_else(|| Some(self.error(compiled, never, error, at))),
            }
        }
        if let Some(unclear) = unclear {
            return unclear;
        }
        // Looks before the first watch are polls; from then on nothing may be missed.
        if self.evidence.looks.iter().skip(1).skip_while(|look| look.gap).any(|look| look.gap) {
            return Seen::Unknown(MISSED.to_owned());
        }
        if compiled.expect.is_some() { self.once(compiled, last) } else { Seen::True }
    }

    /// What one look says.
    pub fn once(&mut self, compiled: &Compiled, at: usize) -> Seen {
        let Some(expect) = &compiled.expect else {
            return Seen::Unknown("there is nothing to judge".to_owned());
        };
        let scope = match self.bound(compiled, at) {
            Ok(scope) => scope,
            Err(error) => return self.error(compiled, expect, error, at),
        };
        if let Some(control) = &compiled.control {
            match truth(control, &scope) {
                Ok(true) => {}
                Ok(false) => {
                    let message = format!("the positive control `{}` does not hold", control.source());
                    return Seen::False(Wrong::plain(message, control));
                }
                Err(error) => return self.error(compiled, control, error, at),
            }
        }
        let Some(each) = &compiled.each else {
            return match truth(expect, &scope) {
                Ok(true) => Seen::True,
                Ok(false) => Seen::False(self.wrong(compiled, expect, &scope)),
                Err(error) => self.error(compiled, expect, error, at),
            };
        };
        match value(each, &scope) {
            Ok(Value::List(items)) if items.is_empty() => Seen::False(Wrong::plain(
                format!("there is nothing to judge: `{}` is empty", each.source()),
                each,
            )),
            Ok(Value::List(items)) => self.every(compiled, expect, &scope, &items, at),
            Ok(Value::Absent(what)) => self.error(compiled, each, EvalError::Absent(what), at),
            Ok(Value::Unavailable(why)) => self.error(compiled, each, EvalError::Unavailable(why), at),
            Ok(other) => {
                Seen::Unknown(format!("`{}` is {}, expected a list", each.source(), other.kind_name()))
            }
            Err(error) => self.error(compiled, each, error, at),
        }
    }

    /// One wrong element is a fail, whatever could not be seen of the others.
    fn every(
        &mut self,
        compiled: &Compiled,
        expect: &Program,
        scope: &Scope,
        items: &[Value],
        at: usize,
    ) -> Seen {
        let mut result = Seen::True;
        for item in items {
            let mut inner = scope.child();
            inner.set("it", item.clone());
            let seen = match truth(expect, &inner) {
                Ok(true) => continue,
                Ok(false) => Seen::False(Wrong { one: true, ..self.wrong(compiled, expect, &inner) }),
                Err(error) => self.error(compiled, expect, error, at),
            };
            if matches!(seen, Seen::False(_)) {
                return seen;
            }
            result = seen;
        }
        result
    }

    fn wrong(&self, compiled: &Compiled, program: &Program, scope: &Scope) -> Wrong {
        let values = program
            .explain(scope, &mut Budget::default())
            .into_iter()
            .map(|explained| Explained { expression: explained.text, value: explained.value })
            .collect();
        Wrong {
            message: fill(&compiled.wrong, scope),
            expression: program.source().to_owned(),
            values,
            one: false,
        }
    }

    /// An error in an expression: what is absent or not set was observed, and
    /// wrong; anything else could not be judged.
    fn error(&mut self, compiled: &Compiled, program: &Program, error: EvalError, at: usize) -> Seen {
        match &error {
            EvalError::Absent(_) | EvalError::NoSuchField { .. } | EvalError::Index { .. } => {
                let said = match &compiled.missing {
                    Some(missing) => fill(missing, &self.scope(at)),
                    None => error.to_string(),
                };
                Seen::False(Wrong::plain(said, program))
            }
            EvalError::Unavailable(_) => Seen::Unknown(error.to_string()),
            _ => Seen::Unknown(format!("`{}` could not be judged: {error}", program.source())),
        }
    }

    fn bound(&mut self, compiled: &Compiled, at: usize) -> Result<Scope, EvalError> {
        let scope = self.scope(at);
        self.inner(compiled, &scope)
    }

    pub fn inner(&self, compiled: &Compiled, scope: &Scope) -> Result<Scope, EvalError> {
        let mut inner = scope.child();
        for (name, program) in &compiled.lets {
            let value = value(program, &inner)?;
            inner.set(name.as_str(), value);
        }
        Ok(inner)
    }

    pub fn scope(&mut self, at: usize) -> Scope {
        let (judge, evidence) = (self.judge, self.evidence);
        self.scopes.entry(at).or_insert_with(|| bind(judge, evidence, at)).clone()
    }
}
