//! `labcheck triage`, `regrade` and `collusion`: what a teacher learns of a
//! class beyond the scores.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use lab_spec::Evidence;
use serde_json::Value;

use crate::{
    grading::{grade, nonce, place, submission},
    place::{Place, Said, recorded, repository},
};

const SIX: &str = "id\nada\nbob\ncyd\ndan\neve\nfay\n";

/// Six students: one is done, five have no report, one of them nothing at all.
fn class() -> Place {
    let place = place(&[]);
    place.write("roster.csv", SIX);
    for student in ["ada", "bob", "cyd", "dan", "eve"] {
        let state = if student == "eve" { "starter" } else { "mutants-no-report" };
        place.write(&format!("in/{student}.tar.zst"), submission(state, student, nonce(student)));
    }
    place.write("in/fay.tar.zst", submission("solution", "fay", nonce("fay")));
    assert_eq!(grade(&place, &[]).code, 0);
    place
}

fn json(said: &Said) -> Value {
    assert_eq!(said.code, 0, "{said:?}");
    serde_json::from_str(&said.out).unwrap()
}

/// No line is wider than a terminal of 80 columns.
#[track_caller]
fn fits(out: &str) {
    let wide = out.lines().find(|line| line.chars().count() > 80);
    assert_eq!(wide, None);
}

/// What `triage` prints, without the messages of checks and with them alone.
/// They tell of the evidence, which is recorded anew now and then.
fn without_messages(out: &str) -> (String, Vec<String>) {
    let (mut left, mut messages) = (String::new(), Vec::<String>::new());
    for line in out.lines() {
        if let Some(more) = line.strip_prefix("    ") {
            messages.last_mut().unwrap().push_str(&format!(" {more}"));
        } else if let Some((check, message)) = line.split_once("`: ").filter(|_| line.starts_with("  `")) {
            left.push_str(&format!("{check}`: MESSAGE\n"));
            messages.push(message.to_owned());
        } else {
            left.push_str(&format!("{line}\n"));
        }
    }
    (left, messages)
}

/// The messages of the checks that a student failed, by `grades.json`.
fn failed(place: &Place, student: &str) -> Vec<String> {
    let grades: Value =
        serde_json::from_str(&fs::read_to_string(place.path("out/grades.json")).unwrap()).unwrap();
    let mut grades = grades["grades"].as_array().unwrap().iter();
    let grade = grades.find(|grade| grade["student"]["id"] == student).unwrap();
    let tasks = grade["report"]["tasks"].as_array().unwrap().iter();
    let checks = tasks.flat_map(|task| task["checks"].as_array().unwrap());
    let failed = checks.filter(|check| check["verdict"] != "pass");
    failed.map(|check| check["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn triage_says_what_a_class_has_in_common() {
    let place = class();
    let said = place.run(&["triage", "out"]);
    fits(&said.out);
    let (out, messages) = without_messages(&said.out);
    assert_eq!((said.code, out.as_str(), said.err.as_str()), (0, include_str!("findings/triage.txt"), ""));
    let told = ["dan", "eve"].map(|student| failed(&place, student)).concat();
    assert_eq!(messages, told);
    let told = json(&place.run(&["triage", "out", "-o", "json"]));
    assert_eq!((&told["format"], &told["students"], &told["allPassed"]), (&1.into(), &6.into(), &1.into()));
    let cluster = &told["clusters"][0];
    assert_eq!(cluster["students"], serde_json::json!(["ada", "bob", "cyd", "dan"]));
    let items = told["items"].as_array().unwrap();
    let item = items.iter().find(|item| item["check"] == "cgroup").unwrap();
    assert_eq!((&item["passed"], &item["failed"]), (&1.into(), &5.into()));
    assert_eq!(item["notes"], serde_json::json!(["more than 80 % fail: the check is probably wrong"]));
}

#[test]
fn triage_of_something_else_says_what_it_needs() {
    let place = Place::new();
    place.run(&["triage", "nowhere"]).is_usage(
        "error: cannot read `nowhere/grades.json`: No such file or directory (os error 2); `labcheck grade --write json` writes it\n",
    );
    place.write("out/grades.json", "{\n \"format\": 1\n}");
    place.run(&["triage", "out"]).is_usage(
        "error: `out/grades.json` is no `grades.json` as `labcheck grade` writes it, a grade per line\n",
    );
    let place = class();
    let whole = fs::read_to_string(place.path("out/grades.json")).unwrap();
    let cut: Vec<_> = whole.lines().take(4).collect();
    place.write("out/grades.json", cut.join("\n"));
    place
        .run(&["triage", "out"])
        .is_usage("error: `out/grades.json`, line 5: it is cut off; grade into it again\n");
}

/// The lab with one check that nobody passes, and another worth of a task.
fn changed_lab(place: &Place) {
    let text = fs::read_to_string(repository().join("labs/01-environment/lab.yaml")).unwrap();
    let (before, after) = text.split_once("  - id: image-pull\n").unwrap();
    let (title, rest) = after.split_once("    expect: ").unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    let text = format!("{before}  - id: image-pull\n{title}    expect: 1 == 2\n{rest}");
    place.write("labs/01-environment/lab.yaml", text);
}

fn regrade(place: &Place, more: &[&str]) -> Said {
    let args = ["regrade", "in", "--lab", "lab01", "--roster", "roster.csv", "--against", "out"];
    place.run(&[&args[..], more].concat())
}

#[test]
fn regrade_says_who_changes_and_writes_nothing() {
    let place = class();
    changed_lab(&place);
    let files = || {
        let files = fs::read_dir(place.path("out")).unwrap().map(|file| file.unwrap());
        let mut files: Vec<_> =
            files.map(|file| (file.file_name(), fs::read(file.path()).unwrap())).collect();
        files.sort();
        files
    };
    let before = files();
    let said = regrade(&place, &["--labs", "labs"]);
    fits(&said.out);
    assert!(said.err.starts_with("regrading lab01\nregrading lab01: 6 judged, "), "{}", said.err);
    assert_eq!((said.code, said.out.as_str()), (0, include_str!("findings/regrade.txt")));
    assert!(files() == before, "the old grades were changed");

    let told = json(&regrade(&place, &["--labs", "labs", "-o", "json"]));
    let fay = told["changes"].as_array().unwrap().iter().find(|change| change["student"] == "fay").unwrap();
    assert_eq!(fay["checks"], serde_json::json!([{"check": "image-pull", "was": "pass", "is": "fail"}]));
    let (was, is) = (fay["wasScore"].as_i64().unwrap(), fay["score"].as_i64().unwrap());
    assert_eq!((was, fay["difference"].as_i64().unwrap()), (10_000, is - was));
}

#[test]
fn regrade_under_the_same_lab_changes_nobody() {
    let place = class();
    // Somebody left, and somebody came who handed in nothing.
    place.write("roster.csv", SIX.replace("eve", "gil"));
    let said = regrade(&place, &[]);
    let out = "lab01: 1 of 6 students change\nlab, rubric and judge are those that it was graded by\n\n \
               STUDENT  BEFORE  NOW      CHANGE  CHECKS\n gil      -       missing  -\n\
               graded before, and not in the roster: eve\n\
               nothing was written; `labcheck grade` into a new directory writes\n";
    assert_eq!((said.code, said.out.as_str()), (0, out));
}

#[test]
fn regrade_against_another_lab_is_refused() {
    let place = class();
    let args = ["regrade", "in", "--lab", "lab06", "--roster", "roster.csv", "--against", "out"];
    place.run(&args).is_usage(
        "error: `out` holds grades of `lab01`, expected `lab06`\nnext: labcheck regrade --lab lab01\n",
    );
}

/// The evidence as it would be of another cluster, on another day.
fn elsewhere(student: &str) -> impl FnOnce(&mut Evidence) {
    let own = nonce(student);
    move |evidence| {
        own(evidence);
        let mut value = serde_json::to_value(&*evidence).unwrap();
        a_day_before(&mut value);
        // The version of a UUID is its thirteenth digit.
        *evidence = serde_json::from_str(&value.to_string().replace("-4", "-5")).unwrap();
    }
}

fn a_day_before(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Ok(at) = text.parse::<Timestamp>() {
                *text = (at - SignedDuration::from_hours(24)).to_string();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(a_day_before),
        Value::Object(fields) => fields.values_mut().for_each(a_day_before),
        _ => {}
    }
}

/// What `collusion` prints, without what is of this recording alone: how many
/// objects there were, and which.
fn without_objects(out: &str) -> (String, Vec<&str>) {
    let (mut left, mut objects) = (String::new(), Vec::new());
    for line in out.lines() {
        if let Some(object) = line.strip_prefix("    ").filter(|line| line.contains('/')) {
            objects.push(object);
            left.push_str("    OBJECT\n");
        } else if let Some((what, count)) = line.rsplit_once(" (").filter(|_| line.starts_with("  ")) {
            let count = count.strip_suffix(')').unwrap();
            assert!(count.parse::<u32>().unwrap() > 3, "{line}");
            left.push_str(&format!("{what} (MANY)\n"));
        } else {
            left.push_str(&format!("{line}\n"));
        }
    }
    (left, objects)
}

fn collusion(place: &Place, more: &[&str]) -> Said {
    let args = ["collusion", "in", "--lab", "lab01", "--roster", "roster.csv", "--no-progress"];
    place.run(&[&args[..], more].concat())
}

#[test]
fn collusion_is_a_suspicion_with_what_it_rests_on() {
    let place = place(&[
        ("ada.tar.zst", submission("solution", "ada", nonce("a"))),
        // Of the same cluster with another nonce and another key.
        ("bob.tar.zst", submission("solution", "bob", nonce("b"))),
        ("eve.tar.zst", submission("solution", "eve", elsewhere("0e0e0e0e0e"))),
        ("notes.txt", b"hello".to_vec()),
    ]);
    let said = collusion(&place, &[]);
    fits(&said.out);
    let (out, objects) = without_objects(&said.out);
    assert_eq!((said.code, out.as_str()), (0, include_str!("findings/collusion.txt")));
    assert_eq!(said.err, "comparing submissions of lab01\n");
    let evidence = lab_bundle::read(recorded("solution").as_ref()).unwrap();
    let evidence = serde_json::to_string(&evidence).unwrap();
    for object in objects {
        let (name, mark) = object.split_once('/').unwrap().1.split_once(' ').unwrap();
        for part in [name, mark] {
            assert!(evidence.contains(&format!("\"{part}\"")), "{object}");
        }
    }
    let told = json(&collusion(&place, &["-o", "json"]));
    assert_eq!((&told["format"], &told["students"], &told["compared"]), (&1.into(), &3.into(), &3.into()));
    assert_eq!(told["suspicions"].as_array().unwrap().len(), 1);
    assert_eq!(told["suspicions"][0]["students"], serde_json::json!(["ada", "bob"]));
    let codes: Vec<_> =
        told["suspicions"][0]["shared"].as_array().unwrap().iter().map(|shared| &shared["code"]).collect();
    assert_eq!(codes, ["same-object", "same-time"]);
}

#[test]
fn the_same_file_nonce_and_key_are_told_as_such() {
    let whole = submission("solution", "ada", nonce("same"));
    let place = place(&[("ada.tar.zst", whole.clone()), ("a-copy/ada.tar.zst", whole)]);
    // Both are of one student, who shares nothing with anybody.
    let said = collusion(&place, &[]);
    said.is(
        0,
        "lab01: 2 submissions of 1 students compared\nno two students share what no two should\n",
        "comparing submissions of lab01\n",
    );
    place.write(
        "in/eve.tar.zst",
        submission("starter", "eve", |evidence| {
            elsewhere("0e0e0e0e0e")(evidence);
            nonce("same")(evidence);
        }),
    );
    let said = collusion(&place, &[]);
    let out = "lab01: 3 submissions of 2 students compared\n\nsuspicion: ada, eve share\n  the same nonce\n    same\n\n\
               a suspicion is no verdict: pairs and lent laptops look the same\n";
    said.is(0, out, "comparing submissions of lab01\n");
}

#[test]
fn what_the_whole_class_shares_is_nobodys_doing() {
    let place = place(&[]);
    place.write("roster.csv", SIX);
    for student in ["ada", "bob", "cyd", "dan", "eve", "fay"] {
        place.write(&format!("in/{student}.tar.zst"), submission("solution", student, nonce(student)));
    }
    let said = collusion(&place, &[]);
    let out = "lab01: 6 submissions of 6 students compared\n\
               no two students share what no two should\n\
               6 of 6 students have the same objects: that says nothing of anyone\n\
               6 of 6 students have objects of the same names, made in the same seconds: that\n  says nothing of anyone\n";
    said.is(0, out, "comparing submissions of lab01\n");
}
