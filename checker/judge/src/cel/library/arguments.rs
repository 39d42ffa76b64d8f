//! Taking arguments apart, for native functions.

use crate::cel::error::EvalError;
use crate::cel::value::Value;

/// The error of a function that was given types it does not take. The name of
/// the function is filled in by the caller.
pub fn wrong_types(receiver: Option<&Value>, arguments: &[Value]) -> EvalError {
    EvalError::Type {
        operation: String::new(),
        found: receiver.into_iter().chain(arguments).map(Value::kind_name).collect(),
    }
}

/// Matches the receiver and the arguments of a native function against a
/// pattern, or returns the error of [`wrong_types`] from it.
macro_rules! cel_arguments {
    ($receiver:expr, $arguments:expr, $pattern:pat) => {
        let $pattern = ($receiver, $arguments) else {
            return Err($crate::cel::arguments::wrong_types($receiver, $arguments));
        };
    };
}

pub(crate) use cel_arguments;
