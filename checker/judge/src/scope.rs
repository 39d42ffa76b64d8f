//! What the names of a lab stand for at one look, and what is said with them.

use lab_spec::Evidence;

use crate::{
    Judge,
    cel::{Budget, EvalError, Program, Scope, Value},
    functions,
    program::Part,
    view::View,
};

/// Binds every name of the lab as it stood at one look.
pub(crate) fn bind(judge: &Judge<'_>, evidence: &Evidence, at: usize) -> Scope {
    let view = View::at(judge.lab, evidence, at);
    let mut scope = Scope::new(functions::registry());
    for name in judge.lab.observe.keys() {
        if let Some(value) = view.observed(name) {
            scope.set(name.as_str(), value);
        }
    }
    for name in judge.lab.experiments.keys() {
        if let Some(value) = view.experiment(name) {
            scope.set(name.as_str(), value);
        }
    }
    let cluster = &evidence.cluster;
    let fields =
        [("context", &cluster.context), ("server", &cluster.server), ("namespace", &cluster.namespace)];
    scope.set("cluster", Value::object(fields.map(|(name, text)| (name, Value::string(text.as_str())))));
    let project = evidence.project.as_ref().map(|project| project.name.as_str()).unwrap_or_default();
    scope.set("project", Value::object([("name", Value::string(project))]));
    scope.set("params", Value::object([("nonce", Value::string(evidence.params.nonce.as_str()))]));
    let digests = |list: &Vec<String>| {
        Value::list(list.iter().map(|digest| digest.as_str().into()).collect::<Vec<_>>())
    };
    let loaded = evidence.images.iter().map(|(tag, list)| (tag.as_str(), digests(list)));
    scope.set("loaded", Value::object(loaded));
    scope
}

/// What an expression gives.
pub(crate) fn value(program: &Program, scope: &Scope) -> Result<Value, EvalError> {
    program.eval(scope, &mut Budget::default())
}

/// Whether an expression holds.
pub(crate) fn truth(program: &Program, scope: &Scope) -> Result<bool, EvalError> {
    program.test(scope, &mut Budget::default())
}

/// Fills a message; what cannot be said stands as its expression.
pub(crate) fn fill(parts: &[Part], scope: &Scope) -> String {
    let say = |program: &Program| match value(program, scope) {
        Ok(Value::String(text)) => text.to_string(),
        Ok(value) => value.to_string(),
        Err(error) => format!("({error})"),
    };
    parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Value(program) => say(program),
        })
        .collect()
}
