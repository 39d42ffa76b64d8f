//! Compiled expressions.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use cel::parser::PrattParser;

use super::budget::Budget;
use super::error::EvalError;
use super::eval::Eval;
use super::explain::{self, Explained};
use super::limits;
use super::lower::Lowering;
use super::node::Node;
use super::scope::Scope;
use super::value::Value;

/// A compiled expression. Cheap to clone; evaluating one needs no lock.
#[derive(Clone)]
pub struct Program(Arc<Inner>);

struct Inner {
    source: String,
    root: Node,
    references: References,
}

/// The names that an expression needs from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Variables that a scope has to bind.
    pub variables: BTreeSet<String>,
    /// Fields read of them, as (`ask`, `answers`) in `ask.answers.size()`.
    pub fields: BTreeSet<(String, String)>,
    /// Functions, with their namespace where they have one; macros and
    /// operators are not among them.
    pub functions: BTreeSet<String>,
}

/// Why a text is not an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// What is wrong.
    pub message: String,
    /// Where, in bytes from the start of the text.
    pub offset: usize,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
}

impl Program {
    /// Compiles `source`, within the bounds of [`super::limits`].
    pub fn compile(source: &str) -> Result<Program, CompileError> {
        limits::check(source).map_err(|(offset, message)| CompileError::at(source, offset, message))?;
        let tree = PrattParser::new()
            .enable_optional_syntax(true)
            .enable_ident_escape_syntax(true)
            .parse(source)
            .map_err(|errors| CompileError::from_parser(source, &errors))?;
        let mut lowering = Lowering::default();
        let root = lowering.lower(&tree).map_err(|refusal| {
            let offset = source.find(&refusal.near).unwrap_or(0);
            CompileError::at(source, offset, refusal.message)
        })?;
        Ok(Program(Arc::new(Inner { source: source.to_owned(), root, references: lowering.references })))
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    pub(super) fn root(&self) -> &Node {
        &self.0.root
    }

    /// The names it needs from outside.
    pub fn references(&self) -> &References {
        &self.0.references
    }

    /// Evaluates the expression. The value may be absent or unavailable where
    /// the expression merely passes such a value on.
    pub fn eval(&self, scope: &Scope, budget: &mut Budget) -> Result<Value, EvalError> {
        Eval::new(scope, budget).eval(&self.0.root)
    }

    /// Evaluates a condition: anything but a boolean is an error, and so is a
    /// value that is absent or unavailable.
    pub fn test(&self, scope: &Scope, budget: &mut Budget) -> Result<bool, EvalError> {
        let mut eval = Eval::new(scope, budget);
        let value = eval.operand(&self.0.root)?;
        value.as_bool().ok_or_else(|| EvalError::Expected {
            expected: "a bool",
            found: value.kind_name(),
            place: self.0.source.clone(),
        })
    }

    /// The sub-expressions that say why the result is what it is, in reading
    /// order, with their values.
    pub fn explain(&self, scope: &Scope, budget: &mut Budget) -> Vec<Explained> {
        explain::explain(&self.0.root, scope, budget)
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Program").field(&self.0.source).finish()
    }
}

impl CompileError {
    fn at(source: &str, offset: usize, message: String) -> CompileError {
        let before = source.get(..offset).unwrap_or(source);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        CompileError {
            message,
            offset: before.len(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// The first error of the parser; the others mostly follow from it.
    fn from_parser(source: &str, errors: &cel::ParseErrors) -> CompileError {
        let Some(first) = errors.errors.first() else {
            return CompileError::at(source, 0, "not an expression".to_owned());
        };
        let (line, column) = first.pos;
        let offset = offset_of(source, line, column);
        let message = first
            .msg
            .trim_start_matches("Syntax error: ")
            .replace("mismatched input", "unexpected")
            .replace("'<EOF>'", "end of the expression")
            .replace("<EOF>", "end of the expression")
            .replace(" expecting ", ", expected ")
            .replace('\'', "`");
        CompileError::at(source, offset, message)
    }
}

/// The byte offset of a line and a column, both counted from 1; the parser
/// counts columns in bytes.
fn offset_of(source: &str, line: isize, column: isize) -> usize {
    let line = usize::try_from(line).unwrap_or(1).max(1);
    let column = usize::try_from(column).unwrap_or(1).max(1);
    let start: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let mut offset = (start + column - 1).min(source.len());
    while !source.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for CompileError {}
