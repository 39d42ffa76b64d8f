//! `labcheck assign` and `labcheck grade`: a class from what was handed in.

use std::{collections::BTreeMap, fs, path::Path};

use jiff::Timestamp;
use lab_bundle::submission::{self, Draft, Key};
use lab_spec::Evidence;
use serde_json::Value;

use crate::place::{Place, Said, recorded, repository};

const ROSTER: &str = "id,name,email\nada,Ada Lovelace,ada@example.org\nbob,Bob,\neve,Eve,\n";

/// A submission of recorded evidence of lab01.
pub fn submission(state: &str, student: &str, change: impl FnOnce(&mut Evidence)) -> Vec<u8> {
    let mut evidence = lab_bundle::read(Path::new(&recorded(state))).unwrap();
    // Every student has an attempt of his own.
    evidence.params.seed = student.bytes().map(u64::from).sum();
    change(&mut evidence);
    let made = evidence.looks.last().map_or(0, |look| look.wall_ms) + 1_000;
    let draft = Draft {
        tool: "labcheck 0.1.0".to_owned(),
        student: student.to_owned(),
        cluster: None,
        made: Timestamp::from_millisecond(made).unwrap().to_string(),
    };
    let mut secret = [0; 32];
    secret[..student.len()].copy_from_slice(student.as_bytes());
    submission::write(draft, &evidence, &Key::from_secret(&secret)).unwrap()
}

pub fn nonce(text: &str) -> impl FnOnce(&mut Evidence) {
    let text = text.to_owned();
    move |evidence| *evidence = class::with_nonce(evidence, &text).unwrap()
}

/// A place with a roster of three and what they handed in.
pub fn place(handed_in: &[(&str, Vec<u8>)]) -> Place {
    let place = Place::new();
    place.write("roster.csv", ROSTER);
    place.write("in/.keep", "");
    for (name, bytes) in handed_in {
        place.write(&format!("in/{name}"), bytes);
    }
    place
}

pub fn grade(place: &Place, more: &[&str]) -> Said {
    let args = ["grade", "in", "--lab", "lab01", "--roster", "roster.csv", "--out", "out"];
    place.run(&[&args[..], more].concat())
}

/// By student id, from `grades.json`.
fn grades(place: &Place) -> BTreeMap<String, Value> {
    let document: Value = serde_json::from_slice(&fs::read(place.path("out/grades.json")).unwrap()).unwrap();
    assert_eq!(document["format"], 1);
    let grades = document["grades"].as_array().unwrap().iter();
    grades.map(|grade| (grade["student"]["id"].as_str().unwrap().to_owned(), grade.clone())).collect()
}

fn flags(grade: &Value) -> Vec<&str> {
    grade["flags"].as_array().unwrap().iter().map(|flag| flag["code"].as_str().unwrap()).collect()
}

#[test]
fn a_class_is_graded_and_nothing_is_judged_twice() {
    let place = place(&[
        ("a.tar.zst", submission("solution", "ada", nonce("a"))),
        ("b.tar.zst", submission("starter", "bob", nonce("b"))),
    ]);
    let said = grade(&place, &[]);
    let out = "2 graded, 0 unknown, 0 ungradable, 1 missing, 0 files of nobody\ngrades are in `out`\n";
    assert_eq!((said.code, said.out.as_str()), (0, out));
    assert!(said.err.starts_with("grading lab01\ngrading lab01: 2 judged anew, "), "{}", said.err);
    let first = fs::read(place.path("out/grades.json")).unwrap();
    let told = grades(&place);
    assert_eq!((&told["ada"]["score"], flags(&told["ada"])), (&Value::from(10_000), vec![]));
    assert_eq!(told["bob"]["standing"]["is"], "graded");
    assert!(told["bob"]["score"].as_u64() < Some(10_000));
    assert_eq!(
        (&told["eve"]["standing"]["is"], &told["eve"]["score"]),
        (&Value::from("missing"), &Value::Null)
    );

    let said = grade(&place, &[]);
    assert!(said.err.contains("grading lab01: 0 judged anew"), "{}", said.err);
    assert_eq!((said.code, fs::read(place.path("out/grades.json")).unwrap()), (0, first));
}

#[test]
fn grades_are_those_of_the_learners_own_report() {
    let states = ["starter", "solution", "mutants-two-faults"];
    for state in states {
        let place = place(&[("a.tar.zst", submission(state, "ada", |_| {}))]);
        grade(&place, &[]);
        let own = Place::new().run(&["lab01", "--evidence", &recorded(state), "-o", "json"]).report();
        let told = grades(&place);
        assert_eq!(told["ada"]["score"].as_u64(), own.earned.map(|earned| earned.0), "{state}");
        let verdicts = |report: &Value| -> Vec<_> {
            let tasks = report["tasks"].as_array().unwrap().iter();
            let checks = tasks.flat_map(|task| task["checks"].as_array().unwrap().clone());
            checks
                .map(|check| (check["id"].clone(), check["verdict"].clone(), check["message"].clone()))
                .collect()
        };
        assert_eq!(
            verdicts(&told["ada"]["report"]),
            verdicts(&serde_json::to_value(&own).unwrap()),
            "{state}"
        );
    }
}

#[test]
fn the_best_attempt_counts_unless_said_otherwise_and_lateness_rests_on_receipt() {
    let (good, poor) = (submission("solution", "ada", |_| {}), submission("starter", "ada", |_| {}));
    let place = place(&[("good.tar.zst", good), ("poor.tar.zst", poor)]);
    place.write(
        "received.csv",
        "file,received\ngood.tar.zst,2026-12-01T12:00:00Z\npoor.tar.zst,2026-12-03T13:00:00Z\n",
    );
    grade(&place, &["--received", "received.csv"]);
    let poor = grades(&place)["ada"]["attempts"][1]["earned"].as_u64().unwrap();
    let score = |more: &[&str]| {
        let said = grade(&place, &[&["--received", "received.csv"], more].concat());
        assert_eq!(said.code, 0, "{}", said.err);
        grades(&place)["ada"]["score"].as_u64().unwrap()
    };
    assert_eq!(score(&[]), 10_000);
    assert_eq!(score(&["--attempts", "last"]), poor);
    assert_eq!(score(&["--attempts", "average"]), (10_000 + poor).div_ceil(2));
    let late = ["--deadline", "2026-11-30T12:00:00Z", "--late-per-day", "10"];
    assert_eq!(score(&late), 9_000);
    assert_eq!(score(&[&late[..], &["--grace-days", "1"]].concat()), 10_000);
    assert_eq!(score(&[&late[..], &["--cut-off", "2026-12-01T00:00:00Z"]].concat()), 0);
    // What the submission says of itself is after this deadline; nobody says when it was received.
    let said = grade(&place, &["--deadline", "2020-01-01T00:00:00Z", "--late-per-day", "10"]);
    let told = grades(&place);
    assert_eq!((said.code, told["ada"]["score"].as_u64()), (0, Some(10_000)));
    assert_eq!(flags(&told["ada"]), ["receipt-unknown"]);
}

#[test]
fn what_two_students_share_is_flagged_on_both_and_changes_no_score() {
    let place = place(&[
        ("a.tar.zst", submission("solution", "ada", nonce("same"))),
        ("b.tar.zst", submission("solution", "bob", nonce("same"))),
        ("e.tar.zst", submission("solution", "eve", nonce("own"))),
    ]);
    let said = grade(&place, &[]);
    assert!(said.out.contains("\n2 with something you should look at\n"), "{}", said.out);
    let told = grades(&place);
    for (student, expected) in [("ada", vec!["same-nonce"]), ("bob", vec!["same-nonce"]), ("eve", vec![])] {
        assert_eq!(flags(&told[student]), expected, "{student}");
        assert_eq!(told[student]["score"], 10_000);
    }
    assert_eq!(told["ada"]["flags"][0]["says"], "it was made from the same attempt as by `bob`");
}

#[test]
fn an_assignment_belongs_to_one_student() {
    let place = place(&[]);
    let args = ["assign", "--lab", "lab01", "--roster", "roster.csv", "--out", "a.csv", "--secret", "secret"];
    let said = place.run(&args);
    let out = "3 assignments of lab01 in `a.csv`\nnext: give each student the token, for `labcheck start lab01 --token TOKEN`\n";
    said.is(0, out, "made the secret `secret`; keep it, and keep it to yourself\n");
    let text = fs::read_to_string(place.path("a.csv")).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    for (student, of) in [("ada", 0), ("bob", 0), ("eve", 2)] {
        let (nonce, seed) = (rows[of][1].to_owned(), rows[of][2].parse().unwrap());
        let made = submission("solution", student, |evidence| {
            *evidence = class::with_nonce(evidence, &nonce).unwrap();
            evidence.params.seed = seed;
        });
        place.write(&format!("in/{student}.tar.zst"), made);
    }
    grade(&place, &["--assignment", "a.csv"]);
    let told = grades(&place);
    assert_eq!(flags(&told["ada"]), ["same-nonce"]);
    assert_eq!(flags(&told["bob"]), ["other-assignment", "same-nonce"]);
    assert_eq!(flags(&told["eve"]), Vec::<&str>::new());

    let again = place.run(&args);
    again.is(
        2,
        "",
        "error: `a.csv` exists; students may work from it already\nnext: choose another `--out`, or move it away\n",
    );
    let token = rows[1][4];
    let said = place.run(&["start", "lab06", "--token", token]);
    said.is(2, "", "error: the token is for `lab01`, expected one for `lab06`\n");
    let said = place.run(&["start", "lab01", "--token", &token[..20]]);
    said.is(2, "", "error: the token is cut off or changed; copy all of it\n");
}

#[test]
fn an_overlay_adds_hidden_checks_bonus_and_other_points() {
    let place = place(&[("a.tar.zst", submission("solution", "ada", |_| {}))]);
    let lab = fs::read_to_string(repository().join("labs/01-environment/lab.yaml")).unwrap();
    let first = lab.lines().find_map(|line| line.strip_prefix("- id: ")).unwrap();
    place.write(
        "rubric.yaml",
        format!(
            "format: 1\nlab: lab01\npoints: {{{first}: 50}}\nbonus: [extra]\nhidden:\n\
             - id: extra\n  title: Beyond\n  points: 10\n  text: unseen\n  hints: [a, b, c]\n  checks:\n  \
             - id: unseen\n    title: two and two is four\n    expect: 2 + 2 == 4\n    wrong: no\n"
        ),
    );
    let said = grade(&place, &["--rubric", "rubric.yaml"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let told = grades(&place);
    let points = told["ada"]["points"].as_u64().unwrap();
    assert_eq!(told["ada"]["score"].as_u64(), Some(points * 100 + 1_000));
    for (overlay, says) in [
        ("format: 1\nlab: lab06\n", "`rubric.yaml` is a rubric of `lab06`, expected `lab01`"),
        ("format: 2\nlab: lab01\n", "`rubric.yaml` has format 2, expected 1"),
        ("format: 1\nlab: lab01\npoints: {nope: 1}\n", "`rubric.yaml`: the lab has no task `nope`; it has `"),
        ("format: 1\nlab: lab01\nhiden: []\n", "`rubric.yaml`: "),
    ] {
        place.write("rubric.yaml", overlay);
        let said = grade(&place, &["--rubric", "rubric.yaml"]);
        assert_eq!((said.code, said.out.as_str()), (2, ""));
        assert!(said.err.starts_with(&format!("error: {says}")), "{}", said.err);
    }
}

#[test]
fn a_teachers_decision_stands_in_place_of_the_score() {
    let place = place(&[("a.tar.zst", submission("starter", "ada", |_| {}))]);
    place.write("decisions.csv", "student,score,reason,author\nada,88.5,the cluster was ours,kim\n");
    grade(&place, &["--decisions", "decisions.csv"]);
    let told = grades(&place);
    assert_eq!(told["ada"]["score"], 8_850);
    assert_eq!(told["ada"]["decision"]["author"], "kim");
    place.write("decisions.csv", "student,score,reason,author\nada,88.5,,kim\n");
    let said = grade(&place, &["--decisions", "decisions.csv"]);
    said.is(2, "", "error: `decisions.csv`, line 2: the reason is empty; a decision has both\n");
}

#[test]
fn output_directories_are_not_mixed_up() {
    let place = place(&[("a.tar.zst", submission("solution", "ada", |_| {}))]);
    grade(&place, &[]);
    let args = ["grade", "in", "--lab", "lab06", "--roster", "roster.csv", "--out", "out"];
    let said = place.run(&args);
    assert_eq!((said.code, said.out.as_str()), (3, ""));
    assert!(
        said.err
            .ends_with("error: `out` holds grades of `lab01`, expected `lab06`; choose another `--out`\n"),
        "{}",
        said.err
    );
    let lock = fs::File::open(place.path("out/.lock")).unwrap();
    lock.lock().unwrap();
    let said = grade(&place, &[]);
    said.is(
        2,
        "",
        "error: another labcheck is grading into `out`\nnext: wait for it, or choose another `--out`\n",
    );
    drop(lock);
    let journal = rusqlite::Connection::open(place.path("out/journal.sqlite")).unwrap();
    journal.execute_batch("PRAGMA user_version = 9").unwrap();
    drop(journal);
    let said = grade(&place, &[]);
    assert_eq!(said.code, 3);
    assert!(said.err.contains("has version 9, expected 2; a newer labcheck wrote it"), "{}", said.err);
}

/// What an earlier labcheck judged is not judged again.
#[test]
fn a_journal_of_an_earlier_version_is_taken_over() {
    let place = place(&[("a.tar.zst", submission("solution", "ada", |_| {}))]);
    let graded = |place: &Place| fs::read_to_string(place.path("out/grades.json")).unwrap();
    grade(&place, &[]);
    let before = graded(&place);
    let journal = rusqlite::Connection::open(place.path("out/journal.sqlite")).unwrap();
    journal
        .execute_batch(
            "CREATE TABLE earlier (
               bundle TEXT NOT NULL, rubric TEXT NOT NULL, brief TEXT NOT NULL, report BLOB,
               PRIMARY KEY (bundle, rubric)) WITHOUT ROWID;
             INSERT INTO earlier SELECT * FROM judged;
             DROP TABLE judged;
             ALTER TABLE earlier RENAME TO judged;
             PRAGMA user_version = 1;",
        )
        .unwrap();
    drop(journal);
    let said = grade(&place, &[]);
    assert!(said.err.contains("grading lab01: 0 judged anew"), "{}", said.err);
    assert_eq!(graded(&place), before);
}

#[test]
fn broken_rosters_and_options_are_named() {
    let place = place(&[]);
    for (roster, says) in [
        (
            "id,name\nada,Ada\nADA,Ada\n",
            "`roster.csv`, line 3: id `ADA` stands on line 2 already; ids must be unique",
        ),
        ("name\nAda\n", "`roster.csv` has no column `id`; found `name`"),
        ("", "`roster.csv` is empty; its first line must name the columns"),
    ] {
        place.write("roster.csv", roster);
        grade(&place, &[]).is(2, "", &format!("error: {says}\n"));
    }
    // What Excel writes in Western Europe.
    place.write("roster.csv", b"\xef\xbb\xbfid;name\r\nada;Ada\r\n");
    assert_eq!(grade(&place, &[]).code, 0);
    place.write("roster.csv", b"id;name\r\nada;Andr\xe9\r\n");
    grade(&place, &[]);
    assert_eq!(grades(&place)["ada"]["student"]["name"], "André");
    let said = grade(&place, &["--late-per-day", "10"]);
    said.is(2, "", "error: `--late-per-day` and `--cut-off` need a `--deadline`\n");
    let said = grade(&place, &["--deadline", "2026-12-01T12:00"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("`2026-12-01T12:00` is no time with a zone"), "{}", said.err);
    let said = place.run(&["grade", "nowhere", "--lab", "lab01", "--roster", "roster.csv", "--out", "out"]);
    assert_eq!(said.code, 3);
    assert!(said.err.ends_with("error: `nowhere`: No such file or directory (os error 2)\n"), "{}", said.err);
}
