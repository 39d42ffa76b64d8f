//! Objects as the server sends them, without what nobody reads.

use std::fmt;

use lab_spec::Kind;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value};

/// A page of a LIST.
#[derive(Deserialize)]
pub(crate) struct Page {
    /// Every list has it; what has none is no empty list.
    pub(crate) metadata: ListMeta,
    /// `null` where the server has none.
    pub(crate) items: Option<Vec<Item>>,
}

/// What a LIST says about itself.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ListMeta {
    pub(crate) resource_version: String,
    /// Token of the next page; empty or missing on the last.
    #[serde(rename = "continue")]
    pub(crate) next: Option<String>,
}

/// One object. `metadata.managedFields` is skipped while parsing: it is often
/// half of the text, and building values from it most of the work.
pub(crate) struct Item(Map<String, Value>);

impl Item {
    /// The object with `apiVersion` and `kind`, which the items of a LIST lack.
    pub(crate) fn of_kind(mut self, kind: &Kind) -> Value {
        let mut object = Map::with_capacity(self.0.len() + 2);
        object.insert("apiVersion".to_owned(), Value::String(kind.api_version.clone()));
        object.insert("kind".to_owned(), Value::String(kind.kind.clone()));
        object.append(&mut self.0);
        Value::Object(object)
    }

    /// A field of the metadata.
    pub(crate) fn meta(&self, field: &str) -> Option<&str> {
        self.0.get("metadata")?.get(field)?.as_str()
    }

    /// A number at the top, as the `code` of a Status.
    pub(crate) fn number(&self, field: &str) -> Option<u64> {
        self.0.get(field)?.as_u64()
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields { of: Level::Object }).map(Self)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Object,
    Metadata,
}

struct Fields {
    of: Level,
}

impl<'de> Visitor<'de> for Fields {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if self.of == Level::Metadata && key == "managedFields" {
                map.next_value::<IgnoredAny>()?;
            } else if self.of == Level::Object && key == "metadata" {
                let metadata = map.next_value_seed(Self { of: Level::Metadata })?;
                fields.insert(key, Value::Object(metadata));
            } else {
                fields.insert(key, map.next_value()?);
            }
        }
        Ok(fields)
    }
}

impl<'de> DeserializeSeed<'de> for Fields {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn items_lose_managed_fields_and_gain_their_kind() {
        let text = r#"{"metadata":{"resourceVersion":"7","continue":""},"items":[
            {"metadata":{"name":"a","managedFields":[{"f:x":{}}],"labels":{"managedFields":"kept"}},"spec":{"b":1,"a":2}}]}"#;
        let page: Page = serde_json::from_str(text).unwrap();
        assert_eq!(page.metadata.resource_version, "7");
        let kind = Kind::named("Deployment").unwrap();
        let item = page.items.unwrap().remove(0).of_kind(&kind);
        assert_eq!(
            item.to_string(),
            json!({"apiVersion": "apps/v1", "kind": "Deployment",
                   "metadata": {"name": "a", "labels": {"managedFields": "kept"}}, "spec": {"b": 1, "a": 2}})
            .to_string(),
        );
    }
}
