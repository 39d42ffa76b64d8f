//! Redaction of what compose and Docker say: values of the environment, of
//! build arguments, and of whatever stands in `x-` fields that merge into
//! them. What is not kept cannot leak.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;
use serde_json::{Map, Value};

use crate::redact::Redactor;

/// Names whose values are looked for everywhere, as in a command line.
static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)passwd|password|passphrase|secret|token|credential|(api|access|private)_?key|_key$")
        .expect("the pattern is constant and tested")
});
/// A secret shorter than this may be part of any word.
const SHORTEST: usize = 4;

/// Redacts the answer to a compose file: resolved model and raw documents.
pub(crate) fn file(redactor: &Redactor, file: &mut Value) {
    let mut found = Found { redactor, secrets: BTreeSet::new() };
    found.model(&mut file["resolved"]);
    if let Some(files) = file["files"].as_array_mut() {
        files.iter_mut().for_each(|file| found.model(&mut file["document"]));
    }
    let secrets = found.unless_public(&names(&file["resolved"]));
    sweep(file, &secrets);
}

/// Redacts inspected containers, images and whatever else Docker lists.
pub(crate) fn inspected(redactor: &Redactor, items: &mut [Value]) {
    for item in items {
        let mut found = Found { redactor, secrets: BTreeSet::new() };
        if let Some(env) = item.pointer_mut("/Config/Env") {
            found.environment(env);
        }
        if let Some(log) = item.pointer_mut("/State/Health/Log").and_then(Value::as_array_mut) {
            log.iter_mut().for_each(|entry| scrub(&mut entry["Output"]));
        }
        let secrets = found.unless_public(&names_of_container(item));
        sweep(item, &secrets);
    }
}

struct Found<'a> {
    redactor: &'a Redactor,
    /// Plaintexts that may stand elsewhere too.
    secrets: BTreeSet<String>,
}

impl Found<'_> {
    /// The secrets, without those that are a word of a name that everybody
    /// reads: replacing them there would hide nothing, and change what is
    /// judged.
    fn unless_public(mut self, names: &[String]) -> BTreeSet<String> {
        self.secrets.retain(|secret| !names.iter().any(|name| name.contains(secret)));
        self.secrets
    }

    /// A compose file, resolved or as written.
    fn model(&mut self, model: &mut Value) {
        let Some(model) = model.as_object_mut() else { return };
        for (name, value) in model.iter_mut() {
            if name.starts_with("x-") {
                self.everything(name, value);
            }
        }
        for section in ["configs", "secrets"] {
            for entry in objects(model.get_mut(section)) {
                if let Some(content) = entry.get_mut("content") {
                    *content = Value::String("redacted".to_owned());
                }
            }
        }
        for service in objects(model.get_mut("services")) {
            for (name, value) in service.iter_mut() {
                match name.as_str() {
                    "environment" => self.environment(value),
                    "build" => {
                        if let Some(args) = value.get_mut("args") {
                            self.environment(args);
                        }
                    }
                    "command" | "entrypoint" => scrub(value),
                    name if name.starts_with("x-") => self.everything(name, value),
                    _ => {}
                }
            }
        }
    }

    /// `{NAME: value}` or `["NAME=value"]`.
    fn environment(&mut self, environment: &mut Value) {
        match environment {
            Value::Object(map) => {
                for (name, value) in map.iter_mut() {
                    // `NAME:` without a value takes the shell's, and says nothing.
                    if !value.is_null() {
                        self.variable(name, value);
                    }
                }
            }
            Value::Array(list) => {
                for entry in list {
                    let Some((name, value)) = entry.as_str().and_then(|text| text.split_once('=')) else {
                        continue;
                    };
                    let (name, mut value) = (name.to_owned(), Value::String(value.to_owned()));
                    self.variable(&name, &mut value);
                    *entry = Value::String(format!("{name}={}", value.as_str().unwrap_or_default()));
                }
            }
            _ => {}
        }
    }

    fn variable(&mut self, name: &str, value: &mut Value) {
        if self.redactor.reveals(name) {
            return;
        }
        let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if SECRET.is_match(name) && plain.len() >= SHORTEST {
            self.secrets.insert(plain.clone());
        }
        *value = self.redactor.class(plain.into_bytes());
    }

    /// Every value below, under the name nearest to it.
    fn everything(&mut self, name: &str, value: &mut Value) {
        match value {
            Value::Object(map) => map.iter_mut().for_each(|(name, value)| self.everything(name, value)),
            Value::Array(list)
                if list.iter().any(|entry| entry.as_str().is_some_and(|text| text.contains('='))) =>
            {
                self.environment(value);
            }
            Value::Array(list) => list.iter_mut().for_each(|value| self.everything(name, value)),
            Value::Null => {}
            _ => self.variable(name, value),
        }
    }
}

fn objects(section: Option<&mut Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    section
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(|map| map.values_mut())
        .filter_map(Value::as_object_mut)
}

/// Takes tokens out of text, wherever in the value it stands.
fn scrub(value: &mut Value) {
    match value {
        Value::String(text) => *text = crate::scrub::scrub_text(text),
        Value::Array(list) => list.iter_mut().for_each(scrub),
        _ => {}
    }
}

/// Names a project shows to everybody: its own, and those of its parts and images.
fn names(resolved: &Value) -> Vec<String> {
    let mut names: Vec<_> = resolved["name"].as_str().map(str::to_owned).into_iter().collect();
    for section in ["services", "networks", "volumes", "configs", "secrets"] {
        for (name, fields) in resolved[section].as_object().into_iter().flatten() {
            names.push(name.clone());
            names.extend(
                ["image", "name", "container_name"]
                    .iter()
                    .filter_map(|field| Some(fields.get(field)?.as_str()?.to_owned())),
            );
        }
    }
    names
}

/// The same of one container.
fn names_of_container(item: &Value) -> Vec<String> {
    let labels = ["project", "service"].map(|part| format!("/Config/Labels/com.docker.compose.{part}"));
    let places = ["/Name", "/Config/Image"].into_iter().chain(labels.iter().map(String::as_str));
    places.filter_map(|place| Some(item.pointer(place)?.as_str()?.to_owned())).collect()
}

/// Replaces secrets wherever else they stand: a command, a label, a URL.
fn sweep(value: &mut Value, secrets: &BTreeSet<String>) {
    if secrets.is_empty() {
        return;
    }
    match value {
        Value::String(text) => {
            for secret in secrets {
                if text.contains(secret.as_str()) {
                    *text = text.split(secret.as_str()).collect::<Vec<_>>().join("redacted");
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| sweep(value, secrets)),
        Value::Object(map) => map.values_mut().for_each(|value| sweep(value, secrets)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_is_gone_wherever_it_stands() {
        let redactor = Redactor::new(&["MODEL_PATH".to_owned()]);
        let service = json!({
            "image": "redis:7.4-alpine",
            "environment": {"REDIS_PASSWORD": "hunter2", "MODEL_PATH": "/models/a.json", "PORT": 6379, "EMPTY": null},
            "build": {"args": ["TOKEN=hunter3"]},
            "command": ["redis-server", "--requirepass", "hunter2"],
            "labels": {"note": "hunter3"},
        });
        let raw = json!({
            "x-env": {"REDIS_PASSWORD": "hunter2", "list": ["A=hunter4"]},
            "services": {"queue": {"environment": ["REDIS_PASSWORD=hunter2", "HOME"]}},
            "secrets": {"s": {"content": "hunter5", "file": "./s"}},
        });
        let mut answer = json!({
            "resolved": {"services": {"queue": service}},
            "files": [{"path": "compose.yaml", "document": raw}],
        });
        file(&redactor, &mut answer);
        let text = answer.to_string();
        assert!(!text.contains("hunter"), "{text}");
        let queue = &answer["resolved"]["services"]["queue"];
        assert_eq!(queue["image"], "redis:7.4-alpine");
        assert_eq!(queue["environment"]["MODEL_PATH"], "/models/a.json");
        assert_eq!(queue["environment"]["EMPTY"], Value::Null);
        let raw = &answer["files"][0]["document"];
        let same = format!("REDIS_PASSWORD={}", queue["environment"]["REDIS_PASSWORD"].as_str().unwrap());
        assert_eq!(raw["services"]["queue"]["environment"], json!([same, "HOME"]));
        assert_eq!(raw["secrets"]["s"]["file"], "./s");
    }

    #[test]
    fn a_password_that_is_a_public_name_leaves_names_as_they_are() {
        let redactor = Redactor::new(&[]);
        let services = json!({
            "db": {"image": "postgres:17-alpine", "environment": {"POSTGRES_PASSWORD": "redis"}},
            "queue": {"image": "redis:7.4-alpine", "command": ["redis-server", "--save", ""]},
        });
        let mut answer = json!({"resolved": {"name": "lab", "services": services}, "files": []});
        file(&redactor, &mut answer);
        let services = &answer["resolved"]["services"];
        assert_eq!(services["queue"]["command"][0], "redis-server");
        assert_eq!(services["db"]["environment"]["POSTGRES_PASSWORD"], "redacted-1");
        let mut items = vec![json!({
            "Name": "/my-postgres-lab-db-1",
            "Config": {
                "Env": ["POSTGRES_PASSWORD=postgres"],
                "Labels": {"com.docker.compose.project": "my-postgres-lab", "com.docker.compose.service": "db"},
            },
        })];
        inspected(&redactor, &mut items);
        assert_eq!(items[0]["Config"]["Labels"]["com.docker.compose.project"], "my-postgres-lab");
        assert_eq!(items[0]["Config"]["Env"][0], "POSTGRES_PASSWORD=redacted-2");
    }

    #[test]
    fn an_inspected_container_keeps_names_and_loses_values() {
        let redactor = Redactor::new(&[]);
        let mut items = vec![json!({
            "Config": {"Env": ["DB_PASSWORD=hunter2", "PATH=/bin"], "Cmd": ["serve", "--db", "pg://u:hunter2@db"]},
            "State": {"Health": {"Log": [{"Output": "token=abcdef down", "ExitCode": 1}]}},
        })];
        inspected(&redactor, &mut items);
        let text = items[0].to_string();
        assert!(!text.contains("hunter2") && !text.contains("abcdef"), "{text}");
        assert!(text.contains("DB_PASSWORD=redacted-1") && text.contains("PATH=redacted-2"), "{text}");
    }
}
