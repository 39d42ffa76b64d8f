//! Redaction at collection: what is not kept cannot leak.
//!
//! A value is replaced by `redacted-N`, where N is its equality class: two
//! values are equal exactly if their numbers are. The plaintexts live as long
//! as the observer and are written nowhere.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use lab_spec::{Outcome, Request};
use serde_json::{Map, Value};

use crate::compose;

/// Repeats the whole object, values included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Replaces values, the same by the same.
pub(crate) struct Redactor {
    reveal_env: HashSet<String>,
    classes: Mutex<HashMap<Vec<u8>, usize>>,
}

impl Redactor {
    /// Values of the environment variables in `reveal_env` stay.
    pub(crate) fn new(reveal_env: &[String]) -> Self {
        Self { reveal_env: reveal_env.iter().cloned().collect(), classes: Mutex::default() }
    }

    /// Redacts the answer to a request.
    pub(crate) fn answer(&self, request: &Request, outcome: &mut Outcome) {
        match (request, outcome) {
            (Request::ComposeFile, Outcome::Present(file)) => compose::redact::file(self, file),
            (Request::Docker { .. }, Outcome::Present(Value::Array(items))) => {
                compose::redact::inspected(self, items);
            }
            (_, outcome) => self.outcome(outcome),
        }
    }

    /// Whether the lab is about this variable's value.
    pub(crate) fn reveals(&self, variable: &str) -> bool {
        self.reveal_env.contains(variable)
    }

    /// Redacts a LIST's items.
    pub(crate) fn outcome(&self, outcome: &mut Outcome) {
        if let Outcome::Present(Value::Array(items)) = outcome {
            items.iter_mut().for_each(|item| self.object(item));
        }
    }

    /// Redacts one object.
    pub(crate) fn object(&self, object: &mut Value) {
        let Value::Object(fields) = object else { return };
        if fields.get("kind").is_some_and(|kind| kind == "Secret") {
            self.secret(fields);
        }
        self.walk(fields);
    }

    fn secret(&self, fields: &mut Map<String, Value>) {
        for (field, encoded) in [("data", true), ("stringData", false)] {
            let Some(Value::Object(data)) = fields.get_mut(field) else { continue };
            for value in data.values_mut() {
                let text = value.as_str().unwrap_or_default();
                // Decoded, so that a Secret's value and its copy in a variable
                // fall into one class.
                let plain = if encoded { STANDARD.decode(text).ok() } else { None };
                *value = self.class(plain.unwrap_or_else(|| text.as_bytes().to_vec()));
            }
        }
    }

    /// Everywhere, because pod templates lie at different depths and custom
    /// resources carry them where they like.
    fn walk(&self, fields: &mut Map<String, Value>) {
        for (name, value) in fields.iter_mut() {
            match value {
                Value::Object(inner) => {
                    if name == "annotations" {
                        inner.shift_remove(LAST_APPLIED);
                    }
                    self.walk(inner);
                }
                Value::Array(items) => {
                    let is_env = name == "env";
                    for item in items.iter_mut().filter_map(Value::as_object_mut) {
                        if is_env {
                            self.variable(item);
                        }
                        self.walk(item);
                    }
                }
                _ => {}
            }
        }
    }

    fn variable(&self, variable: &mut Map<String, Value>) {
        let revealed =
            variable.get("name").and_then(Value::as_str).is_some_and(|name| self.reveal_env.contains(name));
        if revealed {
            return;
        }
        if let Some(value) = variable.get_mut("value") {
            let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            *value = self.class(plain.into_bytes());
        }
    }

    /// The class of a plaintext. An empty one hides nothing and stays empty.
    pub(crate) fn class(&self, plain: Vec<u8>) -> Value {
        if plain.is_empty() {
            return Value::String(String::new());
        }
        let mut classes = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        let next = classes.len() + 1;
        let class = *classes.entry(plain).or_insert(next);
        Value::String(format!("redacted-{class}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn redacted(redactor: &Redactor, mut object: Value) -> Value {
        redactor.object(&mut object);
        object
    }

    #[test]
    fn equal_values_share_a_class_across_objects() {
        let redactor = Redactor::new(&["LOG_LEVEL".to_owned()]);
        let secret = json!({"kind": "Secret", "data": {"a": "aHVudGVyMg==", "b": "b3RoZXI=", "c": "aHVudGVyMg==", "d": ""}});
        assert_eq!(
            redacted(&redactor, secret)["data"],
            json!({"a": "redacted-1", "b": "redacted-2", "c": "redacted-1", "d": ""})
        );
        let pod = json!({"kind": "Pod", "spec": {
            "initContainers": [{"name": "i", "env": [{"name": "X", "value": "new"}]}],
            "containers": [{"name": "c", "env": [
                {"name": "PASSWORD", "value": "hunter2"},
                {"name": "LOG_LEVEL", "value": "debug"},
                {"name": "REF", "valueFrom": {"secretKeyRef": {"name": "s", "key": "a"}}}]}]}});
        let pod = redacted(&redactor, pod);
        assert_eq!(pod["spec"]["containers"][0]["env"][0]["value"], "redacted-1");
        assert_eq!(pod["spec"]["containers"][0]["env"][1]["value"], "debug");
        assert_eq!(pod["spec"]["containers"][0]["env"][2]["valueFrom"]["secretKeyRef"]["key"], "a");
        assert_eq!(pod["spec"]["initContainers"][0]["env"][0]["value"], "redacted-3");
        assert!(!pod.to_string().contains("hunter2"));
    }

    #[test]
    fn templates_at_any_depth_are_reached() {
        let redactor = Redactor::new(&[]);
        let env = json!([{"name": "X", "value": "plain"}]);
        let pod = json!({"spec": {"containers": [{"env": env}]}});
        let cron = json!({"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": pod}}}});
        assert!(!redacted(&redactor, cron).to_string().contains("plain"));
    }

    #[test]
    fn last_applied_goes_and_the_rest_of_the_metadata_stays() {
        let redactor = Redactor::new(&[]);
        let object = json!({"kind": "ConfigMap", "data": {"k": "v"}, "metadata": {
            "labels": {"app": "api"}, "annotations": {LAST_APPLIED: "{}", "note": "n"}}});
        assert_eq!(
            redacted(&redactor, object),
            json!({"kind": "ConfigMap", "data": {"k": "v"}, "metadata": {
                "labels": {"app": "api"}, "annotations": {"note": "n"}}})
        );
    }

    #[test]
    fn a_secrets_string_data_and_odd_values_are_covered() {
        let redactor = Redactor::new(&[]);
        let object = json!({"kind": "Secret", "data": {"k": "not base64!"}, "stringData": {"k": "plain"}});
        let text = redacted(&redactor, object).to_string();
        assert!(!text.contains("base64") && !text.contains("plain"), "{text}");
    }
}
