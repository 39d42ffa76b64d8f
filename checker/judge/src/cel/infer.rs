//! What an expression reads, without a value at hand: the fields it names are
//! looked up in what is known of the kinds of objects, so that a misspelt one
//! is found where it is written and not where it is missing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::node::{Call, Comprehension, Kind, Node, Op};
use super::program::Program;
use super::unparse::text;

/// What is known of a value before there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// Nothing.
    #[default]
    Any,
    /// Text, a number or a truth value.
    Scalar,
    /// An object of the type with this name.
    Object(Arc<str>),
    /// A list of these.
    List(Arc<Shape>),
    /// A map with free keys and these values.
    Map(Arc<Shape>),
    /// Some fields of it are known; others may be there.
    Record(BTreeMap<String, Shape>),
}

/// The types of objects.
pub trait Types {
    /// What the field of a type is; `None` if the type has no such field.
    fn field(&self, of: &str, field: &str) -> Option<Shape>;

    /// The names of a type's fields, for the one that was meant.
    fn fields(&self, of: &str) -> Vec<String>;

    /// What people call a type.
    fn name<'t>(&self, of: &'t str) -> &'t str;
}

/// What an expression comes to, given what its variables are, and what it
/// reads that cannot be there, in words.
pub fn infer(
    program: &Program,
    variables: &BTreeMap<String, Shape>,
    types: &dyn Types,
) -> (Shape, Vec<String>) {
    let mut walk = Walk { variables, types, locals: BTreeMap::new(), problems: Vec::new() };
    let shape = walk.node(program.root());
    (shape, walk.problems)
}

struct Walk<'a> {
    variables: &'a BTreeMap<String, Shape>,
    types: &'a dyn Types,
    /// By slot; a slot that is used again was given a new value before.
    locals: BTreeMap<usize, Shape>,
    problems: Vec<String>,
}

impl Walk<'_> {
    fn node(&mut self, node: &Node) -> Shape {
        match node {
            Node::Variable(name) => self.variables.get(&**name).cloned().unwrap_or_default(),
            Node::Local(slot, _) => self.locals.get(slot).cloned().unwrap_or_default(),
            Node::Literal(_) => Shape::Any,
            Node::Select(operand, field) | Node::OptSelect(operand, field) => {
                let of = self.node(operand);
                self.field(&of, operand, field)
            }
            Node::Has(operand, field) => {
                let of = self.node(operand);
                self.field(&of, operand, field);
                Shape::Scalar
            }
            Node::Index(operand, index) | Node::OptIndex(operand, index) => {
                let of = self.node(operand);
                self.node(index);
                match of {
                    Shape::List(element) | Shape::Map(element) => (*element).clone(),
                    _ => Shape::Any,
                }
            }
            Node::Binary(Op::Add, left, right) => {
                let (left, right) = (self.node(left), self.node(right));
                // Two lists of the same were put together.
                if left == right && matches!(left, Shape::List(_)) { left } else { Shape::Any }
            }
            Node::And(left, right) | Node::Or(left, right) | Node::Binary(_, left, right) => {
                self.node(left);
                self.node(right);
                Shape::Any
            }
            Node::Not(inner) | Node::Negate(inner) => {
                self.node(inner);
                Shape::Any
            }
            Node::Condition(condition, yes, no) => {
                self.node(condition);
                let (yes, no) = (self.node(yes), self.node(no));
                if yes == no { yes } else { Shape::Any }
            }
            Node::List(elements) => {
                let mut shapes: Vec<_> = elements.iter().map(|element| self.node(&element.value)).collect();
                shapes.dedup();
                match (shapes.pop(), shapes.is_empty()) {
                    (Some(shape), true) => Shape::List(Arc::new(shape)),
                    _ => Shape::Any,
                }
            }
            Node::Map(entries) => {
                for entry in entries {
                    self.node(&entry.key);
                    self.node(&entry.value);
                }
                Shape::Any
            }
            Node::Call(call) => self.call(call),
            Node::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    fn field(&mut self, of: &Shape, operand: &Node, field: &str) -> Shape {
        let lacks = |what: &str| format!("`{}` is {what}, which has no field `{field}`", text(operand));
        match of {
            Shape::Any => Shape::Any,
            Shape::Map(value) => (**value).clone(),
            Shape::Record(fields) => fields.get(field).cloned().unwrap_or_default(),
            Shape::Scalar => {
                self.problems.push(lacks("no object"));
                Shape::Any
            }
            Shape::List(_) => {
                self.problems.push(lacks("a list"));
                Shape::Any
            }
            Shape::Object(of) => self.types.field(of, field).unwrap_or_else(|| {
                let fields = self.types.fields(of);
                let close = super::closest(field, fields.iter().map(String::as_str));
                let meant = close.map(|close| format!("; did you mean `{close}`?")).unwrap_or_default();
                self.problems.push(format!("{}{meant}", lacks(&format!("a `{}`", self.types.name(of)))));
                Shape::Any
            }),
        }
    }

    fn call(&mut self, call: &Call) -> Shape {
        let receiver = call.receiver.as_ref().map(|receiver| self.node(receiver));
        let arguments: Vec<_> = call.arguments.iter().map(|argument| self.node(argument)).collect();
        match (&*call.name, receiver, arguments.first()) {
            // An optional is taken for what it may hold.
            ("orValue" | "or" | "value" | "sort" | "distinct" | "reverse" | "slice", Some(same), _) => same,
            ("first" | "last", Some(Shape::List(element)), _) => (*element).clone(),
            ("optional.of" | "optional.ofNonZeroValue" | "live" | "madeBy", None, Some(same)) => same.clone(),
            _ => Shape::Any,
        }
    }

    fn comprehension(&mut self, over: &Comprehension) -> Shape {
        let range = self.node(&over.range);
        let elements = match (&range, over.kind) {
            (inner, Kind::OptMap | Kind::OptFlatMap) => vec![inner.clone()],
            (Shape::List(element), _) if over.names.len() == 1 => vec![(**element).clone()],
            (Shape::List(element), _) => vec![Shape::Scalar, (**element).clone()],
            (Shape::Map(_), _) if over.names.len() == 1 => vec![Shape::Scalar],
            (Shape::Map(value), _) => vec![Shape::Scalar, (**value).clone()],
            _ => vec![Shape::Any; over.names.len()],
        };
        for (at, shape) in elements.into_iter().enumerate() {
            self.locals.insert(over.slot + at, shape);
        }
        if let Some(filter) = &over.filter {
            self.node(filter);
        }
        let body = self.node(&over.body);
        match over.kind {
            Kind::All | Kind::Exists | Kind::ExistsOne => Shape::Any,
            Kind::Filter if matches!(range, Shape::Map(_)) => Shape::Any,
            Kind::Filter | Kind::SortBy => range,
            Kind::Map | Kind::TransformList => Shape::List(Arc::new(body)),
            Kind::OptMap | Kind::OptFlatMap => body,
            Kind::TransformMap | Kind::TransformMapEntry => Shape::Any,
        }
    }
}
