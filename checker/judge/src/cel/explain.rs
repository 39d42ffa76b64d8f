//! Why a condition has the value it has: the values of the sub-expressions
//! that decided it.

use super::budget::Budget;
use super::comprehension::Range;
use super::error::EvalError;
use super::eval::{Eval, Outcome};
use super::node::{Comprehension, Kind, Node};
use super::scope::Scope;
use super::unparse::text;
use super::value::Value;

/// One sub-expression and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The sub-expression, on one line.
    pub text: String,
    /// Its value in at most 160 characters, or the error it gave.
    pub value: String,
}

/// Lines of one explanation.
const LINES: usize = 12;

pub(super) fn explain(root: &Node, scope: &Scope, budget: &mut Budget) -> Vec<Explained> {
    let mut explainer = Explainer { eval: Eval::new(scope, budget), lines: Vec::new() };
    explainer.condition(root);
    explainer.lines.truncate(LINES);
    explainer.lines
}

struct Explainer<'a> {
    eval: Eval<'a>,
    lines: Vec<Explained>,
}

impl Explainer<'_> {
    fn line(&mut self, text: String, value: String) {
        let line = Explained { text, value };
        if !self.lines.contains(&line) {
            self.lines.push(line);
        }
    }

    fn value(&mut self, node: &Node) -> Outcome {
        self.eval.eval(node)
    }

    /// Explains something whose truth is asked for.
    fn condition(&mut self, node: &Node) {
        match node {
            Node::And(left, right) => self.junction(node, left, right, true),
            Node::Or(left, right) => self.junction(node, left, right, false),
            Node::Not(inner) => self.condition(inner),
            Node::Condition(condition, yes, no) => {
                self.condition(condition);
                match self.value(condition) {
                    Ok(Value::Bool(true)) => self.condition(yes),
                    Ok(Value::Bool(false)) => self.condition(no),
                    _ => {}
                }
            }
            Node::Binary(_, left, right) => {
                self.operand(left);
                self.operand(right);
            }
            Node::Comprehension(c) => self.comprehension(node, c),
            Node::Has(operand, _) => {
                let value = self.value(node);
                self.show(node, value);
                if !is_name(operand) {
                    self.operand(operand);
                }
            }
            _ => self.operand(node),
        }
    }

    /// Of `&&` and `||`, the sides that made the result: those that are not
    /// what the operator hopes for, or both.
    fn junction(&mut self, node: &Node, left: &Node, right: &Node, hoped: bool) {
        let decided = match self.value(node) {
            Ok(Value::Bool(value)) => Some(value),
            _ => None,
        };
        for side in [left, right] {
            let worth_telling = match (decided, self.value(side)) {
                // A decisive side alone explains a decisive result.
                (Some(result), Ok(Value::Bool(value))) => result == hoped || value == result,
                (Some(result), _) => result == hoped,
                (None, Ok(_)) => false,
                (None, Err(_)) => true,
            };
            if worth_telling {
                self.condition(side);
            }
        }
    }

    /// Explains something whose value is used.
    fn operand(&mut self, node: &Node) {
        match node {
            Node::Literal(_) => {}
            Node::List(elements) if elements.iter().all(|e| is_literal(&e.value)) => {}
            Node::And(..) | Node::Or(..) | Node::Not(_) | Node::Condition(..) => {
                self.condition(node);
            }
            Node::Negate(inner) => self.operand(inner),
            Node::Binary(op, left, right) if op.is_arithmetic() => {
                // Arithmetic: the result, after what it is made of.
                self.operand(left);
                self.operand(right);
                let value = self.value(node);
                self.show(node, value);
            }
            Node::Call(call) => {
                for part in call.receiver.iter().map(AsRef::as_ref).chain(&call.arguments) {
                    if !matches!(part, Node::Variable(_)) {
                        self.operand(part);
                    }
                }
                let value = self.value(node);
                self.show(node, value);
            }
            Node::Comprehension(c) if matches!(c.kind, Kind::All | Kind::Exists) => {
                self.comprehension(node, c);
            }
            _ => {
                let value = self.value(node);
                self.show(node, value);
            }
        }
    }

    fn show(&mut self, node: &Node, outcome: Outcome) {
        let value = match outcome {
            Ok(value) => value.brief(),
            Err(EvalError::Budget { .. }) => return,
            Err(error) => error.to_string(),
        };
        self.line(text(node), value);
    }

    /// A quantifier, by the first element that decided it.
    fn comprehension(&mut self, node: &Node, c: &Comprehension) {
        let outcome = self.value(node);
        let decisive = match c.kind {
            Kind::All => false,
            Kind::Exists => true,
            _ => return self.show(node, outcome),
        };
        let Ok(range) = self.eval.range(c) else {
            return self.operand(&c.range);
        };
        if range.len() == 0 {
            return self.line(text(&c.range), "empty".to_owned());
        }
        let result = outcome.as_ref().ok().and_then(Value::as_bool);
        let culprit = (0..range.len()).find(|at| {
            let value = self.element(c, &range, *at, |this| this.eval.condition(&c.body));
            match (result, value) {
                (Some(result), Ok(value)) => result == decisive && value == decisive,
                (None, Err(_)) => true,
                _ => false,
            }
        });
        match culprit {
            Some(at) => self.element(c, &range, at, |this| {
                let place = format!("{} (element {} of {})", text(&c.range), at + 1, range.len());
                let element = this.eval.locals.last().map(Value::brief).unwrap_or_default();
                this.line(place, element);
                this.condition(&c.body);
            }),
            // Nothing decided it early, so every element is as the others:
            // the range is what there is to tell.
            None => {
                let value = self.value(&c.range);
                self.show(&c.range, value);
            }
        }
    }

    fn element<T>(
        &mut self,
        c: &Comprehension,
        range: &Range,
        at: usize,
        body: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let depth = self.eval.locals.len();
        range.bind(at, c.names.len(), &mut self.eval.locals);
        let result = body(self);
        self.eval.locals.truncate(depth);
        result
    }
}

fn is_literal(node: &Node) -> bool {
    matches!(node, Node::Literal(_))
}

fn is_name(node: &Node) -> bool {
    match node {
        Node::Variable(_) | Node::Local(..) => true,
        Node::Select(operand, _) => is_name(operand),
        _ => false,
    }
}
