//! Whether evidence agrees with itself: recorded evidence does, all of it, and
//! forged evidence does not.

#![allow(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

mod attempt;
mod forge;
mod forged;
mod pace;

use std::{fs, path::PathBuf};

use lab_bulk::{Flag, consistency};
use lab_bundle::{
    Digest, Redaction,
    submission::{Card, ClusterId, Key, Submission},
};
use lab_spec::{Evidence, FORMAT, Outcome};

/// Every bundle of every lab.
fn bundles() -> Vec<PathBuf> {
    let labs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../labs");
    let folders = fs::read_dir(labs).unwrap().map(|lab| lab.unwrap().path().join("evidence"));
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|file| file.unwrap().path());
    let mut bundles: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|end| end == "labcheck")).collect();
    bundles.sort();
    bundles
}

/// The submission that was made of this evidence when looking ended.
fn submitted(evidence: Evidence) -> Submission {
    let look = evidence.looks.last().unwrap();
    let since = evidence.experiments.values().flat_map(|record| &record.log);
    let end = since.map(|step| step.at_ms + step.took_ms).max().unwrap_or(0).max(look.at_ms);
    let made = look.wall_ms + i64::try_from(end - look.at_ms).unwrap();
    let namespaces = evidence.seen("list v1 namespaces").map(|seen| &seen.outcome);
    let cluster = match namespaces {
        Some(Outcome::Present(items)) => {
            let mut items = items.as_array().unwrap().iter();
            let system = items.find(|item| item["metadata"]["name"] == "kube-system").unwrap();
            let uid = system["metadata"]["uid"].as_str().unwrap().to_owned();
            Some(ClusterId { ca_sha256: "00".to_owned(), kube_system_uid: uid })
        }
        _ => None,
    };
    let card = Card {
        format: FORMAT,
        lab: evidence.lab.clone(),
        tool: "labcheck test".to_owned(),
        student: "ada".to_owned(),
        cluster,
        nonce: evidence.params.nonce.clone(),
        made: jiff::Timestamp::from_millisecond(made).unwrap().to_string(),
        evidence: Digest { bytes: 0, sha256: String::new() },
        redaction: Redaction::default(),
    };
    let signer = Key::from_secret(&[7; 32]).public();
    Submission { card, evidence, signer, extra: Vec::new() }
}

fn said(flags: &[Flag]) -> Vec<String> {
    flags.iter().map(|flag| format!("{}: {}", flag.code, flag.says)).collect()
}

#[test]
fn recorded_evidence_agrees_with_itself() {
    let bundles = bundles();
    assert!(bundles.len() > 100, "{} bundles", bundles.len());
    let mut wrong = Vec::new();
    for bundle in bundles {
        let submission = submitted(lab_bundle::read(&bundle).unwrap());
        let flags = consistency::findings(&submission);
        wrong.extend(said(&flags).into_iter().map(|said| format!("{}: {said}", bundle.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
