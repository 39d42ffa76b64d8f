//! The three file formats of labcheck as types: [`Lab`] (what is asked),
//! [`Evidence`] (what was seen) and [`Report`] (what follows from both), and
//! the [`Request`]s that lead from the first to the second.
//!
//! This crate never does I/O and never judges.

pub mod compose;
pub mod diagnostic;
pub mod duration;
pub mod evidence;
pub mod experiment;
pub mod expr;
pub mod kind;
pub mod lab;
pub mod observe;
mod parse;
pub mod report;
pub mod request;
pub mod sample;
pub mod template;
mod validate;

pub use diagnostic::Diagnostic;
pub use duration::Span;
pub use evidence::{Ended, Evidence, Look, Observation, Outcome};
pub use experiment::{Experiment, Step};
pub use expr::Expr;
pub use kind::Kind;
pub use lab::{Check, Lab, Target, Task};
pub use observe::{Observe, Source};
pub use parse::yaml;
pub use report::{Report, Verdict};
pub use request::Request;

/// The one format number of lab files, evidence and reports this version
/// reads and writes.
pub const FORMAT: u32 = 1;
