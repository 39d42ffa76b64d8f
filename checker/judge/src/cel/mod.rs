//! The expression language of labs: CEL as the Kubernetes API server speaks
//! it. The `cel` crate parses; evaluating, bounding, explaining and the typed
//! absence of evidence are here. `CEL.md` in this crate says what is supported.

mod access;
mod budget;
mod call;
mod comprehension;
mod error;
mod eval;
mod explain;
mod functions;
mod infer;
mod json;
mod library;
pub mod limits;
mod lower;
mod lower_macros;
mod map;
mod names;
mod node;
mod number;
mod ops;
mod program;
mod quantity;
mod regex;
mod render;
pub mod schema;
mod scope;
mod symbols;
mod time;
mod unparse;
mod url;
mod value;

pub use budget::{Budget, DEFAULT_STEPS};
pub use error::EvalError;
pub use explain::Explained;
pub use functions::{Ctx, Function, Functions};
pub use infer::{Shape, Types, infer};
pub use library::arguments;
pub use library::format::Format;
pub use map::{Key, Map};
pub use names::closest;
pub use program::{CompileError, Program, References};
pub use quantity::Quantity;
pub use scope::Scope;
pub use time::{Duration, Timestamp};
pub use url::Url;
pub use value::{Absence, Native, Type, Unavailability, Value};
