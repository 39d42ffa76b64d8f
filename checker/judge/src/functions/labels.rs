//! Labels: who selects whom.

use super::{Doc, wrong_types};
use crate::{
    cel::{Ctx, EvalError, Value},
    selector::Selector,
};

pub(super) const DOCS: &[Doc] = &[Doc {
    name: "selects",
    signature: "selects(object, pod) -> bool",
    says: "Whether the selector of a Service or a workload matches the pod's labels.",
    trap: "A Service's selector is a plain map, and an empty one selects nothing; a workload's has matchLabels and matchExpressions, and both must hold.",
    call: selects,
}];

fn selects(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [object @ Value::Map(_), pod @ Value::Map(_)] = arguments else {
        return Err(wrong_types("selects", arguments));
    };
    let Some(selector) = object.at(&["spec", "selector"]) else { return Ok(false.into()) };
    let workload = ["matchLabels", "matchExpressions"].iter().any(|field| selector.field(field).is_some());
    let selector =
        if workload { Selector::from_label_selector(selector) } else { Selector::from_map(selector) };
    Ok((!selector.is_empty() && selector.matches(pod.at(&["metadata", "labels"]))).into())
}
