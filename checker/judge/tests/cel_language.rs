//! The language: what the founder of an expression can rely on.

use lab_judge::cel::schema::{Field, Schema};
use lab_judge::cel::{Budget, EvalError, Program, Scope, Value};
use serde_json::json;

fn scope() -> Scope {
    let mut scope = Scope::default();
    scope.set(
        "pods",
        Value::from_json(&json!([
            {"kind": "Pod", "metadata": {"name": "api-1"},
             "status": {"phase": "Running", "containerStatuses": [{"ready": true, "restartCount": 0}]}},
            {"kind": "Pod", "metadata": {"name": "api-2"},
             "status": {"phase": "Pending", "containerStatuses": [{"ready": false, "restartCount": 4}]}},
        ])),
    );
    scope.set("api", Value::absent("deployment `api`"));
    scope.set("logs", Value::unavailable("logs of `api`", "403 forbidden"));
    scope.set("replicas", Value::Int(3));
    scope
}

fn eval(source: &str) -> Result<Value, EvalError> {
    Program::compile(source)
        .unwrap_or_else(|error| panic!("{source}: {error}"))
        .eval(&scope(), &mut Budget::default())
}

fn shown(source: &str) -> String {
    match eval(source) {
        Ok(value) => value.to_string(),
        Err(error) => format!("error: {error}"),
    }
}

fn explained(source: &str) -> Vec<String> {
    Program::compile(source)
        .unwrap_or_else(|error| panic!("{source}: {error}"))
        .explain(&scope(), &mut Budget::default())
        .into_iter()
        .map(|line| format!("{} = {}", line.text, line.value))
        .collect()
}

#[test]
fn an_integral_json_number_is_an_int() {
    assert_eq!(shown("pods[1].status.containerStatuses[0].restartCount + 1 == 5"), "true");
    assert_eq!(shown("replicas == 3 && 2 in [1, 2]"), "true");
}

#[test]
fn absence_is_typed() {
    assert_eq!(shown("present(api)"), "false");
    assert_eq!(shown("present(pods)"), "true");
    for source in [
        "api.spec.replicas",
        "has(api.spec)",
        "api.?spec.orValue(1)",
        "api == null",
        "size(api)",
        "api.spec.replicas > 1 || false",
        "[api].size() == 1",
        "pods.all(p, p.spec.x == api.spec.x)",
        "optional.of(api).hasValue()",
    ] {
        assert_eq!(shown(source), "error: deployment `api` does not exist", "{source}");
    }
    assert_eq!(shown("true || api.spec.replicas > 1"), "true");
    assert_eq!(shown("api.spec.replicas > 1 || true"), "true");
    assert!(matches!(eval("api"), Ok(Value::Absent(_))));
    assert!(matches!(eval("true ? api : 1"), Ok(Value::Absent(_))));
}

#[test]
fn what_could_not_be_observed_wins_over_other_errors() {
    let unavailable = "error: logs of `api` could not be observed: 403 forbidden";
    for source in [
        "logs.contains('x')",
        "present(logs)",
        "api.x == logs.y",
        "logs.y == api.x",
        "api.x || logs.x",
        "1 / 0 == 1 && logs.x",
        "pods.all(p, p.nothing || logs.x)",
        "size(1) + size(logs) == 2",
        "logs == 1",
    ] {
        assert_eq!(shown(source), unavailable, "{source}");
    }
    assert_eq!(shown("false && logs.x"), "false");
    assert_eq!(shown("logs.x && false"), "false");
}

#[test]
fn an_omitted_field_that_the_schema_knows_reads_as_its_default() {
    let status = Schema::new([("readyReplicas", Field::scalar(0)), ("conditions", Field::list())]);
    let container = Schema::new([("restartCount", Field::scalar(0))]);
    let schema = Schema::new([("status", Field::object(status)), ("containers", Field::list_of(container))]);
    let mut scope = Scope::default();
    let json = json!({"containers": [{}]});
    scope.set("d", Value::from_json_with(&json, schema));
    let run = |source: &str| {
        Program::compile(source)
            .unwrap()
            .eval(&scope, &mut Budget::default())
            .map(|value| value.to_string())
            .map_err(|error| error.to_string())
    };
    assert_eq!(run("d.status.readyReplicas"), Ok("0".to_owned()));
    assert_eq!(run("d.status.conditions.exists(c, true)"), Ok("false".to_owned()));
    assert_eq!(run("d.containers[0].restartCount"), Ok("0".to_owned()));
    assert_eq!(run("has(d.status)"), Ok("false".to_owned()));
    assert_eq!(run("d.status.ready"), Err("`d.status.ready` is not set".to_owned()));
    assert_eq!(run("d.?status.?readyReplicas"), Ok("optional.none()".to_owned()));
}

#[test]
fn a_missing_field_names_its_path() {
    assert_eq!(
        shown("pods[0].status.containerStatuses[0].state.running"),
        "error: `pods[0].status.containerStatuses[0].state` is not set"
    );
    assert_eq!(shown("pods[7]"), "error: `pods[7]`: index 7 of a list with 2 elements");
    assert_eq!(shown("pds.size()"), "error: unknown name `pds`, did you mean `pods`?");
    assert_eq!(shown("siz(pods)"), "error: unknown function `siz`, did you mean `size`?");
}

#[test]
fn explanations_tell_what_decided() {
    assert_eq!(explained("replicas == 2 && pods.size() > 1"), ["replicas = 3"]);
    assert_eq!(
        explained("pods.all(p, p.status.phase == 'Running' && p.metadata.name != '')"),
        ["pods (element 2 of 2) = Pod `api-2`", "p.status.phase = \"Pending\"",]
    );
    assert_eq!(
        explained("pods.all(p, p.status.containerStatuses.all(c, c.ready))"),
        [
            "pods (element 2 of 2) = Pod `api-2`",
            "p.status.containerStatuses (element 1 of 1) = {ready: false, restartCount: 4}",
            "c.ready = false",
        ]
    );
    assert_eq!(
        explained("pods.filter(p, p.status.phase == 'Running').size() == replicas"),
        [
            "pods.filter(p, p.status.phase == 'Running') = [Pod `api-1`]",
            "pods.filter(p, p.status.phase == 'Running').size() = 1",
            "replicas = 3",
        ]
    );
    assert_eq!(
        explained("pods.exists(p, p.status.phase == 'Failed')"),
        ["pods = [Pod `api-1`, Pod `api-2`]"]
    );
    assert_eq!(explained("api.spec.replicas == 3"), ["api.spec.replicas = deployment `api` does not exist"]);
    assert_eq!(explained("replicas + 1 == 3 || replicas > 5"), ["replicas = 3", "replicas + 1 = 4"]);
}

#[test]
fn references_are_what_a_scope_has_to_supply() {
    let program =
        Program::compile("pods.all(p, settled(p) && p.x in names) && sets.contains(a, [type(1) == int])")
            .unwrap();
    let references = program.references();
    assert_eq!(references.variables.iter().collect::<Vec<_>>(), ["a", "names", "pods"]);
    assert_eq!(references.functions.iter().collect::<Vec<_>>(), ["sets.contains", "settled", "type"]);
}
