//! The compose file: what was resolved must fit what was written. Nothing is
//! resolved here; a bundle in which the two disagree was not recorded.

use serde_json::{Map, Value};

type Object = Map<String, Value>;

/// Where the resolved file and the raw ones contradict each other, in words.
/// Says nothing of what only compose can know: variables, other files.
pub(crate) fn disagreement(resolved: &Value, files: &Value) -> Option<String> {
    let resolved = resolved["services"].as_object();
    let files = files.as_array()?;
    let mut raw = Vec::new();
    for file in files {
        // A file in which everything is a comment says nothing.
        if file["document"].is_null() && file["error"].is_null() {
            continue;
        }
        // One that cannot be read here may say anything.
        raw.push((file["path"].as_str().unwrap_or_default(), file["document"].as_object()?));
    }
    let empty = Object::new();
    let resolved = resolved.unwrap_or(&empty);
    let elsewhere = raw.iter().any(|(_, document)| document.contains_key("include"));
    let mut written: Vec<(&str, &str, &Object)> = Vec::new();
    for (path, document) in &raw {
        for (name, service) in document.get("services").and_then(Value::as_object).into_iter().flatten() {
            // `!reset null` takes a service away; what merges is compose's affair.
            let service = service.as_object()?;
            written.push((path, name, service));
        }
    }
    let of = |name: &str| -> Vec<(&str, &Object)> {
        let same = written.iter().filter(|(_, service, _)| *service == name);
        same.map(|(path, _, service)| (*path, *service)).collect()
    };
    for (path, name, _) in &written {
        // A profile may come by `extends`, from a file that was not read.
        let gated = of(name)
            .iter()
            .any(|(_, service)| ["profiles", "extends"].iter().any(|field| service.contains_key(*field)));
        if !gated && !resolved.contains_key(*name) {
            return Some(format!("`{path}` has service `{name}`, and the resolved file has not"));
        }
    }
    for (name, service) in resolved {
        let written = of(name);
        let Some((path, last)) = written.last() else {
            if elsewhere {
                continue;
            }
            return Some(format!("the resolved file has service `{name}`, and no file that was written has"));
        };
        if last.contains_key("<<") {
            continue;
        }
        let image = last.get("image").and_then(Value::as_str).filter(|image| !image.contains('$'));
        if let Some(image) = image
            && service["image"] != *image
        {
            let found = service["image"].as_str().unwrap_or("none");
            return Some(format!(
                "`{path}` gives `{name}` the image `{image}`, and the resolved file `{found}`"
            ));
        }
        if written.len() == 1
            && let Some(said) = condition(last, service, resolved)
        {
            return Some(format!("`{path}` lets `{name}` {said}"));
        }
    }
    None
}

/// The resolved file with the paths of watch rules as seen from the project's
/// directory, `.` for the directory itself: compose makes them absolute. Those
/// that lie elsewhere stay.
pub(crate) fn from_directory(mut resolved: Value, directory: &str) -> Value {
    let services = resolved.get_mut("services").and_then(Value::as_object_mut);
    for (_, service) in services.into_iter().flatten() {
        let rules = service.pointer_mut("/develop/watch").and_then(Value::as_array_mut);
        for path in rules.into_iter().flatten().filter_map(|rule| rule.get_mut("path")) {
            let Some(rest) = path.as_str().and_then(|path| path.strip_prefix(directory)) else { continue };
            let rest = match rest.strip_prefix(['/', '\\']) {
                _ if directory.is_empty() => continue,
                Some(rest) => rest,
                None if rest.is_empty() => ".",
                None => continue,
            };
            *path = Value::String(if rest.is_empty() { "." } else { rest }.to_owned());
        }
    }
    resolved
}

/// A dependency that was written otherwise than it was resolved.
fn condition(written: &Object, service: &Value, resolved: &Object) -> Option<String> {
    let dependencies: Vec<(&str, &str)> = match written.get("depends_on")? {
        Value::Array(names) => {
            names.iter().filter_map(|name| Some((name.as_str()?, "service_started"))).collect()
        }
        Value::Object(map) => map
            .iter()
            .map(|(name, how)| (name.as_str(), how["condition"].as_str().unwrap_or("service_started")))
            .collect(),
        _ => Vec::new(),
    };
    for (name, condition) in dependencies {
        if name.contains('$') || condition.contains('$') || !resolved.contains_key(name) {
            continue;
        }
        let found = service["depends_on"][name]["condition"].as_str().unwrap_or("nothing");
        if found != condition {
            return Some(format!("wait for `{name}` by `{condition}`, and the resolved file by `{found}`"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file(services: Value) -> Value {
        json!([{"path": "compose.yaml", "document": {"services": services}}])
    }

    fn resolved(services: Value) -> Value {
        json!({"name": "lab", "services": services})
    }

    #[test]
    fn what_compose_would_do_is_no_disagreement() {
        let files = file(json!({
            "queue": {"image": "redis:7.4-alpine"},
            "api": {"image": "${API:-ms:v1}", "depends_on": ["queue"]},
            "worker": {"image": "ms:v1", "depends_on": {"queue": {"condition": "service_healthy"}}},
            "debug": {"image": "x", "profiles": ["debug"]},
            "tool": {"extends": {"file": "tools.yaml", "service": "tool"}},
        }));
        let by = |condition: &str| json!({"queue": {"condition": condition, "required": true}});
        let services = json!({
            "queue": {"image": "redis:7.4-alpine"},
            "api": {"image": "ms:v2", "depends_on": by("service_started")},
            "worker": {"image": "ms:v1", "depends_on": by("service_healthy")},
        });
        assert_eq!(disagreement(&resolved(services), &files), None);
    }

    #[test]
    fn a_forged_resolved_file_is_told() {
        let files =
            file(json!({"worker": {"image": "ms:v1", "depends_on": ["queue"]}, "queue": {"image": "redis"}}));
        let honest = json!({"worker": {"image": "ms:v1", "depends_on": {"queue": {"condition": "service_started"}}},
            "queue": {"image": "redis"}});
        assert_eq!(disagreement(&resolved(honest.clone()), &files), None);
        let mut other = honest.clone();
        other["worker"]["depends_on"]["queue"]["condition"] = json!("service_healthy");
        assert!(disagreement(&resolved(other), &files).unwrap().contains("service_healthy"));
        let mut other = honest.clone();
        other["queue"]["image"] = json!("redis:8");
        assert!(disagreement(&resolved(other), &files).unwrap().contains("redis:8"));
        let mut other = honest.clone();
        other["extra"] = json!({"image": "x"});
        assert!(disagreement(&resolved(other), &files).unwrap().contains("extra"));
        assert!(
            disagreement(&resolved(json!({"worker": honest["worker"]})), &files).unwrap().contains("queue")
        );
    }

    #[test]
    fn what_cannot_be_told_here_is_left_to_compose() {
        let files = json!([{"path": "a", "document": {"include": ["b.yaml"], "services": {}}}]);
        assert_eq!(disagreement(&resolved(json!({"far": {"image": "x"}})), &files), None);
        let files = json!([{"path": "a", "document": null, "error": "no YAML"}]);
        assert_eq!(disagreement(&resolved(json!({"far": {"image": "x"}})), &files), None);
    }

    #[test]
    fn a_file_of_comments_hides_no_forgery() {
        let files = json!([
            {"path": "compose.yaml", "document": {"services": {"queue": {"image": "redis"}}}},
            {"path": "compose.override.yaml", "document": null},
        ]);
        let other = resolved(json!({"queue": {"image": "redis:8"}}));
        assert!(disagreement(&other, &files).unwrap().contains("redis:8"));
        assert_eq!(disagreement(&resolved(json!({"queue": {"image": "redis"}})), &files), None);
    }

    #[test]
    fn watch_rules_are_seen_from_the_project() {
        let seen = |path: &str| {
            let services = json!({"api": {"develop": {"watch": [{"path": path}]}}, "db": {"image": "x"}});
            let bound = from_directory(resolved(services), "/home/a/lab");
            bound["services"]["api"]["develop"]["watch"][0]["path"].as_str().unwrap_or_default().to_owned()
        };
        for (path, expected) in [
            ("/home/a/lab/api/src", "api/src"),
            ("/home/a/lab", "."),
            ("/home/a/lab/", "."),
            ("/home/a/laboratory", "/home/a/laboratory"),
            ("/home/a/shared", "/home/a/shared"),
        ] {
            assert_eq!(seen(path), expected);
        }
        assert_eq!(from_directory(json!({"services": null}), ""), json!({"services": null}));
    }
}
