//! A judge that breaks costs one submission: the process that judges is really
//! ended here, by a panic, by a stack that runs over, and by a signal.

#![allow(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use lab_bulk::{
    Roster, Rubric,
    batch::Batch,
    late::Policy,
    outputs::{Kind, Setting},
    settle::{Attempts, Rules},
    supervise,
};
use lab_spec::{Evidence, Lab};

const PLACE: &str = "LAB_BULK_CRASH_PLACE";
const HOW: &str = "LAB_BULK_CRASH_HOW";
const STUDENTS: usize = 12;

fn labs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../labs")
}

/// Ends the process, or does not.
fn die(how: &str) {
    match how {
        "panic" => panic!("a defect of the judge"),
        "stack" => assert_ne!(deeper(1), 0),
        "signal" => std::process::abort(),
        _ => {}
    }
}

/// Goes deeper than any stack.
fn deeper(level: u64) -> u64 {
    let here = std::hint::black_box([level; 512]);
    if here[0] == u64::MAX { 0 } else { deeper(level + 1) + here[511] }
}

/// The worker: not a test of its own, it is started by the test below.
#[test]
#[ignore = "started by the other test, in processes of its own"]
fn worker() {
    let place = PathBuf::from(env::var_os(PLACE).expect("it is started by the other test"));
    let how = env::var(HOW).unwrap();
    let file = labs().join("01-environment/lab.yaml");
    let lab = Lab::parse("lab.yaml", &fs::read_to_string(file).unwrap()).unwrap();
    let rubric = Rubric::plain(lab, "test");
    let judge = rubric.judge("lab.yaml").unwrap();
    let victim = fs::read_to_string(place.join("victim")).unwrap();
    let roster = Roster::parse("roster.csv", &fs::read(place.join("roster.csv")).unwrap()).unwrap();
    let rules = Rules {
        roster: &roster,
        points: rubric.points(),
        policy: Policy::default(),
        attempts: Attempts::Best,
        received: Default::default(),
        assigned: Default::default(),
        decisions: Default::default(),
    };
    let judging = |evidence: &Evidence| {
        if evidence.params.nonce == victim {
            die(&how);
        }
        rubric.report(&judge, evidence)
    };
    let out = place.join(&how);
    let batch = Batch {
        rubric: &rubric,
        judge: &judge,
        judging: &judging,
        paths: &[place.join("submissions")],
        out: &out,
        threads: 3,
        progress: &|_, _| {},
    };
    let mut class = batch.run(&rules).unwrap();
    let course = rubric.course();
    let setting = Setting { course: &course, roster: &roster };
    let mut json = Kind::Json.begin(&out, &setting).unwrap();
    class.grades().for_each(|grade| json.add(&grade.unwrap()).unwrap());
    json.finish(&class.unmatched).unwrap();
}

/// The grades that come out when one submission breaks the judge in this way.
fn grades(place: &Path, how: &str) -> serde_json::Value {
    let out = place.join(how);
    fs::create_dir_all(&out).unwrap();
    supervise::begin(&out).unwrap();
    let status = supervise::supervise(&out, || {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "worker", "--ignored", "--quiet"])
            .env(PLACE, place)
            .env(HOW, how)
            .env("RUST_BACKTRACE", "0");
        command
    });
    assert!(status.unwrap().success());
    serde_json::from_slice(&fs::read(out.join("grades.json")).unwrap()).unwrap()
}

#[test]
fn one_submission_that_breaks_the_judge_costs_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path();
    let plan =
        class::Plan { labs: labs(), lab: "lab01".to_owned(), students: STUDENTS, seed: 7, honest: true };
    plan.write(place).unwrap();
    let assignment = fs::read_to_string(place.join("assignment.csv")).unwrap();
    let row: Vec<_> = assignment.lines().nth(5).unwrap().split(',').collect();
    fs::write(place.join("victim"), row[1]).unwrap();

    let whole = grades(place, "never");
    assert_eq!(whole["unmatched"].as_array().unwrap().len(), 0);
    for how in ["panic", "stack", "signal"] {
        let broken = grades(place, how);
        let differing: Vec<_> = (0..STUDENTS)
            .filter(|at| whole["grades"][at] != broken["grades"][at])
            .map(|at| broken["grades"][at]["student"]["id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(differing, [row[0]], "{how}");
        let told = broken.to_string();
        assert!(told.contains("judging it failed; this is a defect of labcheck, not yours"), "{how}: {told}");
    }
}
