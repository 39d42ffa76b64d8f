//! The largest submissions that are read, judged on several threads: they take
//! turns. That keeps a class of them near the memory of one of them, and not yet
//! below 150 MiB in every run: 126 and 186 were seen. So this is run by name.

#![allow(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use class::Recorded;
use lab_bulk::{Roster, Rubric, Standing, batch::Batch, journal::Journal, settle::Rules};
use lab_bundle::submission::{self, Draft, Key, MAX_EVIDENCE};
use lab_spec::{Evidence, Lab, Outcome};
use serde_json::json;

const PLACE: &str = "LAB_BULK_MEMORY_PLACE";
const STUDENTS: [&str; 3] = ["ada", "bob", "cyd"];
/// Objects in the evidence, and bytes of text in each: with six fields each,
/// near all three bounds.
const OBJECTS: usize = 14_000;
const TEXT: usize = 1_000;
/// MiB that a process which judges may take.
const MOST: u64 = 150;

fn labs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../labs")
}

/// A submission as large as is taken.
fn large(student: &str) -> Vec<u8> {
    let recorded = Recorded::of(&labs(), "lab01").unwrap();
    let solution = recorded.iter().find(|recorded| recorded.name == "solution").unwrap();
    let mut evidence: Evidence = serde_json::from_str(&solution.evidence).unwrap();
    let look = evidence.looks.last_mut().unwrap();
    let mut seen = look.observations.values().next().unwrap().clone();
    let item = |n: usize| {
        json!({"apiVersion": "v1", "metadata": {"name": format!("{student}-{n}")},
            "data": {"text": "x".repeat(TEXT), "n": [n, n, n, n, n, n, n, n]}})
    };
    seen.outcome = Outcome::Present((0..OBJECTS).map(item).collect());
    look.observations.insert("list v1 configmaps".to_owned(), seen);
    let size = serde_json::to_vec(&evidence).unwrap().len() as u64;
    assert!(size <= MAX_EVIDENCE && size > MAX_EVIDENCE * 9 / 10, "{size}");
    let draft = Draft {
        tool: "labcheck 0.1.0".to_owned(),
        student: student.to_owned(),
        cluster: None,
        made: "2026-12-01T12:00:00Z".to_owned(),
    };
    submission::write(draft, &evidence, &Key::from_secret(&[7; 32])).unwrap()
}

/// The process that is measured: it judges and does nothing else.
#[test]
#[ignore = "started by the other test, in a process of its own"]
fn worker() {
    let place = PathBuf::from(env::var_os(PLACE).expect("it is started by the other test"));
    let lab = fs::read_to_string(labs().join("01-environment/lab.yaml")).unwrap();
    let rubric = Rubric::plain(Lab::parse("lab.yaml", &lab).unwrap(), "test");
    let judge = rubric.judge("lab.yaml").unwrap();
    let roster = Roster::parse("roster.csv", format!("id\n{}\n", STUDENTS.join("\n")).as_bytes()).unwrap();
    let rules = Rules::plain(&roster, rubric.points());
    let judging = |evidence: &Evidence| rubric.report(&judge, evidence);
    let out = place.join("out");
    let store = Arc::new(Journal::open(&out, &rubric.lab().id).unwrap());
    let batch = Batch {
        rubric: &rubric,
        judge: &judge,
        judging: &judging,
        reading: |_| {},
        paths: &[place.join("in")],
        shard: None,
        out: &out,
        threads: 3,
        progress: &|_, _| {},
    };
    let mut class = batch.run(store, &rules).unwrap();
    let standing: Vec<_> = class.grades().map(|grade| grade.unwrap().standing).collect();
    assert_eq!(standing, vec![Standing::Graded; STUDENTS.len()]);
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    fs::write(place.join("peak"), line.trim().trim_end_matches(" kB")).unwrap();
}

#[test]
#[ignore = "measures memory, which depends on how the threads meet"]
fn the_largest_submissions_take_turns() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path();
    fs::create_dir(place.join("in")).unwrap();
    fs::create_dir(place.join("out")).unwrap();
    for student in STUDENTS {
        fs::write(place.join(format!("in/{student}.tar.zst")), large(student)).unwrap();
    }
    let worker = Command::new(env::current_exe().unwrap())
        .args(["--exact", "worker", "--ignored", "--quiet"])
        .env(PLACE, place)
        .status();
    assert!(worker.unwrap().success());
    let peak: u64 = fs::read_to_string(place.join("peak")).unwrap().parse().unwrap();
    println!("{} submissions at their bounds on 3 threads: {} MiB at the peak", STUDENTS.len(), peak >> 10);
    assert!(peak >> 10 <= MOST, "{} MiB, expected at most {MOST}", peak >> 10);
}
