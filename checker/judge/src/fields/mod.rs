//! Fields that no object of a kind has: a misspelt one reads as missing on
//! every cluster, and its check would fail whoever is right.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock},
};

use indexmap::IndexMap;
use lab_spec::{
    Check, Diagnostic, Expr, Kind, Lab, Source,
    template::{Piece, pieces},
};
use serde::Deserialize;

use crate::{
    cel::{Program, Shape, Types, infer},
    schema::SEEN,
};

/// What a Kubernetes API server publishes; `cargo xtask fields` writes it.
static KUBERNETES: LazyLock<Kubernetes> =
    LazyLock::new(|| serde_json::from_str(include_str!("kubernetes.json")).unwrap_or_default());

#[derive(Debug, Default, Deserialize)]
struct Kubernetes {
    /// Types of kinds, by API version and kind.
    kinds: HashMap<String, String>,
    /// Fields of types and what they are: `-` a scalar, `*` anything, `[]` a
    /// list of what follows, `{}` a map of it, else the name of a type.
    types: HashMap<String, BTreeMap<String, String>>,
}

impl Kubernetes {
    fn kind(&self, kind: &Kind) -> Shape {
        let found = self.kinds.get(&format!("{} {}", kind.api_version, kind.kind));
        found.map_or(Shape::Any, |name| Shape::Object(name.as_str().into()))
    }
}

impl Types for Kubernetes {
    fn field(&self, of: &str, field: &str) -> Option<Shape> {
        // Every object we bind carries the time it was seen.
        if field == SEEN && self.kinds.values().any(|kind| kind == of) {
            return Some(Shape::Scalar);
        }
        self.types.get(of)?.get(field).map(|word| shape(word))
    }

    fn fields(&self, of: &str) -> Vec<String> {
        self.types.get(of).into_iter().flat_map(|fields| fields.keys().cloned()).collect()
    }

    fn name<'t>(&self, of: &'t str) -> &'t str {
        of.rsplit('.').next().unwrap_or(of)
    }
}

fn shape(word: &str) -> Shape {
    if let Some(element) = word.strip_prefix("[]") {
        return Shape::List(Arc::new(shape(element)));
    }
    if let Some(value) = word.strip_prefix("{}") {
        return Shape::Map(Arc::new(shape(value)));
    }
    match word {
        "-" => Shape::Scalar,
        "*" => Shape::Any,
        name => Shape::Object(name.into()),
    }
}

/// Every field that an expression or a message of the lab reads and that its
/// object cannot have. Kinds of a cluster's own are not known and not judged.
pub(crate) fn unknown(file: &str, lab: &Lab) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let names = bound(lab);
    for (task, check) in lab.checks() {
        let mut reader = Reader { file, names: names.clone(), found: Vec::new() };
        for (name, expr) in lab.lets.iter().chain(&task.lets).chain(&check.lets) {
            let shape = reader.read(expr);
            reader.names.insert(name.clone(), shape);
        }
        reader.check(check);
        found.append(&mut reader.found);
    }
    // What a lab or a task shares is read once for each check.
    let mut told = std::collections::HashSet::new();
    found.retain(|problem| told.insert(problem.to_string()));
    found
}

/// What the lab observes, and what its experiments look at.
fn bound(lab: &Lab) -> BTreeMap<String, Shape> {
    let observed: BTreeMap<_, _> = lab
        .observe
        .iter()
        .map(|(name, observe)| {
            let shape = match &observe.source {
                Source::Object { kind, .. } => KUBERNETES.kind(kind),
                Source::List { kind, .. } => Shape::List(Arc::new(KUBERNETES.kind(kind))),
                _ => Shape::Any,
            };
            (name.clone(), shape)
        })
        .collect();
    let experiments: IndexMap<_, _> = lab
        .experiments
        .iter()
        .map(|(name, experiment)| {
            let looks = experiment.steps.iter().filter(|step| step.look.is_some());
            let looks = looks.filter_map(|step| Some((step.name.clone()?, Shape::Record(observed.clone()))));
            (name.clone(), Shape::Record(looks.collect()))
        })
        .collect();
    observed.clone().into_iter().chain(experiments).collect()
}

struct Reader<'a> {
    file: &'a str,
    names: BTreeMap<String, Shape>,
    found: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn check(&mut self, check: &Check) {
        if let Some(each) = &check.each {
            let element = match self.read(each) {
                Shape::List(element) => (*element).clone(),
                _ => Shape::Any,
            };
            self.names.insert("it".to_owned(), element);
        }
        for expr in [&check.expect, &check.never, &check.control, &check.needs].into_iter().flatten() {
            self.read(expr);
        }
        let place = check.expressions().next().cloned().unwrap_or_else(|| Expr::new(""));
        for message in [Some(&check.wrong), check.missing.as_ref()].into_iter().flatten() {
            for piece in pieces(message).unwrap_or_default() {
                if let Piece::Expr(text) = piece {
                    self.read(&Expr { text: text.to_owned(), ..place.clone() });
                }
            }
        }
    }

    /// What an expression comes to; one that does not compile is told of by
    /// the judge.
    fn read(&mut self, expr: &Expr) -> Shape {
        let Ok(program) = Program::compile(&expr.text) else { return Shape::Any };
        let (shape, problems) = infer(&program, &self.names, &*KUBERNETES);
        let told =
            problems.into_iter().map(|problem| Diagnostic::at(self.file, expr.line, expr.column, problem));
        self.found.extend(told);
        shape
    }
}

#[cfg(test)]
mod tests;
