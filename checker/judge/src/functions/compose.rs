//! Containers of a compose project, as `docker inspect` shows them.

use super::{Doc, items, text, wrong_types};
use crate::cel::{Ctx, EvalError, Value};

pub(super) const DOCS: &[Doc] = &[
    Doc {
        name: "serviceOf",
        signature: "serviceOf(container) -> string",
        says: "The compose service a container was made for.",
        trap: "Container names follow no rule that holds: `container_name`, scaling and older versions change them.",
        call: service_of,
    },
    Doc {
        name: "running",
        signature: "running(container) -> bool",
        says: "Whether the container's process runs: not paused, and not waiting to be restarted.",
        trap: "A container that crashes for ever has Status `restarting`, and State.Running is true meanwhile.",
        call: running,
    },
    Doc {
        name: "healthy",
        signature: "healthy(container) -> bool",
        says: "Whether the container runs and its health check last said so.",
        trap: "A container without a health check has no State.Health at all: it is not healthy, nobody knows.",
        call: healthy,
    },
    Doc {
        name: "up",
        signature: "up(container) -> bool",
        says: "Whether the container is as `docker compose up --wait` wants it: running, and healthy if it has a health check.",
        trap: "`running` alone passes for a container whose health check fails.",
        call: up,
    },
    Doc {
        name: "mountOf",
        signature: "mountOf(container, path) -> mount",
        says: "The mount that holds a path in the container: the one with the longest Destination above it.",
        trap: "A path may lie in a mount inside another mount; without any it lies in the container's own layer, and the mount does not exist.",
        call: mount_of,
    },
];

fn container<'a>(name: &str, arguments: &'a [Value]) -> Result<&'a Value, EvalError> {
    match arguments {
        [container @ Value::Map(_)] => Ok(container),
        _ => Err(wrong_types(name, arguments)),
    }
}

fn service_of(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    Ok(service(container("serviceOf", arguments)?).into())
}

fn running(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    Ok(is_running(container("running", arguments)?).into())
}

fn healthy(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let container = container("healthy", arguments)?;
    Ok((is_running(container) && health(container) == Some("healthy")).into())
}

fn up(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    Ok(is_up(container("up", arguments)?).into())
}

fn mount_of(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [container @ Value::Map(_), Value::String(path)] = arguments else {
        return Err(wrong_types("mountOf", arguments));
    };
    let holds = |mount: &&Value| {
        let at = text(mount, &["Destination"]).trim_end_matches('/');
        path.strip_prefix(at).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let longest = items(container, &["Mounts"])
        .iter()
        .filter(holds)
        .max_by_key(|mount| text(mount, &["Destination"]).trim_end_matches('/').len());
    Ok(longest.cloned().unwrap_or_else(|| {
        Value::absent(format!("a mount that holds `{path}` in the container of `{}`", service(container)))
    }))
}

/// The compose service a container belongs to.
pub(crate) fn service(container: &Value) -> &str {
    text(container, &["Config", "Labels", "com.docker.compose.service"])
}

/// What the health check last said; `None` without one.
pub(crate) fn health(container: &Value) -> Option<&str> {
    match text(container, &["State", "Health", "Status"]) {
        "" | "none" => None,
        status => Some(status),
    }
}

pub(crate) fn is_running(container: &Value) -> bool {
    text(container, &["State", "Status"]) == "running"
}

pub(crate) fn is_up(container: &Value) -> bool {
    is_running(container) && health(container).is_none_or(|status| status == "healthy")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state(state: serde_json::Value) -> Value {
        Value::from_json(&json!({"State": state}))
    }

    #[test]
    fn restarting_for_ever_is_not_running() {
        let looping = state(json!({"Status": "restarting", "Running": true, "Restarting": true}));
        assert!(!is_running(&looping) && !is_up(&looping));
    }

    #[test]
    fn a_check_that_fails_or_has_not_answered_is_not_up() {
        for (health, expected) in
            [("healthy", true), ("starting", false), ("unhealthy", false), ("none", true)]
        {
            let container = state(json!({"Status": "running", "Health": {"Status": health}}));
            assert_eq!(is_up(&container), expected, "{health}");
        }
        assert!(is_up(&state(json!({"Status": "running"}))));
    }
}
