//! From the parser's tree to the one that is evaluated.

use std::sync::Arc;

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, ListExpr, LiteralValue, MapExpr,
    SelectExpr, operators,
};

use super::library;
use super::limits::{MAX_COMPREHENSIONS, MAX_DEPTH};
use super::node::{Call, Comprehension, Element, Entry, Kind, Node};
use super::program::References;
use super::regex::Pattern;
use super::symbols::{TYPE_NAMES, appended, appended_by, binary, literal_value, well_known_type};
use super::value::{Type, Value};

/// The state of one lowering.
#[derive(Default)]
pub(super) struct Lowering {
    pub(super) references: References,
    /// Names bound by the macros around the current expression.
    locals: Vec<Arc<str>>,
    comprehensions: usize,
    depth: usize,
}

type Lowered = Result<Node, String>;

impl Lowering {
    /// Lowers one expression; the error is a message for its author.
    pub(super) fn lower(&mut self, tree: &IdedExpr) -> Lowered {
        self.depth += 1;
        if self.depth > 2 * MAX_DEPTH {
            return Err("the expression is nested too deeply; split it with `let`".to_owned());
        }
        let node = match &tree.expr {
            Expr::Unspecified => Err("the expression is incomplete".to_owned()),
            Expr::Literal(literal) => Ok(Node::Literal(literal_value(literal))),
            Expr::Ident(name) => Ok(self.name(name)),
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => self.list(list),
            Expr::Map(map) => self.map(map),
            Expr::Struct(message) => Err(format!(
                "objects of type `{}` cannot be made; write a map",
                message.type_name
            )),
            Expr::Comprehension(comprehension) => self.standard_macro(comprehension),
        };
        self.depth -= 1;
        node
    }

    fn boxed(&mut self, tree: &IdedExpr) -> Result<Box<Node>, String> {
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
        let field = Arc::from(select.field.as_str());
        Ok(if select.test {
            Node::Has(operand, field)
        } else {
            Node::Select(operand, field)
        })
    }

    fn list(&mut self, list: &ListExpr) -> Lowered {
        let mut elements = Vec::with_capacity(list.elements.len());
        for (at, element) in list.elements.iter().enumerate() {
            elements.push(Element {
                value: self.lower(element)?,
                optional: list.optional_indices.contains(&at),
            });
        }
        Ok(Node::List(elements))
    }

    fn map(&mut self, map: &MapExpr) -> Lowered {
        let mut entries = Vec::with_capacity(map.entries.len());
        for entry in &map.entries {
            let EntryExpr::MapEntry(entry) = &entry.expr else {
                return Err("a map literal has a field without a key".to_owned());
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

    fn plain_call(
        &mut self,
        name: &str,
        receiver: Option<Box<Node>>,
        arguments: &[IdedExpr],
    ) -> Lowered {
        let arguments = arguments
            .iter()
            .map(|argument| self.lower(argument))
            .collect::<Result<Vec<_>, _>>()?;
        let literal = match (name, receiver.is_some(), arguments.as_slice()) {
            ("matches", false, [_, Node::Literal(Value::String(text))])
            | ("matches" | "find" | "findAll", true, [Node::Literal(Value::String(text)), ..]) => {
                Some(text)
            }
            _ => None,
        };
        let pattern = literal.map(|text| Pattern::compile(text)).transpose()?;
        self.references.functions.insert(name.to_owned());
        Ok(Node::Call(Call {
            name: name.into(),
            receiver,
            arguments,
            pattern,
        }))
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
            [condition, yes, no] if name == operators::CONDITIONAL => Ok(Node::Condition(
                self.boxed(condition)?,
                self.boxed(yes)?,
                self.boxed(no)?,
            )),
            _ => self.plain_call(name, None, &call.args),
        }
    }

    /// An operator between two operands, or a call with two arguments.
    fn pair(
        &mut self,
        name: &str,
        left: &IdedExpr,
        right: &IdedExpr,
        arguments: &[IdedExpr],
    ) -> Lowered {
        if name == operators::OPT_SELECT {
            let Expr::Literal(LiteralValue::String(field)) = &right.expr else {
                return Err("a field name has to follow `.?`".to_owned());
            };
            return Ok(Node::OptSelect(self.boxed(left)?, field.inner().into()));
        }
        let op = binary(name);
        let known = matches!(
            name,
            operators::LOGICAL_AND
                | operators::LOGICAL_OR
                | operators::INDEX
                | operators::OPT_INDEX
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

    /// A macro of the libraries: `names` variables, perhaps a filter, a body.
    fn extension_macro(
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
                _ => Err(format!("`{}` takes a plain name first", kind.name())),
            })
            .collect::<Result<Vec<Arc<str>>, _>>()?;
        if names.len() == 2 && names[0] == names[1] {
            return Err(format!("`{}` takes two different names", kind.name()));
        }
        match rest {
            [body] => self.comprehension(kind, range, names, None, body),
            [filter, body] => self.comprehension(kind, range, names, Some(filter), body),
            _ => Err(format!("`{}` takes other arguments", kind.name())),
        }
    }

    /// A macro that the parser expanded, told by the step of its loop.
    fn standard_macro(&mut self, c: &ComprehensionExpr) -> Lowered {
        let Expr::Call(step) = &c.loop_step.expr else {
            return Err("an unknown macro".to_owned());
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
            _ => return Err("an unknown macro".to_owned()),
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
            return Err(format!(
                "more than {MAX_COMPREHENSIONS} comprehensions inside each other; \
                 share the inner ones with `let`"
            ));
        }
        let slot = self.locals.len();
        self.locals.extend(names.iter().cloned());
        let filter = filter.map(|filter| self.lower(filter)).transpose()?;
        let body = self.lower(body)?;
        self.locals.truncate(slot);
        self.comprehensions -= 1;
        Ok(Node::Comprehension(Box::new(Comprehension {
            kind,
            range,
            names,
            slot,
            filter,
            body,
        })))
    }
}
