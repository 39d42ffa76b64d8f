//! What an omitted field reads as. The API server drops zero values, so
//! `status.readyReplicas` is missing exactly when a check asks about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::map::Map;
use super::value::Value;

/// The known fields of one kind of object.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// Fields by name.
    pub fields: BTreeMap<String, Field>,
}

/// One known field.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// What the field reads as when it is omitted; `None` keeps that an error.
    pub default: Option<Value>,
    /// The schema of what the field holds.
    pub shape: Shape,
}

/// Where the schema of a field applies.
#[derive(Clone, Debug, Default)]
pub enum Shape {
    /// A scalar, or an object nothing is known about.
    #[default]
    Plain,
    /// The field is an object.
    Object(Arc<Schema>),
    /// The field is a list of objects.
    ListOf(Arc<Schema>),
    /// The field is a map with free keys and objects as values.
    MapOf(Arc<Schema>),
}

impl Schema {
    /// A schema of the named fields.
    pub fn new<N: Into<String>>(fields: impl IntoIterator<Item = (N, Field)>) -> Arc<Schema> {
        Arc::new(Schema { fields: fields.into_iter().map(|(n, f)| (n.into(), f)).collect() })
    }

    /// What the omitted `field` reads as.
    pub fn default_for(&self, field: &str) -> Option<&Value> {
        self.fields.get(field)?.default.as_ref()
    }
}

impl Field {
    /// A scalar that reads as `default` when omitted.
    pub fn scalar(default: impl Into<Value>) -> Field {
        Field { default: Some(default.into()), shape: Shape::Plain }
    }

    /// An object that reads as one with nothing set when omitted, so that its
    /// own fields read as their defaults.
    pub fn object(schema: Arc<Schema>) -> Field {
        let empty = Map::with_schema(Vec::new(), Some(Arc::clone(&schema)));
        Field { default: Some(Value::Map(empty)), shape: Shape::Object(schema) }
    }

    /// An object whose omission means something: reading it stays an error.
    pub fn optional_object(schema: Arc<Schema>) -> Field {
        Field { default: None, shape: Shape::Object(schema) }
    }

    /// A list of objects that reads as empty when omitted.
    pub fn list_of(schema: Arc<Schema>) -> Field {
        Field { default: Some(Value::list([])), shape: Shape::ListOf(schema) }
    }

    /// A list of scalars that reads as empty when omitted.
    pub fn list() -> Field {
        Field { default: Some(Value::list([])), shape: Shape::Plain }
    }

    /// A map of scalars that reads as empty when omitted.
    pub fn map() -> Field {
        Field { default: Some(Value::Map(Map::from_iter([]))), shape: Shape::Plain }
    }
}
