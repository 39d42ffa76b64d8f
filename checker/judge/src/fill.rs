//! Texts with expressions in them, filled from what was seen.

use lab_spec::{Evidence, template};

use crate::{
    Judge,
    cel::{Budget, Program, Value},
    scope,
};

impl Judge<'_> {
    /// Fills every `{{ expression }}` of a manifest with its value at the last
    /// look. This is how a solution says "the version of your cluster".
    ///
    /// # Errors
    /// The expression that has no value, and why.
    pub fn fill(&self, evidence: &Evidence, text: &str) -> Result<String, String> {
        let pieces = template::pieces(text).map_err(|at| format!("`{{{{` without `}}}}` at byte {at}"))?;
        let scope = scope::bind(self, evidence, evidence.looks.len().saturating_sub(1));
        let mut filled = String::new();
        for piece in pieces {
            match piece {
                template::Piece::Text(text) => filled.push_str(text),
                template::Piece::Expr(source) => {
                    let program = Program::compile(source).map_err(|error| format!("`{source}`: {error}"))?;
                    let value = program.eval(&scope, &mut Budget::default());
                    match value.map_err(|error| format!("`{source}`: {error}"))? {
                        Value::String(text) => filled.push_str(&text),
                        value => filled.push_str(&value.to_string()),
                    }
                }
            }
        }
        Ok(filled)
    }
}
