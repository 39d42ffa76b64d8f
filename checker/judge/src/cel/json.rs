//! Binding: JSON to values, once per document. The `cel` crate's own
//! conversion makes non-negative integers unsigned, which then refuse to be
//! added to a literal; here every integral number is an `Int`.

use std::sync::Arc;

use serde_json::Value as Json;

use super::map::{Key, Map};
use super::schema::{Schema, Shape};
use super::value::Value;

impl Value {
    /// The value of a JSON document.
    pub fn from_json(json: &Json) -> Value {
        convert(json, &Shape::Plain)
    }

    /// The value of a JSON object whose omitted fields read as `schema` says.
    pub fn from_json_with(json: &Json, schema: Arc<Schema>) -> Value {
        convert(json, &Shape::Object(schema))
    }

    /// The values of a JSON list of objects of one schema.
    pub fn list_from_json_with<'a>(items: impl IntoIterator<Item = &'a Json>, schema: Arc<Schema>) -> Value {
        let shape = Shape::Object(schema);
        Value::List(items.into_iter().map(|item| convert(item, &shape)).collect())
    }

    /// The value as JSON. Values JSON does not know become their text.
    pub fn to_json(&self) -> Json {
        match self {
            Value::Null => Json::Null,
            Value::Bool(b) => Json::Bool(*b),
            Value::Int(i) => Json::from(*i),
            Value::Uint(u) => Json::from(*u),
            Value::Double(d) => Json::from(*d),
            Value::String(s) => Json::String(s.to_string()),
            Value::List(items) => items.iter().map(Value::to_json).collect(),
            Value::Map(map) => {
                Json::Object(map.entries().iter().map(|(k, v)| (key_text(k), v.to_json())).collect())
            }
            Value::Optional(Some(inner)) => inner.to_json(),
            Value::Optional(None) => Json::Null,
            other => Json::String(other.to_string()),
        }
    }
}

fn key_text(key: &Key) -> String {
    match key {
        Key::String(s) => s.to_string(),
        Key::Bool(b) => b.to_string(),
        Key::Int(i) => i.to_string(),
        Key::Uint(u) => u.to_string(),
    }
}

fn convert(json: &Json, shape: &Shape) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => match n.as_i64() {
            Some(i) => Value::Int(i),
            None => Value::Double(n.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(s) => Value::string(s.as_str()),
        Json::Array(items) => {
            let of = match shape {
                Shape::ListOf(schema) => Shape::Object(Arc::clone(schema)),
                _ => Shape::Plain,
            };
            Value::List(items.iter().map(|item| convert(item, &of)).collect())
        }
        Json::Object(fields) => object(fields, shape),
    }
}

fn object(fields: &serde_json::Map<String, Json>, shape: &Shape) -> Value {
    let schema = match shape {
        Shape::Object(schema) => Some(schema),
        _ => None,
    };
    let each = match shape {
        Shape::MapOf(schema) => Shape::Object(Arc::clone(schema)),
        _ => Shape::Plain,
    };
    let entries = fields
        .iter()
        .map(|(name, json)| {
            let shape = schema.and_then(|s| s.fields.get(name)).map_or(&each, |field| &field.shape);
            (Key::String(name.as_str().into()), convert(json, shape))
        })
        .collect();
    Value::Map(Map::with_schema(entries, schema.cloned()))
}
