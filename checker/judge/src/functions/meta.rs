//! What all objects share: conditions and owners.

use super::{Doc, items, text, wrong_types};
use crate::cel::{Ctx, EvalError, Value};

pub(super) const DOCS: &[Doc] = &[
    Doc {
        name: "condition",
        signature: "condition(object, type) -> map",
        says: "The status condition of this type; reading through a missing one fails by name.",
        trap: "A condition whose observedGeneration is older than the object's generation speaks of an older spec; it counts as missing.",
        call: condition,
    },
    Doc {
        name: "ownedBy",
        signature: "ownedBy(object, owner) -> bool",
        says: "Whether `owner` controls the object, by UID.",
        trap: "Names are reused: a pod of a deleted and re-created Deployment carries the old UID. A Deployment owns its pods through a ReplicaSet, so ask for the ReplicaSet or use `madeBy`.",
        call: owned_by,
    },
    Doc {
        name: "controlled",
        signature: "controlled(object) -> bool",
        says: "Whether any controller owns the object; a bare pod has none.",
        trap: "An owner reference without `controller: true` only ties lifetimes; nobody recreates the object.",
        call: controlled,
    },
    Doc {
        name: "madeBy",
        signature: "madeBy(pods, deployment, replicasets) -> list",
        says: "The pods that the Deployment made, followed through its ReplicaSets by UID.",
        trap: "Labels prove nothing: a bare pod may carry them.",
        call: made_by,
    },
];

fn condition(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [object, Value::String(name)] = arguments else { return Err(wrong_types("condition", arguments)) };
    Ok(find_condition(object, name).cloned().unwrap_or_else(|| {
        let (kind, object) = (text(object, &["kind"]).to_lowercase(), text(object, &["metadata", "name"]));
        Value::absent(format!("condition `{name}` of {kind} `{object}`"))
    }))
}

/// The current condition of a type.
pub(crate) fn find_condition<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let generation = object.at(&["metadata", "generation"]).and_then(Value::as_int);
    items(object, &["status", "conditions"]).iter().find(|condition| {
        let observed = condition.field("observedGeneration").and_then(Value::as_int);
        let stale =
            matches!((observed, generation), (Some(observed), Some(generation)) if observed < generation);
        text(condition, &["type"]) == name && !stale
    })
}

/// UID and kind of the controlling owner.
pub(crate) fn controller(object: &Value) -> Option<(&str, &str)> {
    items(object, &["metadata", "ownerReferences"])
        .iter()
        .find(|owner| owner.field("controller").and_then(Value::as_bool) == Some(true))
        .map(|owner| (text(owner, &["uid"]), text(owner, &["kind"])))
}

/// Whether `owner` controls `object`.
pub(crate) fn is_owned_by(object: &Value, owner: &Value) -> bool {
    let uid = text(owner, &["metadata", "uid"]);
    !uid.is_empty() && controller(object).is_some_and(|(owner, _)| owner == uid)
}

fn owned_by(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [object, owner] = arguments else { return Err(wrong_types("ownedBy", arguments)) };
    Ok(is_owned_by(object, owner).into())
}

fn controlled(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [object] = arguments else { return Err(wrong_types("controlled", arguments)) };
    Ok(controller(object).is_some().into())
}

fn made_by(ctx: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [Value::List(pods), deployment, Value::List(sets)] = arguments else {
        return Err(wrong_types("madeBy", arguments));
    };
    ctx.take((pods.len() * sets.len().max(1)) as u64)?;
    let sets: Vec<_> = sets.iter().filter(|set| is_owned_by(set, deployment)).collect();
    let made = pods.iter().filter(|pod| sets.iter().any(|set| is_owned_by(pod, set)));
    Ok(Value::list(made.cloned().collect::<Vec<_>>()))
}
