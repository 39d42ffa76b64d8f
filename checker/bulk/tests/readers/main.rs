//! Readers of what others wrote, under bytes that nobody meant: none panics,
//! and none takes more memory than its bounds allow.
//!
//! `LABCHECK_FUZZ_SECONDS=1800 cargo test -p lab-bulk --release --test readers`
//! goes on for that long instead of a few seconds. What was found once stands
//! in `regressions.txt` and is read each time.

#![allow(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

mod change;

use std::{
    fs,
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
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde_json::Value;

use change::values;

/// Kibibytes that a process may take beyond what it had before: the evidence of
/// one submission as text and as values, and a member of an archive.
const MEMORY: u64 = 160 << 10;

/// Holds a reader to its promise, and to its bound of memory.
fn hold(name: &str, seeds: &[Vec<u8>], read: impl Fn(&[u8]) -> Result<(), TestCaseError>) {
    let before = peak();
    let cases = mutate::hold(
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/readers/regressions.txt"),
        name,
        seeds,
        read,
    );
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
    hold("submission", &[good(), Vec::new()], submission);
}

/// Behind the compression, where a changed byte is not found by its checksum.
#[test]
fn submissions_opened() {
    let opened = zstd::decode_all(&good()[..]).unwrap();
    hold("submission-opened", &[opened], |bytes| submission(&zstd::encode_all(bytes, 1).unwrap()));
}

/// Evidence that its reader takes and no server gave: the judge says something
/// of it, in time and without breaking.
fn judged(lab: &str) {
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
    while begun.elapsed() < mutate::time() {
        let config = Config { cases: 8, failure_persistence: None, ..Config::default() };
        let count = std::cell::Cell::new(0);
        let run = TestRunner::new(config).run(&values(), |values| {
            let mut changed = whole.clone();
            change::put(&mut changed, &values);
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

#[test]
fn evidence_of_lab01() {
    judged("lab01");
}

#[test]
fn evidence_of_lab02() {
    judged("lab02");
}

#[test]
fn evidence_of_lab03() {
    judged("lab03");
}

#[test]
fn evidence_of_lab06() {
    judged("lab06");
}

#[test]
fn evidence_of_lab08() {
    judged("lab08");
}

const METADATA: &str = "submission_1:\n  :submitters:\n  - :sid: ada\n  :created_at: 2026-12-01 12:00:00 Z\n";

/// A tar of a class, and the ways in which it may be wrapped.
fn wrapped() -> (Vec<u8>, Vec<Vec<u8>>) {
    let good = good();
    let members = [
        ("e/submission_metadata.yml", METADATA.as_bytes()),
        ("e/submission_1/a.tar.zst", &good),
        ("Ada L_17_assignsubmission_file_/b", b"<html>"),
        ("adal_LATE_17_9_c", b""),
    ];
    let zip = change::zip(&members);
    let tar = change::tar(&members);
    let seeds = vec![zip, tar.clone(), change::gzip(&tar), zstd::encode_all(&tar[..], 1).unwrap()];
    (tar, seeds)
}

#[test]
fn archives() {
    hold("inbox", &wrapped().1, |bytes| inbox(&[("x", bytes)]));
}

#[test]
fn archives_opened() {
    hold("inbox-opened", &[wrapped().0], |bytes| inbox(&[("x", &zstd::encode_all(bytes, 1).unwrap())]));
}

#[test]
fn gradescope() {
    hold("gradescope", &[METADATA.into()], |bytes| {
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

/// Files of labs, and what says of one that it is right.
fn lab_files() -> Vec<(String, String)> {
    let folders = fs::read_dir(labs()).unwrap().map(|entry| entry.unwrap().path().join("lab.yaml"));
    let mut files: Vec<_> = folders.filter(|file| file.is_file()).collect();
    // A case that failed names its seed by number.
    files.sort();
    let named = |file: PathBuf| (file.display().to_string(), fs::read_to_string(file).unwrap());
    files.into_iter().map(named).collect()
}

/// A lab that an author is writing: it is read or refused, and what is read is
/// compiled or refused, with a place.
#[test]
fn labs_half_written() {
    let seeds: Vec<_> = lab_files().into_iter().map(|(_, text)| text.into_bytes()).collect();
    assert!(seeds.len() >= 5, "{} labs", seeds.len());
    hold("labs", &seeds, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let faults = match Lab::parse("lab.yaml", &text) {
            Err(faults) => faults,
            Ok(lab) => Rubric::plain(lab, "test").judge("lab.yaml").map(drop).err().unwrap_or_default(),
        };
        for fault in &faults {
            let shown = fault.to_string();
            prop_assert!(shown.contains("lab.yaml") && shown.len() < 8192, "{shown}");
        }
        Ok(())
    });
}

/// An instructor's overlay over a lab.
#[test]
fn overlays() {
    let (file, text) = lab_files().swap_remove(0);
    let lab = Lab::parse(&file, &text).unwrap();
    let (id, task) = (&lab.id, &lab.tasks[0].id);
    let overlay = format!(
        "format: 1\nlab: {id}\npoints: {{{task}: 5}}\nbonus: [more]\nhidden:\n- {{id: more, title: M, points: 10, \
         text: T, hints: [a, b, c], checks: [{{id: unseen, title: U, expect: 'true', wrong: w}}]}}\n"
    );
    Rubric::overlaid(lab.clone(), "test", "o.yaml", &overlay).unwrap();
    hold("overlays", &[overlay.into()], |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Err(why) = Rubric::overlaid(lab.clone(), "test", "o.yaml", &text) {
            prop_assert!(why.contains("`o.yaml`") && why.len() < 8192, "{why}");
        }
        Ok(())
    });
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
