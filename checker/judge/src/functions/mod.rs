//! The functions labs have beyond CEL and the Kubernetes libraries. One file
//! per area; each function stands there with the trap it avoids, and the
//! authors' reference is made from these entries.

pub(crate) mod compose;
mod image;
mod labels;
pub(crate) mod meta;
pub(crate) mod pod;
mod service;
pub(crate) mod traffic;
pub(crate) mod workload;

use std::sync::{Arc, LazyLock};

use crate::cel::{EvalError, Function, Functions, Value};

/// A function as the authors' reference shows it.
pub struct Doc {
    /// Name in expressions.
    pub name: &'static str,
    /// How it is called and what it gives.
    pub signature: &'static str,
    /// What it says.
    pub says: &'static str,
    /// The mistake it saves its caller from.
    pub trap: &'static str,
    call: Function,
}

/// Every function of this crate, by area.
pub fn all() -> impl Iterator<Item = &'static Doc> {
    let areas = [
        pod::DOCS,
        workload::DOCS,
        service::DOCS,
        labels::DOCS,
        meta::DOCS,
        image::DOCS,
        traffic::DOCS,
        compose::DOCS,
    ];
    areas.into_iter().flatten()
}

static FUNCTIONS: LazyLock<Arc<Functions>> = LazyLock::new(|| {
    let mut functions = Functions::standard();
    for doc in all() {
        functions.global(doc.name, doc.call);
    }
    Arc::new(functions)
});

/// The whole language: CEL, the Kubernetes libraries and ours.
pub(crate) fn registry() -> Arc<Functions> {
    Arc::clone(&FUNCTIONS)
}

fn wrong_types(name: &str, arguments: &[Value]) -> EvalError {
    EvalError::Type { operation: name.to_owned(), found: arguments.iter().map(Value::kind_name).collect() }
}

/// The field's string, empty when it is not there.
pub(crate) fn text<'a>(object: &'a Value, path: &[&str]) -> &'a str {
    object.at(path).and_then(Value::as_str).unwrap_or_default()
}

/// The field's number, 0 when it is not there.
pub(crate) fn number(object: &Value, path: &[&str]) -> i64 {
    object.at(path).and_then(Value::as_int).unwrap_or_default()
}

/// The field's list, empty when it is not there.
pub(crate) fn items<'a>(object: &'a Value, path: &[&str]) -> &'a [Value] {
    object.at(path).and_then(Value::as_list).unwrap_or_default()
}
