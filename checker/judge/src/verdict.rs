//! From looks to verdicts, check by check. Judging gives a verdict, never an
//! error: what cannot be judged is unknown.

use std::collections::HashMap;

use lab_spec::{
    Check, Evidence, Lab, Verdict,
    report::{Explained, Link},
};

use crate::{
    Judge,
    cause::{self, State},
    cel::{Budget, EvalError, Program, Scope, Value},
    functions, plan,
    program::{Compiled, Part},
    view::View,
};

/// A check's verdict and what goes with it.
pub(crate) struct Assessed {
    pub verdict: Verdict,
    pub message: String,
    pub expression: String,
    pub values: Vec<Explained>,
    pub cause: Vec<Link>,
    pub root: Option<String>,
    pub blocked_by: Option<String>,
    pub waiting: Option<String>,
    pub joins: bool,
    /// Not wrong yet, but not long enough looked at.
    unfinished: bool,
}

impl Assessed {
    fn new(verdict: Verdict, message: impl Into<String>) -> Self {
        Self {
            verdict,
            message: message.into(),
            expression: String::new(),
            values: Vec::new(),
            cause: Vec::new(),
            root: None,
            blocked_by: None,
            waiting: None,
            joins: false,
            unfinished: false,
        }
    }

    /// Whether more looking may change the verdict.
    pub fn wants_time(&self) -> bool {
        self.verdict == Verdict::Pending || self.unfinished
    }
}

const MISSED: &str = "there was a time when changes could have gone unseen";

/// What one look says of a check.
enum Seen {
    True,
    False(Wrong),
    Unknown(String),
}

struct Wrong {
    message: String,
    expression: String,
    values: Vec<Explained>,
}

impl Wrong {
    fn plain(message: impl Into<String>, program: &Program) -> Self {
        Self { message: message.into(), expression: program.source().to_owned(), values: Vec::new() }
    }
}

impl Judge<'_> {
    /// Judges every check on what has been seen so far.
    pub(crate) fn assess(&self, evidence: &Evidence) -> Vec<Assessed> {
        let mut looks = Looks { judge: self, evidence, scopes: HashMap::new() };
        let view = View::at(self.lab, evidence, usize::MAX);
        let mut verdicts: HashMap<&str, Verdict> = HashMap::new();
        let mut assessed = Vec::new();
        for ((_, check), compiled) in self.lab.checks().zip(&self.compiled) {
            let one = before(check, &verdicts).unwrap_or_else(|| looks.judge(check, compiled, &view));
            verdicts.insert(&check.id, one.verdict);
            assessed.push(one);
        }
        assessed
    }
}

/// The verdict that the checks before this one force on it, if any. A known
/// fail decides, whatever order `after` names them in; then what is unknown.
fn before(check: &Check, verdicts: &HashMap<&str, Verdict>) -> Option<Assessed> {
    let forced = check.after.iter().filter_map(|id| {
        let (rank, verdict, word) = match verdicts.get(id.as_str())? {
            Verdict::Fail | Verdict::Blocked => (0, Verdict::Blocked, "did not pass"),
            Verdict::Unknown => (1, Verdict::Unknown, "is unknown"),
            Verdict::Pending => (2, Verdict::Pending, "is pending"),
            Verdict::Pass | Verdict::Skipped => return None,
        };
        Some((rank, id, verdict, word))
    });
    let (_, id, verdict, word) = forced.min_by_key(|(rank, ..)| *rank)?;
    let mut assessed = Assessed::new(verdict, format!("not judged: check `{id}` {word}"));
    assessed.blocked_by = Some(id.clone());
    assessed.waiting = (verdict == Verdict::Pending).then(|| format!("check `{id}` is pending"));
    Some(assessed)
}

/// The looks of one evidence, each bound at most once.
struct Looks<'a> {
    judge: &'a Judge<'a>,
    evidence: &'a Evidence,
    scopes: HashMap<usize, Scope>,
}

impl Looks<'_> {
    fn judge(&mut self, check: &Check, compiled: &Compiled, view: &View<'_>) -> Assessed {
        let last = self.evidence.looks.len().saturating_sub(1);
        let scope = self.scope(last);
        if let Some(needs) = &compiled.needs {
            match self.inner(compiled, &scope).and_then(|inner| truth(needs, &inner)) {
                Ok(true) => {}
                Ok(false) => {
                    return Assessed::new(
                        Verdict::Skipped,
                        format!("`{}` does not hold here", needs.source()),
                    );
                }
                Err(error) => return Assessed::new(Verdict::Unknown, error.to_string()),
            }
        }
        let mut unfinished = false;
        let seen = match (check.within, check.throughout, &compiled.never) {
            (Some(within), _, None) => self.within(compiled, within.as_ms()),
            (None, Some(window), None) => {
                let (seen, short) = self.throughout(compiled, window.as_ms());
                unfinished = short;
                seen
            }
            (_, _, Some(_)) => self.never(compiled),
            (None, None, None) => self.once(compiled, last),
        };
        let mut assessed = match seen {
            Seen::True if unfinished => {
                let window = check.throughout.map(|span| span.to_string()).unwrap_or_default();
                let mut pending =
                    Assessed::new(Verdict::Pending, format!("holds now, and must hold for {window}"));
                pending.waiting = Some(format!("it must hold for {window}"));
                pending
            }
            Seen::True => Assessed::new(Verdict::Pass, ""),
            Seen::Unknown(why) => Assessed::new(Verdict::Unknown, why),
            Seen::False(wrong) => self.failed(check, compiled, wrong, view),
        };
        if let (Some(within), Verdict::Fail) = (check.within, assessed.verdict)
            && check.never.is_none()
            && self.evidence.looks.last().is_some_and(|look| look.at_ms < within.as_ms())
        {
            assessed.verdict = Verdict::Pending;
            assessed.waiting = Some(format!("it has until {within} after the first look"));
        }
        assessed.unfinished = unfinished && assessed.verdict != Verdict::Unknown;
        assessed.joins = compiled.joins;
        assessed
    }

    /// A fail, or pending where a named cause is still at work.
    fn failed(&self, check: &Check, compiled: &Compiled, wrong: Wrong, view: &View<'_>) -> Assessed {
        let mut assessed = Assessed::new(Verdict::Fail, wrong.message);
        assessed.expression = wrong.expression;
        assessed.values = wrong.values;
        if !compiled.dynamic {
            return assessed;
        }
        if let Some(diagnosis) = cause::diagnose(view, self.judge.lab, compiled) {
            let may_mend = compiled.experiments.is_empty() && check.never.is_none();
            if diagnosis.state == State::Converging && may_mend {
                assessed.verdict = Verdict::Pending;
                assessed.waiting =
                    diagnosis.chain.last().map(|link| format!("{}: {}", link.object, link.says));
            }
            assessed.root = Some(diagnosis.root);
            assessed.cause = diagnosis.chain;
        }
        assessed
    }

    /// True at some look in time, counted from the first.
    fn within(&mut self, compiled: &Compiled, within_ms: u64) -> Seen {
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
    fn throughout(&mut self, compiled: &Compiled, window_ms: u64) -> (Seen, bool) {
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
    fn never(&mut self, compiled: &Compiled) -> Seen {
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
    fn once(&mut self, compiled: &Compiled, at: usize) -> Seen {
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
                Ok(false) => Seen::False(self.wrong(compiled, expect, &inner)),
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
        Wrong { message: fill(&compiled.wrong, scope), expression: program.source().to_owned(), values }
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

    fn inner(&self, compiled: &Compiled, scope: &Scope) -> Result<Scope, EvalError> {
        let mut inner = scope.child();
        for (name, program) in &compiled.lets {
            let value = value(program, &inner)?;
            inner.set(name.as_str(), value);
        }
        Ok(inner)
    }

    fn scope(&mut self, at: usize) -> Scope {
        let (judge, evidence) = (self.judge, self.evidence);
        self.scopes.entry(at).or_insert_with(|| scope(judge, evidence, at)).clone()
    }
}

/// Binds every name of the lab as it stood at one look.
pub(crate) fn scope(judge: &Judge<'_>, evidence: &Evidence, at: usize) -> Scope {
    let view = View::at(judge.lab, evidence, at);
    let mut scope = Scope::new(functions::registry());
    for name in judge.lab.observe.keys() {
        if let Some(value) = view.observed(name) {
            scope.set(name.as_str(), value);
        }
    }
    for name in judge.lab.experiments.keys() {
        if let Some(value) = view.experiment(name) {
            scope.set(name.as_str(), value);
        }
    }
    let cluster = &evidence.cluster;
    let fields =
        [("context", &cluster.context), ("server", &cluster.server), ("namespace", &cluster.namespace)];
    scope.set("cluster", Value::object(fields.map(|(name, text)| (name, Value::string(text.as_str())))));
    let project = evidence.project.as_ref().map(|project| project.name.as_str()).unwrap_or_default();
    scope.set("project", Value::object([("name", Value::string(project))]));
    scope.set("params", Value::object([("nonce", Value::string(evidence.params.nonce.as_str()))]));
    let digests = |list: &Vec<String>| {
        Value::list(list.iter().map(|digest| digest.as_str().into()).collect::<Vec<_>>())
    };
    let loaded = evidence.images.iter().map(|(tag, list)| (tag.as_str(), digests(list)));
    scope.set("loaded", Value::object(loaded));
    scope
}

fn value(program: &Program, scope: &Scope) -> Result<Value, EvalError> {
    program.eval(scope, &mut Budget::default())
}

fn truth(program: &Program, scope: &Scope) -> Result<bool, EvalError> {
    program.test(scope, &mut Budget::default())
}

/// Fills a message; what cannot be said stands as its expression.
fn fill(parts: &[Part], scope: &Scope) -> String {
    let say = |program: &Program| match value(program, scope) {
        Ok(Value::String(text)) => text.to_string(),
        Ok(value) => value.to_string(),
        Err(error) => format!("({error})"),
    };
    parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Value(program) => say(program),
        })
        .collect()
}

/// The requests whose answers a check rests on.
pub(crate) fn evidence_keys(lab: &Lab, compiled: &Compiled, evidence: &Evidence) -> Vec<String> {
    let observed = compiled.observes.iter().filter_map(|name| lab.observe.get(name));
    let mut keys: Vec<_> = observed.flat_map(|observe| plan::keys(observe, evidence)).collect();
    keys.extend(compiled.experiments.iter().map(|name| format!("experiment {name}")));
    let mut seen = std::collections::HashSet::new();
    keys.retain(|key| seen.insert(key.clone()));
    keys
}
