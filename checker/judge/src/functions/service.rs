//! Services: the addresses they really send to.

use std::collections::BTreeSet;

use super::{Doc, items, text, wrong_types};
use crate::cel::{Ctx, EvalError, Value};

pub(super) const DOCS: &[Doc] = &[Doc {
    name: "readyAddresses",
    signature: "readyAddresses(slices) -> list",
    says: "The names of the pods behind a Service that get traffic, each once, sorted.",
    trap: "A Service may have several EndpointSlices, a dual-stack pod is in two, and a missing `ready` means ready.",
    call: ready_addresses,
}];

fn ready_addresses(ctx: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [Value::List(slices)] = arguments else { return Err(wrong_types("readyAddresses", arguments)) };
    let mut ready = BTreeSet::new();
    for slice in slices.iter() {
        let endpoints = items(slice, &["endpoints"]);
        ctx.take(endpoints.len() as u64)?;
        for endpoint in endpoints {
            if endpoint.at(&["conditions", "ready"]).and_then(Value::as_bool) != Some(false) {
                ready.insert(match text(endpoint, &["targetRef", "name"]) {
                    "" => items(endpoint, &["addresses"]).first().and_then(Value::as_str).unwrap_or_default(),
                    name => name,
                });
            }
        }
    }
    Ok(Value::list(ready.into_iter().map(Value::from).collect::<Vec<_>>()))
}
