//! Broken lab files: exit 2, with the place in the file and what is wrong.

use std::time::{Duration, Instant};

use crate::place::{Place, Said, recorded};

const LAB: &str = r#"format: 1
id: lab50
title: A lab
target: [kind]
minutes: 30
story: A story.
observe:
  answer: {configmap: answer}
tasks:
- id: answer
  title: The answer is there
  points: 10
  text: Make a ConfigMap.
  hints: [one, two, three]
  checks:
  - id: written
    title: the ConfigMap has a text
    expect: answer.data.text.size() > 0
    wrong: key `text` is empty
"#;

/// `labcheck lab50`, and `author lint`, of a lab file.
fn graded(text: &str) -> Said {
    let place = Place::new();
    place.write("labs/50-broken/lab.yaml", text);
    let begun = Instant::now();
    let said = place.run(&["--labs", "labs", "lab50"]);
    assert!(begun.elapsed() < Duration::from_secs(10), "took {:?}", begun.elapsed());
    let lint = place.run(&["--labs", "labs", "author", "lint", "lab50"]);
    assert_eq!((lint.code, lint.out.as_str(), &lint.err), (2, "", &said.err), "the lint says something else");
    said
}

/// The file with one piece of it replaced has this one problem.
#[track_caller]
fn problem(old: &str, new: &str, expected: &str) {
    assert_eq!(LAB.matches(old).count(), 1, "{old}");
    graded(&LAB.replace(old, new))
        .is_usage(&format!("error: the lab is broken, 1 problem:\nlabs/50-broken/lab.yaml{expected}\n"));
}

/// As [`problem`], where the parser's words are not ours: the place and a part
/// of what is said.
#[track_caller]
fn refused(text: &str, place: &str, part: &str) {
    let said = graded(text);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    let start = format!("error: the lab is broken, 1 problem:\nlabs/50-broken/lab.yaml{place}");
    assert!(said.err.starts_with(&start), "expected {start}\nfound {}", said.err);
    assert!(said.err.contains(part), "expected {part}\nfound {}", said.err);
}

#[test]
fn the_lab_these_tests_break_is_whole() {
    let place = Place::new();
    place.write("labs/50-broken/lab.yaml", LAB);
    // It comes as far as the kubeconfig.
    let said = place.run(&["--labs", "labs", "lab50"]);
    assert_eq!(said.code, 3, "{}", said.err);
    assert!(said.err.starts_with("error: no kubeconfig at "), "{}", said.err);
}

#[test]
fn unknown_fields() {
    refused(&LAB.replace("minutes: 30", "minutes: 30\nminuets: 3"), ":6:1: ", "`minuets`");
    refused(&LAB.replace("    wrong:", "    expct: true\n    wrong:"), ":19:5: ", "`expct`");
    refused(&LAB.replace("{configmap: answer}", "{configmpa: answer}"), ":8:", "configmpa");
}

#[test]
fn duplicate_keys() {
    refused(&LAB.replace("minutes: 30", "minutes: 30\nminutes: 31"), ":6:1: ", "minutes");
    refused(&LAB.replace("tasks:", "  answer: {configmap: other}\ntasks:"), ":9:3: ", "answer");
}

#[test]
fn malformed_yaml() {
    refused(&LAB.replace("target: [kind]", "target: [kind"), ":5:", "");
    refused("", "", "");
    refused("- a list\n", ":1:1: ", "");
    refused(&LAB.replace("points: 10", "points: ten"), ":12:11: ", "");
    refused(&LAB.replace("points: 10", "points: -1"), ":12:11: ", "");
    refused(&LAB.replace("format: 1", "\tformat: 1"), ":1:", "");
}

#[test]
fn yaml_bombs() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let below = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", [below.as_str(); 10].join(", ")));
    }
    let said = graded(&bomb);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(
        said.err.starts_with("error: the lab is broken, 1 problem:\nlabs/50-broken/lab.yaml:"),
        "{}",
        said.err
    );
    let tags = LAB.replace("story: A story.", &format!("story: {}", "a".repeat(300 * 1024)));
    refused(&tags, ": ", "more than 262144");
}

#[test]
fn deep_nesting() {
    for (open, close) in [("[", "]"), ("{a: ", "}")] {
        let deep = format!("story: {}{}", open.repeat(10_000), close.repeat(10_000));
        refused(&LAB.replace("story: A story.", &deep), ":6:", "");
    }
}

#[test]
fn expressions_that_do_not_compile() {
    let expr = "answer.data.text.size() > 0";
    let at = ":18:13: ";
    for wrong in ["answer.data.text.size( > 0", "answer.data. > 0", "'open", "answer ? 1"] {
        let text = LAB.replace(expr, &format!("{wrong:?}"));
        refused(&text, ":18:13: ", wrong);
    }
    problem(
        expr,
        "answr.data.text.size() > 0",
        &format!("{at}`answr` is not observed, bound or measured in this lab"),
    );
    problem(expr, "sizeOf(answer) > 0", &format!("{at}there is no function `sizeOf`"));
    let nested = format!("{}answer{}", "(".repeat(60), ")".repeat(60));
    refused(&LAB.replace(expr, &nested), at, "more than 32 brackets are open here");
    let long = vec!["answer.data.text.size() > 0"; 400].join(" && ");
    refused(&LAB.replace(expr, &long), at, "bytes, at most 8192 are allowed");
    let comprehensions =
        "answer.data.all(a, answer.data.all(b, answer.data.all(c, answer.data.all(d, a + b == c + d))))";
    let said = graded(&LAB.replace(expr, comprehensions));
    assert_eq!((said.code, said.out.as_str()), (2, ""), "four comprehensions inside each other");
    assert!(said.err.contains("labs/50-broken/lab.yaml:18:"), "{}", said.err);
}

#[test]
fn rules_of_the_format() {
    problem("format: 1", "format: 2", ": `format` is 2, expected 1; a newer labcheck may read it");
    problem("id: lab50", "id: lab5", ": `id` is `lab5`, expected `lab` and two digits");
    problem("target: [kind]", "target: []", ": `target` is empty, expected `kind`, `compose` or `files`");
    problem("[one, two, three]", "[one, two]", ": task `answer` has 2 hints, expected 3");
    problem("points: 10", "points: 0", ": task `answer` is worth nothing");
    problem(
        "    wrong:",
        "    after: [later]\n    wrong:",
        ": check `written` comes after `later`, which does not stand before it",
    );
    problem(
        "    expect: answer.data.text.size() > 0\n",
        "",
        ": check `written` has neither `expect` nor `never`",
    );
    problem(
        "    wrong:",
        "    needs: answer.data.text == 'x'\n    wrong:",
        ": check `written` has `needs` and a weight; what may be skipped earns nothing",
    );
    problem("key `text` is empty", "\"{{ answer\"", ": `wrong` of check `written` has `{{` without `}}`");
    problem(
        "{configmap: answer}\n",
        "{configmap: answer}\n  cluster: {configmap: b}\n",
        ": `cluster` is a name labcheck binds itself; choose another",
    );
}

#[test]
fn all_problems_are_told_at_once() {
    let text = LAB
        .replace("id: lab50", "id: x")
        .replace("[one, two, three]", "[]")
        .replace("points: 10", "points: 0");
    let said = graded(&text);
    assert!(said.err.starts_with("error: the lab is broken, 3 problems:\n"), "{}", said.err);
}

/// Work is bounded when evidence is judged: the check is unknown and names its
/// expression, because how much work there is depends on what was observed.
#[test]
fn a_runaway_expression_is_unknown_and_named() {
    let place = Place::new();
    let numbers = (0..200).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    let runaway = "n.all(a, n.all(b, n.all(c, a + b + c >= 0 || present(answer))))";
    let lab = LAB
        .replace("answer.data.text.size() > 0", runaway)
        .replace("observe:", &format!("let:\n  n: \"[{numbers}]\"\nobserve:"));
    place.write("labs/50-broken/lab.yaml", lab);
    let mut evidence = lab_bundle::read(recorded("solution").as_ref()).unwrap();
    evidence.lab.id = "lab50".to_owned();
    let path = place.path("x.labcheck");
    lab_bundle::write(&path, &evidence).unwrap();
    let begun = Instant::now();
    let args = ["--labs", "labs", "lab50", "--evidence", path.to_str().unwrap(), "-o", "json"];
    let said = place.run(&args);
    assert!(begun.elapsed() < Duration::from_secs(20), "took {:?}", begun.elapsed());
    assert_eq!((said.code, said.err.as_str()), (3, ""));
    let report = said.report();
    assert_eq!(report.earned, None);
    let (_, check) = report.checks().next().unwrap();
    assert_eq!(
        check.message,
        format!(
            "`{runaway}` could not be judged: the expression needs more than 1000000 steps; \
             nest fewer comprehensions or filter the lists first"
        )
    );
}
