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
    looks::{Looks, Seen, Wrong},
    plan,
    program::Compiled,
    scope::truth,
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

impl Judge<'_> {
    /// Judges every check on what has been seen so far.
    pub(crate) fn assess(&self, evidence: &Evidence) -> Vec<Assessed> {
        let mut looks = Looks::new(self, evidence);
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
        if !compiled.dynamic || (compiled.fixed && wrong.one) {
            return assessed;
        }
        if let Some(diagnosis) = cause::diagnose(view, self.judge.lab, compiled) {
            if diagnosis.state == State::Converging && check.never.is_none() {
                assessed.verdict = Verdict::Pending;
                let at_work = diagnosis.chain.last().map(|link| format!("{}: {}", link.object, link.says));
                // Time was over when the experiment was made: what it met there is nobody's
                // failure yet.
                let tried =
                    if compiled.experiments.is_empty() { "" } else { "tried out while this went on: " };
                assessed.waiting = at_work.map(|at_work| format!("{tried}{at_work}"));
            }
            assessed.root = Some(diagnosis.root);
            assessed.cause = diagnosis.chain;
        }
        assessed
    }
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
