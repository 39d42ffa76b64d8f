//! Calling registered functions.

use super::error::EvalError;
use super::eval::{Eval, Outcome, not_optional, usable};
use super::functions::Ctx;
use super::names;
use super::node::Call;
use super::value::Value;

impl Eval<'_> {
    pub(super) fn call(&mut self, call: &Call) -> Outcome {
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
        let mut ctx = Ctx { budget: self.budget };
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
            Ok(Value::Optional(Some(inner))) if &*call.name == "orValue" => Ok(inner.as_ref().clone()),
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

/// A function that was given the wrong types says so under its own name.
fn named(error: EvalError, call: &Call) -> EvalError {
    match error {
        EvalError::Type { operation, found } if operation.is_empty() => {
            EvalError::Type { operation: call.name.to_string(), found }
        }
        error => error,
    }
}
