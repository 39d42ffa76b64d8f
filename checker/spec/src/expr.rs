//! Expressions and the place they stand at.

use serde::{Deserialize, Deserializer};
use serde_yaml::Spanned;

/// A CEL expression as written in a lab file, with its place, so that an
/// error inside it can name line and column of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    /// The expression's source text.
    pub text: String,
    /// Line in the lab file, from 1; 0 when made in code.
    pub line: u32,
    /// Column in the lab file, from 1; 0 when made in code.
    pub column: u32,
}

impl Expr {
    /// An expression that stands in no file.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), line: 0, column: 0 }
    }
}

impl<'de> Deserialize<'de> for Expr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<String>::deserialize(deserializer)?;
        Ok(Self {
            line: spanned.referenced.line() as u32,
            column: spanned.referenced.column() as u32,
            text: spanned.value,
        })
    }
}

impl schemars::JsonSchema for Expr {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Expr".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "a CEL expression"})
    }
}
