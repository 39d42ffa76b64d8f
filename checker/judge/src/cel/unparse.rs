//! An expression as text again: for error paths and explanations, one line
//! whatever the author's layout was.

use super::node::{Call, Comprehension, Node};
use super::render::quoted;
use super::value::Value;

/// The text of `node`.
pub(super) fn text(node: &Node) -> String {
    let mut out = String::new();
    write(node, 0, &mut out);
    out
}

/// How tightly an expression binds; operands that bind less get brackets.
fn strength(node: &Node) -> u8 {
    use super::node::Op;
    match node {
        Node::Condition(..) => 0,
        Node::Or(..) => 1,
        Node::And(..) => 2,
        Node::Binary(op, ..) => match op {
            Op::Add | Op::Subtract => 4,
            Op::Multiply | Op::Divide | Op::Modulo => 5,
            _ => 3,
        },
        Node::Not(_) | Node::Negate(_) => 6,
        _ => 7,
    }
}

fn write(node: &Node, outer: u8, out: &mut String) {
    let own = strength(node);
    if own < outer {
        out.push('(');
    }
    match node {
        Node::Literal(value) => literal(value, out),
        Node::Variable(name) | Node::Local(_, name) => out.push_str(name),
        Node::Select(operand, name) => {
            write(operand, 7, out);
            field(".", name, out);
        }
        Node::OptSelect(operand, name) => {
            write(operand, 7, out);
            field(".?", name, out);
        }
        Node::Has(operand, name) => {
            out.push_str("has(");
            write(operand, 7, out);
            field(".", name, out);
            out.push(')');
        }
        Node::Index(operand, index) => subscript(operand, "[", index, out),
        Node::OptIndex(operand, index) => subscript(operand, "[?", index, out),
        Node::And(left, right) => infix(left, "&&", right, own, out),
        Node::Or(left, right) => infix(left, "||", right, own, out),
        Node::Binary(op, left, right) => infix(left, op.symbol(), right, own, out),
        Node::Not(inner) => prefix("!", inner, out),
        Node::Negate(inner) => prefix("-", inner, out),
        Node::Condition(condition, yes, no) => {
            write(condition, 1, out);
            out.push_str(" ? ");
            write(yes, 1, out);
            out.push_str(" : ");
            write(no, 0, out);
        }
        Node::List(elements) => {
            let parts = elements.iter().map(|e| (e.optional, None, &e.value));
            bracketed("[", parts, "]", out);
        }
        Node::Map(entries) => {
            let parts = entries.iter().map(|e| (e.optional, Some(&e.key), &e.value));
            bracketed("{", parts, "}", out);
        }
        Node::Call(call) => call_text(call, out),
        Node::Comprehension(c) => comprehension(c, out),
    }
    if own < outer {
        out.push(')');
    }
}

/// A field name, in backticks where it is no identifier.
fn field(dot: &str, name: &str, out: &mut String) {
    out.push_str(dot);
    let plain = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let tick = if plain { "" } else { "`" };
    out.push_str(tick);
    out.push_str(name);
    out.push_str(tick);
}

fn literal(value: &Value, out: &mut String) {
    match value {
        Value::String(s) => out.push_str(&quoted(s, '\'')),
        Value::Uint(u) => out.push_str(&format!("{u}u")),
        other => out.push_str(&other.to_string()),
    }
}

fn subscript(operand: &Node, open: &str, index: &Node, out: &mut String) {
    write(operand, 7, out);
    out.push_str(open);
    write(index, 0, out);
    out.push(']');
}

fn infix(left: &Node, symbol: &str, right: &Node, own: u8, out: &mut String) {
    write(left, own, out);
    out.push(' ');
    out.push_str(symbol);
    out.push(' ');
    // `a - (b - c)` needs its brackets, `a && (b && c)` does not.
    let right_needs = if own <= 2 { own } else { own + 1 };
    write(right, right_needs, out);
}

fn prefix(symbol: &str, inner: &Node, out: &mut String) {
    out.push_str(symbol);
    write(inner, 6, out);
}

fn bracketed<'a>(
    open: &str,
    parts: impl Iterator<Item = (bool, Option<&'a Node>, &'a Node)>,
    close: &str,
    out: &mut String,
) {
    out.push_str(open);
    for (at, (optional, key, value)) in parts.enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        if optional {
            out.push('?');
        }
        if let Some(key) = key {
            write(key, 0, out);
            out.push_str(": ");
        }
        write(value, 0, out);
    }
    out.push_str(close);
}

fn call_text(call: &Call, out: &mut String) {
    if let Some(receiver) = &call.receiver {
        write(receiver, 7, out);
        out.push('.');
    }
    out.push_str(&call.name);
    let arguments = call.arguments.iter().map(|a| (false, None, a));
    bracketed("(", arguments, ")", out);
}

fn comprehension(c: &Comprehension, out: &mut String) {
    write(&c.range, 7, out);
    out.push('.');
    out.push_str(c.kind.name());
    out.push('(');
    out.push_str(&c.names.join(", "));
    if let Some(filter) = &c.filter {
        out.push_str(", ");
        write(filter, 0, out);
    }
    out.push_str(", ");
    write(&c.body, 0, out);
    out.push(')');
}
