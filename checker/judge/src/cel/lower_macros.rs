//! Macros: those the parser expanded are recognised again, those of the
//! libraries are still calls.

use std::sync::Arc;

use cel::common::ast::{ComprehensionExpr, Expr, IdedExpr, operators};

use super::limits::MAX_COMPREHENSIONS;
use super::lower::{Lowered, Lowering, Refusal};
use super::node::{Comprehension, Kind, Node};
use super::symbols::{appended, appended_by};

impl Lowering {
    /// A macro of the libraries: `names` variables, perhaps a filter, a body.
    pub(super) fn extension_macro(
        &mut self,
        kind: Kind,
        names: usize,
        range: &IdedExpr,
        arguments: &[IdedExpr],
    ) -> Lowered {
        let (names, rest) = arguments.split_at(names);
        let names = names
            .iter()
            .map(|argument| match &argument.expr {
                Expr::Ident(name) if !name.starts_with('.') => Ok(Arc::from(name.as_str())),
                _ => Err(kind_refusal(kind, "takes a plain name first")),
            })
            .collect::<Result<Vec<Arc<str>>, _>>()?;
        if names.len() == 2 && names[0] == names[1] {
            return Err(kind_refusal(kind, "takes two different names"));
        }
        match rest {
            [body] => self.comprehension(kind, range, names, None, body),
            [filter, body] => self.comprehension(kind, range, names, Some(filter), body),
            _ => Err(kind_refusal(kind, "takes other arguments")),
        }
    }

    /// A macro that the parser expanded, told by the step of its loop.
    pub(super) fn standard_macro(&mut self, c: &ComprehensionExpr) -> Lowered {
        let Expr::Call(step) = &c.loop_step.expr else {
            return Err(Refusal::new("an unknown macro", ""));
        };
        let (kind, filter, body) = match (step.func_name.as_str(), step.args.as_slice()) {
            (operators::LOGICAL_AND, [_, body]) => (Kind::All, None, body),
            (operators::LOGICAL_OR, [_, body]) => (Kind::Exists, None, body),
            (operators::ADD, [_, list]) => (Kind::Map, None, appended(list).unwrap_or(list)),
            (operators::CONDITIONAL, [filter, then, _]) => match appended_by(then) {
                // `map(x, p, x)` and `filter(x, p)` are the same.
                Some(body) if matches!(&body.expr, Expr::Ident(n) if *n == c.iter_var) => {
                    (Kind::Filter, None, filter)
                }
                Some(body) => (Kind::Map, Some(filter), body),
                None => (Kind::ExistsOne, None, filter),
            },
            _ => return Err(Refusal::new("an unknown macro", "")),
        };
        let names = vec![Arc::from(c.iter_var.as_str())];
        self.comprehension(kind, &c.iter_range, names, filter, body)
    }

    fn comprehension(
        &mut self,
        kind: Kind,
        range: &IdedExpr,
        names: Vec<Arc<str>>,
        filter: Option<&IdedExpr>,
        body: &IdedExpr,
    ) -> Lowered {
        let range = self.lower(range)?;
        self.comprehensions += 1;
        if self.comprehensions > MAX_COMPREHENSIONS {
            let message = format!(
                "more than {MAX_COMPREHENSIONS} comprehensions inside each other; \
                 share the inner ones with `let`"
            );
            return Err(Refusal::new(message, &format!(".{}({}", kind.name(), names.join(", "))));
        }
        let slot = self.locals.len();
        self.locals.extend(names.iter().cloned());
        let filter = filter.map(|filter| self.lower(filter)).transpose()?;
        let body = self.lower(body)?;
        self.locals.truncate(slot);
        self.comprehensions -= 1;
        Ok(Node::Comprehension(Box::new(Comprehension { kind, range, names, slot, filter, body })))
    }
}

fn kind_refusal(kind: Kind, message: &str) -> Refusal {
    Refusal::new(format!("`{}` {message}", kind.name()), &format!(".{}(", kind.name()))
}
