//! Compose files of every form, resolved by the real resolver: what it says
//! of each must be what was recorded, and no secret may be in it.
//!
//! `UPDATE_GOLDENS=1 cargo test --workspace --test live_compose` records anew.
//! Needs `docker compose`, and no daemon; `clusters/offline/build compose`
//! builds one.

#![allow(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use lab_observe::compose::{FilesError, Options, read};
use lab_spec::Outcome;
use proptest::{prop_assert, test_runner::TestCaseError};
use serde_json::{Value, json};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join("tests/compose/corpus")
}

/// The folders in it, in an order that stays: a case that failed names its seed by number.
fn dirs() -> Vec<PathBuf> {
    let mut dirs: Vec<_> = fs::read_dir(corpus()).unwrap().map(|entry| entry.unwrap().path()).collect();
    dirs.sort();
    dirs
}

/// Where `clusters/offline/build compose` leaves it.
fn built() -> Option<PathBuf> {
    let cache = env::var_os("LABCHECK_CACHE").map(PathBuf::from);
    let cache = cache.or_else(|| Some(env::home_dir()?.join(".cache/labcheck")))?;
    Some(cache.join("offline/current"))
}

/// The answer, without the place this checkout lies in.
fn answer(dir: &Path) -> Value {
    let files = fs::read_to_string(dir.join("files")).unwrap_or_default();
    let options = Options {
        files: files.lines().map(PathBuf::from).collect(),
        project: None,
        directory: dir.to_owned(),
        program: built(),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let outcome = match runtime.block_on(read(&options, &["MODE".to_owned()], Duration::from_secs(20))) {
        Ok(Outcome::Present(answer)) => answer,
        Ok(Outcome::Unavailable(why)) => json!({"unavailable": why.message}),
        Ok(other) => panic!("{}: {other:?}", dir.display()),
        Err(error @ FilesError::None { .. }) => json!({"none": error.to_string()}),
        Err(error) => panic!("{}: {error}", dir.display()),
    };
    let place = corpus().canonicalize().unwrap();
    let text = outcome.to_string();
    let outside = place.ancestors().nth(2).unwrap().display().to_string();
    let text = text.replace(&place.display().to_string(), "/corpus").replace(&outside, "/checkout");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn every_file_is_resolved_as_recorded() {
    let dirs = dirs();
    assert!(dirs.len() >= 40, "{} files", dirs.len());
    let update = env::var_os("UPDATE_GOLDENS").is_some();
    let mut differing = Vec::new();
    for dir in dirs {
        let answer = answer(&dir);
        let text = format!("{answer:#}\n");
        assert!(!text.contains("hunter2"), "{}: a secret is in the answer:\n{text}", dir.display());
        let recorded = dir.join("answer.json");
        if update {
            fs::write(&recorded, &text).unwrap();
        } else if fs::read_to_string(&recorded).unwrap_or_default() != text {
            differing.push(format!("{}:\n{text}", dir.display()));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// Changed files through the real resolver: it refuses them or resolves them.
/// How long it takes is no part of it, for that depends on the machine.
#[test]
fn files_that_nobody_meant_are_refused_or_resolved() {
    let seeds: Vec<_> = dirs().iter().filter_map(|dir| fs::read(dir.join("compose.yaml")).ok()).collect();
    assert!(seeds.len() >= 30, "{} files", seeds.len());
    let place = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = Options { directory: place.path().to_owned(), program: built(), ..Options::default() };
    let cases = mutate::hold(
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/compose/regressions.txt"),
        "files",
        &seeds,
        |bytes| {
            fs::write(place.path().join("compose.yaml"), bytes).unwrap();
            let outcome = runtime
                .block_on(read(&options, &[], Duration::from_secs(20)))
                .map_err(|why| TestCaseError::fail(why.to_string()))?;
            match outcome {
                Outcome::Present(answer) => prop_assert!(answer["files"].is_array(), "{answer}"),
                Outcome::Unavailable(why) => prop_assert!(why.message.len() < 8192, "{}", why.message),
                other => prop_assert!(false, "{other:?}"),
            }
            Ok(())
        },
    );
    println!("files: {cases} cases");
}
