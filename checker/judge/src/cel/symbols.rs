//! What the parser's names and literals stand for.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

use super::node::Op;
use super::value::{Type, Value};

/// Names that stand for types.
pub(super) const TYPE_NAMES: [&str; 10] =
    ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];

/// The type that a name with dots stands for.
pub(super) fn well_known_type(operand: &Expr, field: &str) -> Option<Type> {
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

/// The value of a literal.
pub(super) fn literal_value(literal: &LiteralValue) -> Value {
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

/// The operator that the parser calls `name`.
pub(super) fn binary(name: &str) -> Option<Op> {
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

/// The `x` of a list `[x]`.
pub(super) fn appended(tree: &IdedExpr) -> Option<&IdedExpr> {
    match &tree.expr {
        Expr::List(list) => list.elements.first(),
        _ => None,
    }
}

/// The `x` that `result + [x]` appends; nothing where a step counts.
pub(super) fn appended_by(tree: &IdedExpr) -> Option<&IdedExpr> {
    match &tree.expr {
        Expr::Call(add) => add.args.last().and_then(appended),
        _ => None,
    }
}
