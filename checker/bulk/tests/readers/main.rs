//! Readers of what others wrote, under bytes that nobody meant: none panics,
//! and none takes more memory than its bounds allow.
//!
//! `LABCHECK_FUZZ_SECONDS=1800 cargo test -p lab-bulk --release --test readers`
//! goes on for that long instead of a few seconds. What was found once stands
//! in `corpus/` and is read each time.

#![allow(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

mod mutate;

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use class::Recorded;
use lab_bulk::{
    Roster, Rubric, assignment, decisions, inbox,
    table::{Table, TableError},
    times,
};
use lab_bundle::submission::{self, Draft, Key};
use lab_spec::{Evidence, Lab};
use proptest::{
    prelude::*,
    test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner},
};
use serde_json::Value;

use mutate::{Change, changes, values};

/// Seconds for each property, unless the environment says otherwise.
const SECONDS: u64 = 2;
/// Kibibytes that a process may take beyond what it had before: the evidence of
/// one submission as text and as values, and a member of an archive.
const MEMORY: u64 = 160 << 10;

/// The time there is for one property.
fn time() -> Duration {
    let said = env::var("LABCHECK_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(said.unwrap_or(SECONDS))
}

/// Runs a property over changed seeds until its time is up.
fn hold(name: &str, seeds: &[Vec<u8>], read: impl Fn(&[u8]) -> Result<(), TestCaseError>) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers/corpus").join(name);
    for entry in fs::read_dir(&corpus).into_iter().flatten() {
        let path = entry.unwrap().path();
        read(&fs::read(&path).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let (begun, before) = (Instant::now(), peak());
    let mut cases = 0;
    while begun.elapsed() < time() {
        let config = Config {
            cases: 32,
            failure_persistence: Some(Box::new(FileFailurePersistence::Direct(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/readers/regressions.txt"
            )))),
            ..Config::default()
        };
        let strategy = (0..seeds.len(), changes());
        let property = |(seed, changes): (usize, Vec<Change>)| read(&mutate::apply(&seeds[seed], &changes));
        if let Err(error) = TestRunner::new(config).run(&strategy, property) {
            panic!("{name}: {error}");
        }
        cases += 32;
    }
    let grown = peak().saturating_sub(before);
    println!("{name}: {cases} cases, {grown} KiB more at the peak");
    assert!(grown < MEMORY, "{name}: {grown} KiB more, expected less than {MEMORY}");
}

/// The most memory this process has had, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn labs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join("labs")
}

fn good() -> Vec<u8> {
    let recorded = Recorded::of(&labs(), "lab01").unwrap();
    let draft = Draft {
        tool: "labcheck 0.1.0".to_owned(),
        student: "ada".to_owned(),
        cluster: None,
        made: "2026-12-01T12:00:00Z".to_owned(),
    };
    let evidence = serde_json::from_str(&recorded[0].evidence).unwrap();
    submission::write(draft, &evidence, &Key::from_secret(&[7; 32])).unwrap()
}

/// Reads bytes as a submission.
fn submission(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Err(fault) = submission::read(bytes) {
        let text = fault.to_string();
        prop_assert!(text.len() < 8192 && !text.contains('\n'), "{text:?}");
    }
    Ok(())
}

#[test]
fn submissions() {
    let good = good();
    let opened = zstd::decode_all(&good[..]).unwrap();
    hold("submission", &[good, Vec::new()], submission);
    // Behind the compression, where a changed byte is not found by its checksum.
    hold("submission-opened", &[opened], |bytes| submission(&zstd::encode_all(bytes, 1).unwrap()));
}

/// Evidence that its reader takes and no server gave: the judge says something
/// of it, in time and without breaking.
#[test]
fn evidence_that_is_judged() {
    for lab in ["lab01", "lab02", "lab06", "lab08"] {
        let labs = labs();
        let folder = fs::read_dir(&labs).unwrap().map(|entry| entry.unwrap().path());
        let folder = folder.filter(|path| path.is_dir()).find(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(lab.trim_start_matches("lab"))
        });
        let text = fs::read_to_string(folder.unwrap().join("lab.yaml")).unwrap();
        let rubric = Rubric::plain(Lab::parse(lab, &text).unwrap(), "test");
        let judge = rubric.judge(lab).unwrap();
        let recorded = Recorded::of(&labs, lab).unwrap();
        let solution = recorded.iter().find(|recorded| recorded.name == "solution").unwrap();
        let whole: Value = serde_json::from_str(&solution.evidence).unwrap();
        let begun = Instant::now();
        let (mut judged, mut cases) = (0, 0);
        while begun.elapsed() < time() {
            let config = Config { cases: 8, failure_persistence: None, ..Config::default() };
            let count = std::cell::Cell::new(0);
            let run = TestRunner::new(config).run(&values(), |values| {
                let mut changed = whole.clone();
                mutate::put(&mut changed, &values);
                let read = serde_json::from_value::<Evidence>(changed).ok();
                if let Some(evidence) = read.filter(|evidence| lab_bundle::check_times(evidence).is_ok()) {
                    count.set(count.get() + 1);
                    let begun = Instant::now();
                    let report = rubric.report(&judge, &evidence);
                    let earned = report.earned.map_or(0, |earned| earned.0);
                    prop_assert!(earned <= u64::from(report.points) * 100);
                    prop_assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
                }
                Ok(())
            });
            run.unwrap_or_else(|error| panic!("{lab}: {error}"));
            (judged, cases) = (judged + count.get(), cases + 8);
        }
        println!("judge of {lab}: {cases} cases, {judged} judged");
        assert!(judged > 0, "{lab}: no case was judged");
    }
}

#[test]
fn archives() {
    let good = good();
    let text = "submission_1:\n  :submitters:\n  - :sid: ada\n  :created_at: 2026-12-01 12:00:00 Z\n";
    let members = [
        ("e/submission_metadata.yml", text.as_bytes()),
        ("e/submission_1/a.tar.zst", &good),
        ("Ada L_17_assignsubmission_file_/b", b"<html>"),
        ("adal_LATE_17_9_c", b""),
    ];
    let zip = mutate::zip(&members);
    let tar = mutate::tar(&members);
    let seeds = [zip, tar.clone(), mutate::gzip(&tar), zstd::encode_all(&tar[..], 1).unwrap()];
    hold("inbox", &seeds, |bytes| inbox(&[("x", bytes)]));
    hold("inbox-opened", &[tar], |bytes| inbox(&[("x", &zstd::encode_all(bytes, 1).unwrap())]));
    hold("gradescope", &[text.into()], |bytes| {
        inbox(&[("submission_metadata.yml", bytes), ("submission_1/a.tar.zst", b"x")])
    });
}

/// Goes through everything that a directory of these files holds.
fn inbox(files: &[(&str, &[u8])]) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let roots: Vec<PathBuf> = files.iter().map(|(name, _)| dir.path().join(name)).collect();
    let found = inbox::files(&roots).unwrap();
    let mut items = 0;
    for item in inbox::items(found, &roots) {
        items += 1;
        match item.unwrap().content.bytes() {
            Ok(bytes) => prop_assert!(bytes.len() as u64 <= submission::MAX_BYTES + 1),
            Err(why) => {
                prop_assert!(!why.contains("broke the reader"), "{why}");
                prop_assert!(why.len() < 8192 && !why.contains('\n'), "{why:?}");
            }
        }
    }
    prop_assert!(items > 0, "something was dropped");
    Ok(())
}

/// Reads a table to its last row.
fn whole_table(bytes: &[u8]) -> Result<(), TableError> {
    Table::parse("t", bytes)?.rows().try_for_each(|row| row.map(drop))
}

#[test]
fn tables() {
    let seeds = [
        b"id,name,email\nada,\"Ada, L\",a@x.org\nbob,Bob,\n".to_vec(),
        "\u{feff}id;name\r\n1;Gr\u{fc}n\r\n".into(),
        b"\xff\xfei\0d\0\n\x001\0".to_vec(),
        b"student,nonce,seed,deadline\nada,n,7,2026-12-01T00:00:00Z\n".to_vec(),
        b"file,received\nada,2026-12-01T00:00:00Z\n".to_vec(),
        b"student,score,reason,author\nada,88.5,so,kim\n".to_vec(),
    ];
    let class = Roster::parse("r", b"id\nada\nbob\n").unwrap();
    hold("tables", &seeds, |bytes| {
        let faults = [
            whole_table(bytes).err().map(|error| error.to_string()),
            Roster::parse("t", bytes).err().map(|error| error.to_string()),
            times::received("t", bytes).err(),
            assignment::read("t", bytes, &class).err(),
            decisions::read("t", bytes, &class).err(),
        ];
        prop_assert!(faults.iter().flatten().all(|fault| !fault.is_empty()));
        Ok(())
    });
}
