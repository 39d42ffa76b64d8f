//! From the parser's tree to the one that is evaluated.

use std::sync::Arc;

use cel::common::ast::{
    CallExpr, EntryExpr, Expr, IdedExpr, ListExpr, LiteralValue, MapExpr, SelectExpr, operators,
};

use super::library;
use super::limits::MAX_DEPTH;
use super::node::{Call, Element, Entry, Kind, Node};
use super::program::References;
use super::regex::Pattern;
use super::symbols::{TYPE_NAMES, binary, literal_value, well_known_type};
use super::value::{Type, Value};

/// The state of one lowering.
#[derive(Default)]
pub(super) struct Lowering {
    pub(super) references: References,
    /// Names bound by the macros around the current expression.
    pub(super) locals: Vec<Arc<str>>,
    pub(super) comprehensions: usize,
    depth: usize,
}

/// Why a tree is refused, and a piece of its text to look for: the parser
/// does not say where the nodes of a good tree are.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) near: String,
}

impl Refusal {
    pub(super) fn new(message: impl Into<String>, near: &str) -> Refusal {
        Refusal { message: message.into(), near: near.to_owned() }
    }
}

pub(super) type Lowered = Result<Node, Refusal>;

impl Lowering {
    /// Lowers one expression; the error is a message for its author.
    pub(super) fn lower(&mut self, tree: &IdedExpr) -> Lowered {
        self.depth += 1;
        if self.depth > 2 * MAX_DEPTH {
            let message = "the expression is nested too deeply; split it with `let`";
            return Err(Refusal::new(message, ""));
        }
        let node = match &tree.expr {
            Expr::Unspecified => Err(Refusal::new("the expression is incomplete", "")),
            Expr::Literal(literal) => Ok(Node::Literal(literal_value(literal))),
            Expr::Ident(name) => Ok(self.name(name)),
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => self.list(list),
            Expr::Map(map) => self.map(map),
            Expr::Struct(message) => Err(Refusal::new(
                format!("objects of type `{}` cannot be made; write a map", message.type_name),
                &message.type_name,
            )),
            Expr::Comprehension(comprehension) => self.standard_macro(comprehension),
        };
        self.depth -= 1;
        node
    }

    fn boxed(&mut self, tree: &IdedExpr) -> Result<Box<Node>, Refusal> {
        self.lower(tree).map(Box::new)
    }

    fn name(&mut self, name: &str) -> Node {
        if let Some(slot) = self.locals.iter().rposition(|local| **local == *name) {
            return Node::Local(slot, Arc::clone(&self.locals[slot]));
        }
        // A leading dot says that no macro's variable is meant.
        let name = name.trim_start_matches('.');
        if let Some(ty) = TYPE_NAMES.iter().find(|ty| **ty == name) {
            return Node::Literal(Value::Type(Type(ty)));
        }
        self.references.variables.insert(name.to_owned());
        Node::Variable(name.into())
    }

    fn select(&mut self, select: &SelectExpr) -> Lowered {
        if let Some(ty) = well_known_type(&select.operand.expr, &select.field) {
            return Ok(Node::Literal(Value::Type(ty)));
        }
        let operand = self.boxed(&select.operand)?;
        if let Node::Variable(name) = &*operand {
            self.references.fields.insert((name.to_string(), select.field.clone()));
        }
        let field = Arc::from(select.field.as_str());
        Ok(if select.test { Node::Has(operand, field) } else { Node::Select(operand, field) })
    }

    fn list(&mut self, list: &ListExpr) -> Lowered {
        let mut elements = Vec::with_capacity(list.elements.len());
        for (at, element) in list.elements.iter().enumerate() {
            elements
                .push(Element { value: self.lower(element)?, optional: list.optional_indices.contains(&at) });
        }
        Ok(Node::List(elements))
    }

    fn map(&mut self, map: &MapExpr) -> Lowered {
        let mut entries = Vec::with_capacity(map.entries.len());
        for entry in &map.entries {
            let EntryExpr::MapEntry(entry) = &entry.expr else {
                return Err(Refusal::new("a map literal has a field without a key", "{"));
            };
            entries.push(Entry {
                key: self.lower(&entry.key)?,
                value: self.lower(&entry.value)?,
                optional: entry.optional,
            });
        }
        Ok(Node::Map(entries))
    }

    fn call(&mut self, call: &CallExpr) -> Lowered {
        let Some(target) = &call.target else {
            return self.global(call);
        };
        if let Expr::Ident(namespace) = &target.expr
            && !self.locals.iter().any(|local| **local == **namespace)
        {
            let name = format!("{namespace}.{}", call.func_name);
            if library::is_qualified(&name) {
                return self.plain_call(&name, None, &call.args);
            }
        }
        if let Some((kind, names)) = Kind::of_call(&call.func_name, call.args.len()) {
            return self.extension_macro(kind, names, target, &call.args);
        }
        let receiver = self.boxed(target)?;
        self.plain_call(&call.func_name, Some(receiver), &call.args)
    }

    fn plain_call(&mut self, name: &str, receiver: Option<Box<Node>>, arguments: &[IdedExpr]) -> Lowered {
        let arguments =
            arguments.iter().map(|argument| self.lower(argument)).collect::<Result<Vec<_>, _>>()?;
        let literal = match (name, receiver.is_some(), arguments.as_slice()) {
            ("matches", false, [_, Node::Literal(Value::String(text))])
            | ("matches" | "find" | "findAll", true, [Node::Literal(Value::String(text)), ..]) => Some(text),
            _ => None,
        };
        let pattern = literal
            .map(|text| Pattern::compile(text).map_err(|message| Refusal::new(message, text)))
            .transpose()?;
        self.references.functions.insert(name.to_owned());
        Ok(Node::Call(Call { name: name.into(), receiver, arguments, pattern }))
    }

    /// An operator, or a call without a receiver.
    fn global(&mut self, call: &CallExpr) -> Lowered {
        let name = call.func_name.as_str();
        match call.args.as_slice() {
            [one] => match name {
                operators::LOGICAL_NOT => self.boxed(one).map(Node::Not),
                operators::NEGATE => self.boxed(one).map(Node::Negate),
                _ => self.plain_call(name, None, &call.args),
            },
            [left, right] => self.pair(name, left, right, &call.args),
            [condition, yes, no] if name == operators::CONDITIONAL => {
                Ok(Node::Condition(self.boxed(condition)?, self.boxed(yes)?, self.boxed(no)?))
            }
            _ => self.plain_call(name, None, &call.args),
        }
    }

    /// An operator between two operands, or a call with two arguments.
    fn pair(&mut self, name: &str, left: &IdedExpr, right: &IdedExpr, arguments: &[IdedExpr]) -> Lowered {
        if name == operators::OPT_SELECT {
            let Expr::Literal(LiteralValue::String(field)) = &right.expr else {
                return Err(Refusal::new("a field name has to follow `.?`", ".?"));
            };
            return Ok(Node::OptSelect(self.boxed(left)?, field.inner().into()));
        }
        let op = binary(name);
        let known = matches!(
            name,
            operators::LOGICAL_AND | operators::LOGICAL_OR | operators::INDEX | operators::OPT_INDEX
        );
        if op.is_none() && !known {
            return self.plain_call(name, None, arguments);
        }
        let (left, right) = (self.boxed(left)?, self.boxed(right)?);
        Ok(match (op, name) {
            (Some(op), _) => Node::Binary(op, left, right),
            (None, operators::LOGICAL_AND) => Node::And(left, right),
            (None, operators::LOGICAL_OR) => Node::Or(left, right),
            (None, operators::INDEX) => Node::Index(left, right),
            (None, _) => Node::OptIndex(left, right),
        })
    }
}
