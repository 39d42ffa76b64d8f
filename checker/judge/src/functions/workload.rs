//! Workloads: rolled out or not.

use super::{Doc, number, text, wrong_types};
use crate::cel::{Ctx, EvalError, Value};

pub(super) const DOCS: &[Doc] = &[
    Doc {
        name: "rolledOut",
        signature: "rolledOut(deployment) -> bool",
        says: "Whether every replica wanted is updated and available, none is left over, and the controller has seen the newest spec.",
        trap: "With maxUnavailable 0, an unpullable new image leaves all old pods ready: only updatedReplicas tells. Wanting no replica at all is not a rollout.",
        call: rolled_out,
    },
    Doc {
        name: "keepsAvailable",
        signature: "keepsAvailable(deployment) -> int",
        says: "How many pods a rollout keeps available: the replicas less maxUnavailable, and none with strategy Recreate.",
        trap: "maxUnavailable may be a percentage, which is rounded down, and is 25% when left out; when it and maxSurge both come to 0, the controller takes 1.",
        call: keeps_available,
    },
];

/// What the API server fills in where maxSurge or maxUnavailable is left out.
const QUARTER: &str = "25%";

fn keeps_available(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [deployment @ Value::Map(_)] = arguments else {
        return Err(wrong_types("keepsAvailable", arguments));
    };
    let wanted = wanted(deployment);
    if text(deployment, &["spec", "strategy", "type"]) == "Recreate" {
        return Ok(0.into());
    }
    let bound = |field: &str, up: bool| {
        let value = deployment.at(&["spec", "strategy", "rollingUpdate", field]);
        int_or_percent(value.unwrap_or(&QUARTER.into()), wanted, up)
    };
    let surge = bound("maxSurge", true)?;
    let unavailable = match bound("maxUnavailable", false)? {
        0 if surge == 0 => 1,
        some => some.min(wanted),
    };
    Ok((wanted - unavailable).into())
}

/// A number, or a share of `total` as the Deployment controller rounds it.
fn int_or_percent(value: &Value, total: i64, up: bool) -> Result<i64, EvalError> {
    let wrong = || EvalError::invalid(format!("`{value}` is neither a number nor a percentage"));
    match value {
        Value::Int(number) => Ok(*number),
        Value::String(text) => {
            let percent: i64 = text.strip_suffix('%').and_then(|n| n.parse().ok()).ok_or_else(wrong)?;
            let hundredths = total.checked_mul(percent).ok_or_else(wrong)?;
            Ok(if up { (hundredths + 99) / 100 } else { hundredths / 100 })
        }
        _ => Err(wrong()),
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_as_the_controller_does() {
        assert_eq!(int_or_percent(&"25%".into(), 3, true).unwrap(), 1);
        assert_eq!(int_or_percent(&"25%".into(), 3, false).unwrap(), 0);
        assert_eq!(int_or_percent(&"34%".into(), 3, false).unwrap(), 1);
        assert_eq!(int_or_percent(&2.into(), 3, false).unwrap(), 2);
        assert!(int_or_percent(&"two".into(), 3, false).is_err());
    }
}
