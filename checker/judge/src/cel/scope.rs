//! Names and what they stand for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::functions::Functions;
use super::value::Value;

/// Variables by name, with the functions of the language. Cheap to clone; a
/// child sees its parent's variables and may hide them.
#[derive(Clone, Debug)]
pub struct Scope(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    variables: BTreeMap<Arc<str>, Value>,
    parent: Option<Scope>,
    functions: Arc<Functions>,
}

impl Scope {
    /// An empty scope with these functions.
    pub fn new(functions: Arc<Functions>) -> Scope {
        Scope(Arc::new(Inner { variables: BTreeMap::new(), parent: None, functions }))
    }

    /// An empty scope inside this one: for a `let`, or for `it`.
    pub fn child(&self) -> Scope {
        Scope(Arc::new(Inner {
            variables: BTreeMap::new(),
            parent: Some(self.clone()),
            functions: Arc::clone(&self.0.functions),
        }))
    }

    /// Binds `name` here, replacing what it was bound to here. Children made
    /// earlier keep what they saw.
    pub fn set(&mut self, name: impl Into<Arc<str>>, value: Value) {
        Arc::make_mut(&mut self.0).variables.insert(name.into(), value);
    }

    /// What `name` stands for, here or in the nearest parent that binds it.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let mut scope = self;
        loop {
            if let Some(value) = scope.0.variables.get(name) {
                return Some(value);
            }
            scope = scope.0.parent.as_ref()?;
        }
    }

    /// Every name that can be read here.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        let mut scope = Some(self);
        while let Some(here) = scope {
            names.extend(here.0.variables.keys().map(|name| &**name));
            scope = here.0.parent.as_ref();
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The functions of the language.
    pub fn functions(&self) -> &Functions {
        &self.0.functions
    }
}

impl Default for Scope {
    /// An empty scope with the standard functions.
    fn default() -> Scope {
        Scope::new(Arc::new(Functions::standard()))
    }
}
