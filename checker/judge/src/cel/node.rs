//! The tree that is evaluated. It differs from the parser's in three ways:
//! variables of comprehensions are slots of a stack, macros are kept as what
//! the author wrote, and a literal pattern is compiled once.

use std::sync::Arc;

use super::regex::Pattern;
use super::value::Value;

/// One expression.
#[derive(Debug)]
pub(super) enum Node {
    Literal(Value),
    /// A name bound by a scope.
    Variable(Arc<str>),
    /// A name bound by a macro: a slot of the stack of locals.
    Local(usize, Arc<str>),
    /// `operand.field`
    Select(Box<Node>, Arc<str>),
    /// `operand.?field`
    OptSelect(Box<Node>, Arc<str>),
    /// `has(operand.field)`
    Has(Box<Node>, Arc<str>),
    /// `operand[index]`
    Index(Box<Node>, Box<Node>),
    /// `operand[?index]`
    OptIndex(Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    Binary(Op, Box<Node>, Box<Node>),
    /// `condition ? yes : no`
    Condition(Box<Node>, Box<Node>, Box<Node>),
    List(Vec<Element>),
    Map(Vec<Entry>),
    Call(Call),
    Comprehension(Box<Comprehension>),
}

/// An element of a list literal.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) value: Node,
    /// `[?x]`: left out when `x` is an empty optional.
    pub(super) optional: bool,
}

/// An entry of a map literal.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Node,
    pub(super) value: Node,
    /// `{?k: x}`: left out when `x` is an empty optional.
    pub(super) optional: bool,
}

/// A call of a registered function.
#[derive(Debug)]
pub(super) struct Call {
    /// With its namespace: `sets.contains`.
    pub(super) name: Arc<str>,
    pub(super) receiver: Option<Box<Node>>,
    pub(super) arguments: Vec<Node>,
    /// For `matches`, `find` and `findAll` with a literal pattern.
    pub(super) pattern: Option<Pattern>,
}

/// A macro that evaluates its body once per element.
#[derive(Debug)]
pub(super) struct Comprehension {
    pub(super) kind: Kind,
    pub(super) range: Node,
    /// One name, or index and element, or key and value.
    pub(super) names: Vec<Arc<str>>,
    /// The slot of the first name; the second follows.
    pub(super) slot: usize,
    pub(super) filter: Option<Node>,
    pub(super) body: Node,
}

/// What a comprehension makes of its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
    SortBy,
    TransformList,
    TransformMap,
    TransformMapEntry,
    OptMap,
    OptFlatMap,
}

/// Binary operators that evaluate both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
}

impl Op {
    /// Whether the result is a value of its own and not a verdict on the two
    /// sides.
    pub(super) fn is_arithmetic(self) -> bool {
        matches!(self, Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Modulo)
    }

    pub(super) fn symbol(self) -> &'static str {
        match self {
            Op::Add => "+",
            Op::Subtract => "-",
            Op::Multiply => "*",
            Op::Divide => "/",
            Op::Modulo => "%",
            Op::Equal => "==",
            Op::NotEqual => "!=",
            Op::Less => "<",
            Op::LessEqual => "<=",
            Op::Greater => ">",
            Op::GreaterEqual => ">=",
            Op::In => "in",
        }
    }
}

impl Kind {
    /// The name of the macro.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::All => "all",
            Kind::Exists => "exists",
            Kind::ExistsOne => "exists_one",
            Kind::Map => "map",
            Kind::Filter => "filter",
            Kind::SortBy => "sortBy",
            Kind::TransformList => "transformList",
            Kind::TransformMap => "transformMap",
            Kind::TransformMapEntry => "transformMapEntry",
            Kind::OptMap => "optMap",
            Kind::OptFlatMap => "optFlatMap",
        }
    }

    /// The macro of this name with `names` variables and `rest` further
    /// arguments. Those with one variable that the parser expands itself are
    /// recognised elsewhere.
    pub(super) fn of_call(name: &str, arguments: usize) -> Option<(Kind, usize)> {
        Some(match (name, arguments) {
            ("all", 3) => (Kind::All, 2),
            ("exists", 3) => (Kind::Exists, 2),
            ("existsOne" | "exists_one", 3) => (Kind::ExistsOne, 2),
            ("transformList", 3 | 4) => (Kind::TransformList, 2),
            ("transformMap", 3 | 4) => (Kind::TransformMap, 2),
            ("transformMapEntry", 3 | 4) => (Kind::TransformMapEntry, 2),
            ("sortBy", 2) => (Kind::SortBy, 1),
            ("optMap", 2) => (Kind::OptMap, 1),
            ("optFlatMap", 2) => (Kind::OptFlatMap, 1),
            _ => return None,
        })
    }
}
