//! Workloads: rolled out or not.

use super::{Doc, number, text, wrong_types};
use crate::cel::{Ctx, EvalError, Value};

pub(super) const DOCS: &[Doc] = &[Doc {
    name: "rolledOut",
    signature: "rolledOut(deployment) -> bool",
    says: "Whether every replica wanted is updated and available, none is left over, and the controller has seen the newest spec.",
    trap: "With maxUnavailable 0, an unpullable new image leaves all old pods ready: only updatedReplicas tells. Wanting no replica at all is not a rollout.",
    call: rolled_out,
}];

fn rolled_out(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [deployment @ Value::Map(_)] = arguments else { return Err(wrong_types("rolledOut", arguments)) };
    Ok((unfinished(deployment).is_none() && wanted(deployment) > 0).into())
}

/// Replicas wanted; left out means 1.
pub(crate) fn wanted(deployment: &Value) -> i64 {
    deployment.at(&["spec", "replicas"]).and_then(Value::as_int).unwrap_or(1)
}

/// What a rollout still lacks, in words and by field; `None` when it is done.
pub(crate) fn unfinished(deployment: &Value) -> Option<(&'static str, String)> {
    let status = |field| number(deployment, &["status", field]);
    let generation = number(deployment, &["metadata", "generation"]);
    let wanted = wanted(deployment);
    if status("observedGeneration") < generation {
        return Some((
            "status.observedGeneration",
            "the controller has not seen the newest spec yet".to_owned(),
        ));
    }
    for field in ["updatedReplicas", "availableReplicas"] {
        let found = status(field);
        if found < wanted {
            let field = if field == "updatedReplicas" {
                "status.updatedReplicas"
            } else {
                "status.availableReplicas"
            };
            return Some((field, format!("{found}, expected {wanted}")));
        }
    }
    let found = status("replicas");
    (found > wanted)
        .then(|| ("status.replicas", format!("{found}, expected {wanted}: older pods are still there")))
}

/// Name and kind in the way messages and commands name an object.
pub(crate) fn reference(object: &Value) -> String {
    format!("{}/{}", text(object, &["kind"]).to_lowercase(), text(object, &["metadata", "name"]))
}
