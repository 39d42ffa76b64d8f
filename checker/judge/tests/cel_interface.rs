//! What the rest of the judge builds on: functions, scopes, conditions,
//! renderings.

use std::sync::Arc;

use lab_judge::cel::{Budget, Ctx, EvalError, Functions, Program, Scope, Value};
use serde_json::json;

fn live(ctx: &mut Ctx<'_>, receiver: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let (None, [Value::List(pods)]) = (receiver, arguments) else {
        return Err(lab_judge::cel::arguments::wrong_types(receiver, arguments));
    };
    ctx.take(pods.len() as u64)?;
    let live = pods.iter().filter(|pod| pod.at(&["metadata", "deletionTimestamp"]).is_none());
    Ok(live.cloned().collect::<Vec<_>>().into())
}

#[test]
fn the_judge_adds_functions_of_its_own() {
    let mut functions = Functions::standard();
    functions.global("live", live);
    let mut scope = Scope::new(Arc::new(functions));
    scope.set(
        "pods",
        Value::from_json(&json!([
            {"metadata": {"name": "a"}},
            {"metadata": {"name": "b", "deletionTimestamp": "2024-01-01T00:00:00Z"}},
        ])),
    );
    scope.set("gone", Value::absent("pods of `x`"));
    let run = |source: &str, steps: u64| {
        Program::compile(source)
            .unwrap()
            .eval(&scope, &mut Budget::new(steps))
            .map(|value| value.to_string())
            .map_err(|error| error.to_string())
    };
    assert_eq!(run("live(pods).map(p, p.metadata.name)", 100), Ok("[\"a\"]".to_owned()));
    assert_eq!(run("live(1)", 100), Err("`live` does not take (int)".to_owned()));
    assert_eq!(run("live(gone)", 100), Err("pods of `x` does not exist".to_owned()));
    assert!(run("live(pods)", 3).is_err_and(|error| error.contains("more than 3 steps")));
    assert_eq!(run("lve(pods)", 100), Err("unknown function `lve`, did you mean `live`?".to_owned()));
}

#[test]
fn a_child_scope_hides_and_does_not_leak() {
    let mut lab = Scope::default();
    lab.set("x", Value::Int(1));
    let mut task = lab.child();
    task.set("x", Value::Int(2));
    task.set("it", Value::Int(3));
    let run = |scope: &Scope| {
        Program::compile("x").unwrap().eval(scope, &mut Budget::default()).map(|value| value.to_string())
    };
    assert_eq!(run(&lab), Ok("1".to_owned()));
    assert_eq!(run(&task), Ok("2".to_owned()));
    assert!(lab.get("it").is_none());
    assert_eq!(task.names(), ["it", "x"]);
}

#[test]
fn a_condition_has_to_be_a_boolean() {
    let mut scope = Scope::default();
    scope.set("replicas", Value::Int(3));
    scope.set("api", Value::absent("deployment `api`"));
    let test = |source: &str| {
        Program::compile(source)
            .unwrap()
            .test(&scope, &mut Budget::default())
            .map_err(|error| error.to_string())
    };
    assert_eq!(test("replicas == 3"), Ok(true));
    assert_eq!(test("replicas"), Err("`replicas` is int, expected a bool".to_owned()));
    assert_eq!(test("api"), Err("deployment `api` does not exist".to_owned()));
}

#[test]
fn renderings_are_short_and_name_objects() {
    let value = Value::from_json(&json!({
        "list": [1, 2, 3, 4, 5, 6, 7, 8],
        "long": "x".repeat(500),
    }));
    let brief = value.brief();
    assert!(brief.chars().count() <= 160, "{brief}");
    assert!(brief.starts_with("{list: [1, 2, 3, 4, 5, 6, … 2 more], long: \"xxx"), "{brief}");
    assert_eq!(Value::from_json(&json!([{"kind": "Pod", "metadata": {"name": "a"}}])).brief(), "[Pod `a`]");
    assert_eq!(Value::from("a\u{1b}[31m").brief(), "\"a\\u001b[31m\"");
}
