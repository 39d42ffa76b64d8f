//! A judge or a reader that breaks costs one submission, or one archive: the
//! process that reads and judges is really ended here, by a panic, by a stack
//! that runs over, and by a signal.

#![allow(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

use std::{
    env,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use lab_bulk::{
    Roster, Rubric,
    batch::Batch,
    journal::Journal,
    outputs::{Kind, Setting},
    settle::Rules,
    supervise,
};
use lab_spec::{Evidence, Lab};
use serde_json::Value;

const PLACE: &str = "LAB_BULK_CRASH_PLACE";
const HOW: &str = "LAB_BULK_CRASH_HOW";
const READ: &str = "LAB_BULK_CRASH_READ";
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

/// Ends the process where the victim is about to be read.
fn reading(place: &str) {
    let victim = env::var(READ).unwrap_or_default();
    if !victim.is_empty() && place.ends_with(&victim) {
        die(&env::var(HOW).unwrap_or_default());
    }
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
    let victim = fs::read_to_string(place.join("victim")).unwrap_or_default();
    let roster = Roster::parse("roster.csv", &fs::read(place.join("roster.csv")).unwrap()).unwrap();
    let rules = Rules::plain(&roster, rubric.points());
    let judging = |evidence: &Evidence| {
        if !victim.is_empty() && evidence.params.nonce == victim {
            die(&how);
        }
        rubric.report(&judge, evidence)
    };
    let out = place.join(out(&how, &env::var(READ).unwrap_or_default()));
    let store = Arc::new(Journal::open(&out, &rubric.lab().id).unwrap());
    let batch = Batch {
        rubric: &rubric,
        judge: &judge,
        judging: &judging,
        reading,
        paths: &[place.join("submissions")],
        shard: None,
        out: &out,
        threads: 3,
        progress: &|_, _| {},
    };
    let mut class = batch.run(store, &rules).unwrap();
    let course = rubric.course();
    let setting = Setting { course: &course, roster: &roster };
    let mut json = Kind::Json.begin(&out, &setting).unwrap();
    class.grades().for_each(|grade| json.add(&grade.unwrap()).unwrap());
    json.finish(&class.unmatched).unwrap();
}

/// Where the grades of a run go.
fn out(how: &str, read: &str) -> String {
    format!("{how}-{}", read.replace(['/', '!'], "-"))
}

/// The grades that come out when a submission breaks the judge in this way, or
/// the reader where it reads `read`.
fn grades(place: &Path, how: &str, read: &str) -> Value {
    let out = place.join(out(how, read));
    fs::create_dir_all(&out).unwrap();
    supervise::begin(&out).unwrap();
    let status = supervise::supervise(&out, || {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "worker", "--ignored", "--quiet"])
            .env(PLACE, place)
            .env(HOW, how)
            .env(READ, read)
            .env("RUST_BACKTRACE", "0");
        command
    });
    assert!(status.unwrap().success(), "{how} {read}");
    serde_json::from_slice(&fs::read(out.join("grades.json")).unwrap()).unwrap()
}

/// Students whose grade is another one.
fn differing(whole: &Value, broken: &Value) -> Vec<String> {
    let differs = |at: &usize| whole["grades"][at] != broken["grades"][at];
    let id = |at| broken["grades"][at]["student"]["id"].as_str().unwrap().to_owned();
    (0..STUDENTS).filter(differs).map(id).collect()
}

/// Puts these students' submissions into a zip archive.
fn zipped(place: &Path, archive: &str, students: &[&str]) {
    let mut zip = zip::ZipWriter::new(File::create(place.join("submissions").join(archive)).unwrap());
    for student in students {
        let path = place.join("submissions").join(format!("{student}.tar.zst"));
        zip.start_file(format!("{student}.tar.zst"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&fs::read(&path).unwrap()).unwrap();
        fs::remove_file(path).unwrap();
    }
    zip.finish().unwrap();
}

/// The class, and what its fifth student has as nonce.
fn class(place: &Path) -> (String, String) {
    let plan =
        class::Plan { labs: labs(), lab: "lab01".to_owned(), students: STUDENTS, seed: 7, honest: true };
    plan.write(place).unwrap();
    let assignment = fs::read_to_string(place.join("assignment.csv")).unwrap();
    let row: Vec<_> = assignment.lines().nth(5).unwrap().split(',').collect();
    (row[0].to_owned(), row[1].to_owned())
}

#[test]
fn one_submission_that_breaks_the_judge_costs_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path();
    let (student, nonce) = class(place);
    fs::write(place.join("victim"), nonce).unwrap();
    let whole = grades(place, "never", "");
    assert_eq!(whole["unmatched"].as_array().unwrap().len(), 0);
    for how in ["panic", "stack", "signal"] {
        let broken = grades(place, how, "");
        assert_eq!(differing(&whole, &broken), [student.as_str()], "{how}");
        let told = broken.to_string();
        assert!(told.contains("judging it failed; this is a defect of labcheck, not yours"), "{how}: {told}");
    }
}

#[test]
fn what_breaks_the_reader_of_archives_costs_one_member_or_one_archive() {
    const WHY: &str = "reading it failed; this is a defect of labcheck, not yours";
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path();
    class(place);
    zipped(place, "half.zip", &["s000003", "s000004", "s000005"]);
    zipped(place, "other.zip", &["s000009", "s000010"]);
    let whole = grades(place, "never", "");
    assert_eq!(whole["unmatched"].as_array().unwrap().len(), 0);
    assert!((0..STUDENTS).all(|at| whole["grades"][at]["standing"]["is"] == "graded"), "{whole}");
    for how in ["panic", "stack", "signal"] {
        // A member: its own student has no score and is told why.
        let broken = grades(place, how, "half.zip!s000004.tar.zst");
        assert_eq!(differing(&whole, &broken), ["s000004"], "{how}");
        assert_eq!(broken["grades"][3]["standing"], serde_json::json!({"is": "ungradable", "why": WHY}));
        assert_eq!(broken["unmatched"].as_array().unwrap().len(), 0, "{how}");
        // An archive as a whole: it is named, and those in it have no grade.
        let broken = grades(place, how, "submissions/other.zip");
        assert_eq!(differing(&whole, &broken), ["s000009", "s000010"], "{how}");
        assert_eq!(broken["unmatched"].as_array().unwrap().len(), 1, "{how}");
        assert!(broken["unmatched"][0]["place"].as_str().unwrap().ends_with("other.zip"), "{how}");
        assert_eq!(broken["unmatched"][0]["why"], WHY, "{how}");
    }
}

/// An export's list, which names the folders around it.
#[test]
fn what_breaks_the_reader_of_an_exports_list_costs_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path();
    class(place);
    let list = "submission_1:\n  :submitters:\n  - :sid: s000001\n  :created_at: 2026-12-01 12:00:00 Z\n";
    fs::write(place.join("submissions/submission_metadata.yml"), list).unwrap();
    let whole = grades(place, "never", "");
    let broken = grades(place, "stack", "submissions/submission_metadata.yml");
    assert_eq!(differing(&whole, &broken), [""; 0]);
    assert!(broken["unmatched"][0]["place"].as_str().unwrap().ends_with("submission_metadata.yml"));
}
