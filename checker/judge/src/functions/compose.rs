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
    Doc {
        name: "became",
        signature: "became(before, after) -> string",
        says: "What became of a service's container between two looks: `unchanged`, `restarted` (the same container, its process started anew), `recreated` (another container of the same image), `rebuilt` (another image).",
        trap: "RestartCount counts only what a restart policy did; `docker restart` and `sync+restart` leave it at 0.",
        call: became,
    },
    Doc {
        name: "watchActions",
        signature: "watchActions(service, file) -> list<string>",
        says: "The actions of the `develop.watch` rules of a resolved service whose path holds this file of the project, as in `watchActions(file.services.api, 'api/src/main.py')`.",
        trap: "A rule may name the file, or any directory above it. `ignore` and `include` are left out here: whether a rule fires is for an experiment to show.",
        call: watch_actions,
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

fn became(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [before @ Value::Map(_), after @ Value::Map(_)] = arguments else {
        return Err(wrong_types("became", arguments));
    };
    Ok(change(before, after).to_owned().into())
}

fn watch_actions(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [service @ Value::Map(_), Value::String(file)] = arguments else {
        return Err(wrong_types("watchActions", arguments));
    };
    let found = actions(service, file).into_iter().map(|action| Value::from(action.to_owned()));
    Ok(Value::list(found.collect::<Vec<_>>()))
}

fn change(before: &Value, after: &Value) -> &'static str {
    let differs = |path: &[&str]| text(before, path) != text(after, path);
    if differs(&["Image"]) {
        "rebuilt"
    } else if differs(&["Id"]) {
        "recreated"
    } else if differs(&["State", "StartedAt"]) {
        "restarted"
    } else {
        "unchanged"
    }
}

/// Actions of the rules whose path holds the file. A path that could not be
/// told from the project's directory ends like the file, or like a directory
/// above it.
fn actions<'a>(service: &'a Value, file: &str) -> Vec<&'a str> {
    let above = file.match_indices('/').map(|(at, _)| &file[..at]);
    let ends: Vec<_> = above.chain([file]).collect();
    let holds = |path: &str| {
        let path = path.replace('\\', "/");
        let path = path.trim_end_matches('/').trim_start_matches("./");
        let absolute = path.starts_with('/') || path.get(1..3) == Some(":/");
        match absolute {
            true => ends.iter().any(|end| path.strip_suffix(end).is_some_and(|rest| rest.ends_with('/'))),
            false => path == "." || ends.contains(&path),
        }
    };
    let rules = items(service, &["develop", "watch"]).iter();
    rules.filter(|rule| holds(text(rule, &["path"]))).map(|rule| text(rule, &["action"])).collect()
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
    #[test]
    fn what_became_of_a_container_is_told_by_its_ids() {
        let face = |id: &str, image: &str, started: &str| {
            Value::from_json(&json!({"Id": id, "Image": image, "State": {"StartedAt": started}}))
        };
        let before = face("a", "x", "1");
        for (after, expected) in [
            (face("a", "x", "1"), "unchanged"),
            (face("a", "x", "2"), "restarted"),
            (face("b", "x", "2"), "recreated"),
            (face("b", "y", "2"), "rebuilt"),
        ] {
            assert_eq!(change(&before, &after), expected);
        }
    }

    #[test]
    fn a_rule_holds_a_file_from_any_directory_above_it() {
        let service = |paths: &[&str]| {
            let rules: Vec<_> = paths.iter().map(|path| json!({"path": path, "action": path})).collect();
            Value::from_json(&json!({"develop": {"watch": rules}}))
        };
        let file = "api/src/version.txt";
        let absolute = ["/home/a/lab/api/src/version.txt", "/home/a/lab/api/", "C:\\lab\\api\\src"];
        for path in ["api/src/version.txt", "api/src", "./api/", "api", "."].iter().chain(&absolute) {
            assert_eq!(actions(&service(&[path]), file), [*path]);
        }
        for path in ["worker/src", "src", "api/srcs", "ap", "/home/a/lab/my-api", "/home/a/lab/src", ""] {
            assert!(actions(&service(&[path]), file).is_empty(), "{path}");
        }
        assert!(actions(&Value::from_json(&json!({"image": "ms:v1"})), file).is_empty());
        assert_eq!(actions(&service(&["api/src", "api/deps", "api"]), file), ["api/src", "api"]);
    }
}
