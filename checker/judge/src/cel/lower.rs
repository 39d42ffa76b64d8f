//! From the parser's tree to the one that is evaluated.

use std::sync::Arc;

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, MapExpr, operators,
};

use super::library;
use super::limits::{MAX_COMPREHENSIONS, MAX_DEPTH};
use super::node::{Call, Comprehension, Element, Entry, Kind, Node, Op};
use super::program::References;
use super::regex::Pattern;
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
    pub(super) fn lower(&mut self, tree: IdedExpr) -> Lowered {
        self.depth += 1;
        if self.depth > 2 * MAX_DEPTH {
            return Err("the expression is nested too deeply; split it with `let`".to_owned());
        }
        let node = match tree.expr {
            Expr::Unspecified => Err("the expression is incomplete".to_owned()),
            Expr::Literal(literal) => Ok(Node::Literal(literal_value(&literal))),
            Expr::Ident(name) => Ok(self.name(&name)),
            Expr::Select(select) => {
                let field: Arc<str> = select.field.into();
                if let Some(ty) = well_known_type(&select.operand.expr, &field) {
                    return self.done(Node::Literal(Value::Type(ty)));
                }
                let operand = self.boxed(*select.operand)?;
                Ok(if select.test { Node::Has(operand, field) } else { Node::Select(operand, field) })
            }
            Expr::Call(call) => self.call(call),
            Expr::List(list) => {
                let mut elements = Vec::with_capacity(list.elements.len());
                for (at, element) in list.elements.into_iter().enumerate() {
                    elements.push(Element {
                        value: self.lower(element)?,
                        optional: list.optional_indices.contains(&at),
                    });
                }
                Ok(Node::List(elements))
            }
            Expr::Map(map) => self.map(map),
            Expr::Struct(message) => {
                Err(format!("objects of type `{}` cannot be made; write a map", message.type_name))
            }
            Expr::Comprehension(comprehension) => self.standard_macro(*comprehension),
        };
        self.done(node?)
    }

    fn done(&mut self, node: Node) -> Lowered {
        self.depth -= 1;
        Ok(node)
    }

    fn boxed(&mut self, tree: IdedExpr) -> Result<Box<Node>, String> {
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

    fn map(&mut self, map: MapExpr) -> Lowered {
        let mut entries = Vec::with_capacity(map.entries.len());
        for entry in map.entries {
            let EntryExpr::MapEntry(entry) = entry.expr else {
                return Err("a map literal has a field without a key".to_owned());
            };
            entries.push(Entry {
                key: self.lower(entry.key)?,
                value: self.lower(entry.value)?,
                optional: entry.optional,
            });
        }
        Ok(Node::Map(entries))
    }

    fn call(&mut self, mut call: CallExpr) -> Lowered {
        let Some(target) = call.target.take() else {
            return self.global(call);
        };
        if let Expr::Ident(namespace) = &target.expr
            && !self.locals.iter().any(|local| **local == **namespace)
        {
            let name = format!("{namespace}.{}", call.func_name);
            if library::is_qualified(&name) {
                return self.plain_call(name, None, call.args);
            }
        }
        if let Some((kind, names)) = Kind::of_call(&call.func_name, call.args.len()) {
            return self.extension_macro(kind, names, *target, call.args);
        }
        let receiver = self.boxed(*target)?;
        self.plain_call(call.func_name, Some(receiver), call.args)
    }

    fn plain_call(&mut self, name: String, receiver: Option<Box<Node>>, arguments: Vec<IdedExpr>) -> Lowered {
        let arguments =
            arguments.into_iter().map(|argument| self.lower(argument)).collect::<Result<Vec<_>, _>>()?;
        let pattern = match (name.as_str(), arguments.as_slice()) {
            ("matches", [_, Node::Literal(Value::String(text))]) if receiver.is_none() => {
                Some(Pattern::compile(text)?)
            }
            ("matches" | "find" | "findAll", [Node::Literal(Value::String(text)), ..])
                if receiver.is_some() =>
            {
                Some(Pattern::compile(text)?)
            }
            _ => None,
        };
        self.references.functions.insert(name.clone());
        Ok(Node::Call(Call { name: name.into(), receiver, arguments, pattern }))
    }

    /// An operator, or a call without a receiver.
    fn global(&mut self, call: CallExpr) -> Lowered {
        let name = call.func_name;
        let mut arguments = call.args;
        if let Some(op) = binary(&name)
            && arguments.len() == 2
        {
            let (left, right) = self.pair(&mut arguments)?;
            return Ok(Node::Binary(op, left, right));
        }
        match (name.as_str(), arguments.len()) {
            (operators::LOGICAL_AND, 2) => {
                let (left, right) = self.pair(&mut arguments)?;
                Ok(Node::And(left, right))
            }
            (operators::LOGICAL_OR, 2) => {
                let (left, right) = self.pair(&mut arguments)?;
                Ok(Node::Or(left, right))
            }
            (operators::INDEX, 2) => {
                let (left, right) = self.pair(&mut arguments)?;
                Ok(Node::Index(left, right))
            }
            (operators::OPT_INDEX, 2) => {
                let (left, right) = self.pair(&mut arguments)?;
                Ok(Node::OptIndex(left, right))
            }
            (operators::OPT_SELECT, 2) => {
                let (left, right) = self.pair(&mut arguments)?;
                match *right {
                    Node::Literal(Value::String(field)) => Ok(Node::OptSelect(left, field)),
                    _ => Err("a field name has to follow `.?`".to_owned()),
                }
            }
            (operators::LOGICAL_NOT, 1) => Ok(Node::Not(self.boxed(arguments.remove(0))?)),
            (operators::NEGATE, 1) => Ok(Node::Negate(self.boxed(arguments.remove(0))?)),
            (operators::CONDITIONAL, 3) => {
                let no = arguments.pop().unwrap_or_default();
                let (condition, yes) = self.pair(&mut arguments)?;
                Ok(Node::Condition(condition, yes, self.boxed(no)?))
            }
            _ => self.plain_call(name, None, arguments),
        }
    }

    fn pair(&mut self, arguments: &mut Vec<IdedExpr>) -> Result<(Box<Node>, Box<Node>), String> {
        let right = arguments.pop().unwrap_or_default();
        let left = arguments.pop().unwrap_or_default();
        Ok((self.boxed(left)?, self.boxed(right)?))
    }

    /// A macro of the libraries: `names` variables, perhaps a filter, a body.
    fn extension_macro(
        &mut self,
        kind: Kind,
        names: usize,
        range: IdedExpr,
        mut arguments: Vec<IdedExpr>,
    ) -> Lowered {
        let rest = arguments.split_off(names);
        let names = arguments
            .into_iter()
            .map(|argument| match argument.expr {
                Expr::Ident(name) if !name.starts_with('.') => Ok(Arc::from(name)),
                _ => Err(format!("`{}` takes a plain name first", kind.name())),
            })
            .collect::<Result<Vec<Arc<str>>, _>>()?;
        if names.len() == 2 && names[0] == names[1] {
            return Err(format!("`{}` takes two different names", kind.name()));
        }
        let mut rest = rest.into_iter().rev();
        let body = rest.next().unwrap_or_default();
        self.comprehension(kind, range, names, rest.next(), body)
    }

    /// A macro that the parser expanded, told by the step of its loop.
    fn standard_macro(&mut self, c: ComprehensionExpr) -> Lowered {
        let unknown = || "an unknown macro".to_owned();
        let names = vec![Arc::from(c.iter_var.as_str())];
        let Expr::Call(mut step) = c.loop_step.expr else {
            return Err(unknown());
        };
        let (kind, filter, body) = match (step.func_name.as_str(), step.args.len()) {
            (operators::LOGICAL_AND, 2) => (Kind::All, None, step.args.pop()),
            (operators::LOGICAL_OR, 2) => (Kind::Exists, None, step.args.pop()),
            (operators::ADD, 2) => (Kind::Map, None, appended(step.args.pop())),
            (operators::CONDITIONAL, 3) => {
                let mut parts = step.args.into_iter();
                let filter = parts.next();
                match parts.next().map(|yes| yes.expr) {
                    Some(Expr::Call(mut add)) => match appended(add.args.pop()) {
                        // `map(x, p, x)` and `filter(x, p)` are the same.
                        Some(IdedExpr { expr: Expr::Ident(name), .. }) if name == c.iter_var => {
                            (Kind::Filter, None, filter)
                        }
                        Some(body) => (Kind::Map, filter, Some(body)),
                        None => (Kind::ExistsOne, None, filter),
                    },
                    _ => return Err(unknown()),
                }
            }
            _ => return Err(unknown()),
        };
        self.comprehension(kind, c.iter_range, names, filter, body.ok_or_else(unknown)?)
    }

    fn comprehension(
        &mut self,
        kind: Kind,
        range: IdedExpr,
        names: Vec<Arc<str>>,
        filter: Option<IdedExpr>,
        body: IdedExpr,
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
        Ok(Node::Comprehension(Box::new(Comprehension { kind, range, names, slot, filter, body })))
    }
}

/// The `x` of the `[x]` that a step appends; nothing where a step counts.
fn appended(tree: Option<IdedExpr>) -> Option<IdedExpr> {
    match tree?.expr {
        Expr::List(mut list) => list.elements.pop(),
        _ => None,
    }
}

/// Names that stand for types.
const TYPE_NAMES: [&str; 10] =
    ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];

fn well_known_type(operand: &Expr, field: &str) -> Option<Type> {
    let Expr::Select(inner) = operand else {
        let Expr::Ident(name) = operand else {
            return None;
        };
        return (name == "net" && field == "IP")
            .then_some(Type("net.IP"))
            .or((name == "net" && field == "CIDR").then_some(Type("net.CIDR")));
    };
    let Expr::Ident(root) = &inner.operand.expr else {
        return None;
    };
    match (root.as_str(), inner.field.as_str(), field) {
        ("google", "protobuf", "Duration") => Some(Type("google.protobuf.Duration")),
        ("google", "protobuf", "Timestamp") => Some(Type("google.protobuf.Timestamp")),
        _ => None,
    }
}

fn literal_value(literal: &LiteralValue) -> Value {
    match literal {
        LiteralValue::Boolean(b) => Value::Bool(*b.inner()),
        LiteralValue::Bytes(b) => Value::Bytes(b.inner().into()),
        LiteralValue::Double(d) => Value::Double(*d.inner()),
        LiteralValue::Int(i) => Value::Int(*i.inner()),
        LiteralValue::Null => Value::Null,
        LiteralValue::String(s) => Value::string(s.inner()),
        LiteralValue::UInt(u) => Value::Uint(*u.inner()),
    }
}

fn binary(name: &str) -> Option<Op> {
    Some(match name {
        operators::ADD => Op::Add,
        operators::SUBSTRACT => Op::Subtract,
        operators::MULTIPLY => Op::Multiply,
        operators::DIVIDE => Op::Divide,
        operators::MODULO => Op::Modulo,
        operators::EQUALS => Op::Equal,
        operators::NOT_EQUALS => Op::NotEqual,
        operators::LESS => Op::Less,
        operators::LESS_EQUALS => Op::LessEqual,
        operators::GREATER => Op::Greater,
        operators::GREATER_EQUALS => Op::GreaterEqual,
        operators::IN => Op::In,
        _ => return None,
    })
}
