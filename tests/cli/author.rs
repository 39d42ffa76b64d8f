//! The author's commands that need no cluster.

use std::fs;

use serde_json::Value;

use crate::place::{Place, lab_ids, repository};

#[test]
fn the_labs_of_this_repository_pass_the_lint() {
    let place = Place::new();
    let labs = repository().join("labs");
    let said = place.run(&["--labs", labs.to_str().unwrap(), "author", "lint"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let lines: Vec<_> = said.out.lines().collect();
    let ids: Vec<_> = lines.iter().map(|line| line[..5].to_owned()).collect();
    assert_eq!(ids, lab_ids());
    assert_eq!(lines[0], "lab01: 17 checks, no problem found");
    assert!(lines.iter().all(|line| line.ends_with(" checks, no problem found")), "{}", said.out);
}

#[test]
fn a_new_lab_passes_the_lint_as_it_is() {
    let place = Place::new();
    fs::create_dir(place.path("labs")).unwrap();
    place.run(&["author", "new", "27-name-it", "A \"title\": # of {{ braces }}"]).is(
        0,
        "wrote labs/27-name-it\nnext: labcheck --labs labs author lint lab27\n",
        "",
    );
    place.run(&["--labs", "labs", "author", "lint", "lab27"]).is(
        0,
        "lab27: 1 checks, no problem found\n",
        "",
    );
    let said = place.run(&["--labs", "labs", "list"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("A \"title\": # of {{ braces }}"), "{}", said.out);
}

#[test]
fn a_new_lab_does_not_touch_what_is_there() {
    let place = Place::new();
    let kept = place.write("labs/27-mine/lab.yaml", "mine");
    for folder in ["27-mine", "27-other"] {
        place
            .run(&["author", "new", folder, "Title"])
            .is_usage("error: `labs/27-mine` exists already\nnext: another number\n");
    }
    assert_eq!(fs::read_to_string(kept).unwrap(), "mine");
    assert!(!place.path("labs/27-other").exists());
}

#[test]
fn names_that_are_no_folders_of_labs_are_refused() {
    let place = Place::new();
    for folder in
        ["x", "1-x", "001-x", "27-", "27_x", "27-X", "27-../x", "../27-x", "27-a/b", "", "é7-x", "27-é"]
    {
        place.run(&["author", "new", folder, "Title"]).is_usage(&format!(
            "error: `{folder}` is no folder of a lab; expected two digits and a slug, as in `27-name-it`\n"
        ));
    }
    assert!(!place.path("labs").exists());
}

/// The new lab with one piece of a file replaced is refused by the lint.
#[track_caller]
fn lint(file: &str, old: &str, new: &str, err: &str) {
    let place = Place::new();
    fs::create_dir(place.path("labs")).unwrap();
    assert_eq!(place.run(&["author", "new", "27-name-it", "Title"]).code, 0);
    let path = place.path("labs/27-name-it").join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches(old).count(), 1, "{old} in {text}");
    fs::write(&path, text.replace(old, new)).unwrap();
    place.run(&["author", "lint", "lab27"]).is_usage(err);
}

/// A check that does not look, or looks at nothing, would pass whatever the
/// learner did.
#[test]
fn checks_that_prove_nothing_are_refused() {
    let expr = "answer.data.text.size() > 0";
    for vacuous in ["true", "\"1 + 1 == 2\"", "\"!present(answer)\""] {
        lint(
            "lab.yaml",
            expr,
            vacuous,
            "error: `lab27`:\ncheck `written` passes on a cluster with nothing in it: it needs a positive control\n",
        );
    }
    lint(
        "lab.yaml",
        expr,
        "\"[answer.data.text][0] != ''\"",
        "error: `lab27`:\ncheck `written` takes element `[0]` of a list; choose the element by what it is\n",
    );
}

#[test]
fn states_that_prove_nothing_are_refused() {
    lint(
        "mutants/empty/expect.yaml",
        "[written]",
        "[]",
        "error: `mutants/empty/expect.yaml` names no check that fails\n",
    );
    lint(
        "mutants/empty/expect.yaml",
        "[written]",
        "[wirtten]",
        "error: `lab27`:\n`mutants/empty/expect.yaml` names `wirtten`, which is no check of the lab\n",
    );
    lint(
        "lab.yaml",
        "id: written",
        "id: other",
        "error: `lab27`:\n`starter/expect.yaml` names `written`, which is no check of the lab\n\
         `mutants/empty/expect.yaml` names `written`, which is no check of the lab\n\
         no state fails check `other`: a check nobody has seen fail proves nothing\n",
    );
}

#[test]
fn the_schema_describes_every_field_of_lab_01() {
    let said = Place::new().run(&["author", "schema"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let schema: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let text = fs::read_to_string(repository().join("labs/01-environment/lab.yaml")).unwrap();
    let lab: Value = serde_yaml::from_str(&text).unwrap();
    assert_described(&lab, &schema, &schema, "lab");
}

/// Every field of `value` is a property its schema names, and every field the
/// schema requires is there. What may hold anything is left alone.
fn assert_described(value: &Value, schema: &Value, root: &Value, place: &str) {
    let schema = match schema["$ref"].as_str() {
        Some(path) => root.pointer(path.trim_start_matches('#')).unwrap_or_else(|| panic!("{path}")),
        None => schema,
    };
    for required in schema["required"].as_array().into_iter().flatten() {
        assert!(!value[required.as_str().unwrap()].is_null(), "{place} lacks {required}");
    }
    match (value, schema["properties"].as_object()) {
        (Value::Object(fields), Some(properties)) => {
            assert_eq!(schema["additionalProperties"], false, "{place} takes unknown fields");
            for (name, field) in fields {
                let property =
                    properties.get(name).unwrap_or_else(|| panic!("{place}.{name} is not described"));
                assert_described(field, property, root, &format!("{place}.{name}"));
            }
        }
        (Value::Array(items), _) if schema["items"].is_object() => {
            for item in items {
                assert_described(item, &schema["items"], root, &format!("{place}[]"));
            }
        }
        _ => {}
    }
}

#[test]
fn every_function_is_printed_with_its_trap() {
    let said = Place::new().run(&["author", "functions"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    for doc in lab_judge::functions::all() {
        let entry = format!("{}\n    {}\n    trap: {}\n\n", doc.signature, doc.says, doc.trap);
        assert!(said.out.contains(&entry), "`{}` is not printed", doc.signature);
        assert!(!doc.says.is_empty() && !doc.trap.is_empty(), "`{}` has no trap", doc.signature);
    }
    assert!(said.out.contains("settled("), "{}", said.out);
}
