//! The corpus, what the API server said, and what we say.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use lab_judge::cel::{Budget, Program, Scope, Value};
use serde_json::{Value as Json, json};

/// What an expression came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The type, and the value as `format` prints it inside a list.
    Value(String),
    /// It did not compile or not evaluate; the text is not compared.
    Error(String),
}

impl Answer {
    pub fn agrees(&self, other: &Answer) -> bool {
        match (self, other) {
            (Answer::Value(a), Answer::Value(b)) => a == b,
            (Answer::Error(_), Answer::Error(_)) => true,
            _ => false,
        }
    }

    pub fn to_json(&self) -> Json {
        match self {
            Answer::Value(value) => json!({"value": value}),
            Answer::Error(error) => json!({"error": error}),
        }
    }

    pub fn from_json(json: &Json) -> Answer {
        match (json["value"].as_str(), json["error"].as_str()) {
            (Some(value), None) => Answer::Value(value.to_owned()),
            (None, Some(error)) => Answer::Error(error.to_owned()),
            _ => panic!("neither a value nor an error: {json}"),
        }
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

fn read(name: &str) -> String {
    let path = folder().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every expression with the group it is in.
pub fn corpus() -> Vec<(String, String)> {
    let groups: BTreeMap<String, Vec<String>> =
        serde_yaml::from_str(&read("corpus.yaml")).expect("corpus.yaml is a map of lists");
    groups
        .into_iter()
        .flat_map(|(group, expressions)| {
            expressions.into_iter().map(move |expression| (group.clone(), expression))
        })
        .collect()
}

/// The object that expressions read as `object`.
pub fn object() -> Json {
    serde_json::from_str(&read("object.json")).expect("object.json is JSON")
}

/// The recorded answers by expression.
pub fn recorded() -> BTreeMap<String, Answer> {
    let recorded: Json = serde_json::from_str(&read("recorded.json")).expect("recorded.json");
    recorded["answers"]
        .as_object()
        .expect("answers")
        .iter()
        .map(|(expression, answer)| (expression.clone(), Answer::from_json(answer)))
        .collect()
}

/// Expressions that come to something else here than there, each with why.
pub fn exceptions() -> BTreeMap<String, String> {
    let groups: BTreeMap<String, Vec<String>> =
        serde_yaml::from_str(&read("exceptions.yaml")).expect("exceptions.yaml is a map of lists");
    groups
        .into_iter()
        .flat_map(|(reason, expressions)| {
            expressions.into_iter().map(move |expression| (expression, reason.clone()))
        })
        .collect()
}

/// Writes down what a server of this version said.
pub fn record(server: &str, answers: &[(String, Answer)]) {
    let answers: serde_json::Map<String, Json> =
        answers.iter().map(|(expression, answer)| (expression.clone(), answer.to_json())).collect();
    let recorded = json!({"server": server, "answers": answers});
    let text = serde_json::to_string_pretty(&recorded).expect("JSON") + "\n";
    fs::write(folder().join("recorded.json"), text).expect("recorded.json can be written");
}

/// The expression that prints the type and the value of another.
pub fn printing(expression: &str) -> String {
    // `dyn` keeps the server's own check of formats from guessing types.
    format!("'%s %s'.format([type({expression}), dyn([{expression}])])")
}

/// What the expression comes to here.
pub fn ours(expression: &str) -> Answer {
    let mut scope = Scope::default();
    scope.set("object", Value::from_json(&object()));
    let evaluated = |source: &str| {
        Program::compile(source)
            .map_err(|error| error.to_string())?
            .eval(&scope, &mut Budget::default())
            .map_err(|error| error.to_string())
    };
    // Evaluated alone first: a value that cannot be printed is no error.
    match (evaluated(expression), evaluated(&printing(expression))) {
        (Err(error), _) => Answer::Error(error),
        (Ok(_), Ok(printed)) => Answer::Value(printed.as_str().expect("a string").to_owned()),
        (Ok(value), Err(_)) => Answer::Value(format!("{value}, which does not print")),
    }
}
