//! Submissions and archives, good ones and others.

use std::{io::Write as _, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey};
use lab_bundle::submission::{self, Draft, EVIDENCE, Key, MANIFEST, SIGNATURE};
use lab_spec::Evidence;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::place::recorded;

/// The recorded solution of lab 01, as an attempt of this student's.
pub fn evidence(student: &str) -> Evidence {
    attempt("solution", student)
}

/// A recorded state of lab 01, as an attempt of this student's.
pub fn attempt(state: &str, student: &str) -> Evidence {
    let evidence = lab_bundle::read(Path::new(&recorded(state))).unwrap();
    let mut evidence = class::with_nonce(&evidence, &format!("nonce of {student}")).unwrap();
    evidence.params.seed = student.bytes().map(u64::from).sum();
    evidence
}

/// When a submission of this evidence is made: a minute after it was looked at.
pub fn made(evidence: &Evidence) -> String {
    let looked = evidence.looks.last().unwrap().wall_ms;
    jiff::Timestamp::from_millisecond(looked + 60_000).unwrap().to_string()
}

fn secret(student: &str) -> [u8; 32] {
    Sha256::digest(student).into()
}

/// A submission as labcheck writes it.
pub fn submission(student: &str, evidence: &Evidence) -> Vec<u8> {
    let draft = Draft {
        tool: "labcheck 0.1.0".to_owned(),
        student: student.to_owned(),
        cluster: None,
        made: made(evidence),
    };
    submission::write(draft, evidence, &Key::from_secret(&secret(student))).unwrap()
}

/// One that scores all points.
pub fn good(student: &str) -> Vec<u8> {
    submission(student, &evidence(student))
}

/// The members of a submission.
pub struct Parts {
    pub manifest: Vec<u8>,
    pub evidence: Vec<u8>,
    pub signature: Vec<u8>,
}

/// What a submission of eve's is made of, with this text for its evidence. Its
/// digest and signature are right.
pub fn parts(evidence: &[u8]) -> Parts {
    parts_with(evidence, |_| {})
}

/// The same with a change to the manifest, before it is signed.
pub fn parts_with(evidence: &[u8], change: impl FnOnce(&mut Value)) -> Parts {
    let good = crate::forge::evidence("eve");
    let mut manifest = json!({
        "format": 1,
        "lab": good.lab,
        "tool": "labcheck 0.1.0",
        "student": "eve",
        "cluster": null,
        "nonce": good.params.nonce,
        "made": made(&good),
        "evidence": {"bytes": evidence.len(), "sha256": lab_bundle::hex(&Sha256::digest(evidence))},
        "redaction": {"values": 0, "classes": 0},
    });
    change(&mut manifest);
    signed(serde_json::to_vec(&manifest).unwrap(), evidence.to_vec())
}

/// A manifest with its signature.
pub fn signed(manifest: Vec<u8>, evidence: Vec<u8>) -> Parts {
    let key = SigningKey::from_bytes(&secret("eve"));
    let text = [&b"labcheck submission, format 1\n"[..], &manifest].concat();
    let signature = json!({
        "algorithm": "ed25519",
        "key": STANDARD.encode(key.verifying_key().as_bytes()),
        "signature": STANDARD.encode(key.sign(&text).to_bytes()),
    });
    Parts { manifest, evidence, signature: serde_json::to_vec(&signature).unwrap() }
}

impl Parts {
    /// Members of the archive.
    pub fn members(&self) -> Vec<Member> {
        vec![file(MANIFEST, &self.manifest), file(EVIDENCE, &self.evidence), file(SIGNATURE, &self.signature)]
    }

    /// The submission.
    pub fn packed(&self) -> Vec<u8> {
        zstd(&tar(&self.members()))
    }
}

/// A good submission of eve's, and more members before or behind its own.
pub fn beside(before: Vec<Member>, behind: Vec<Member>) -> Vec<u8> {
    let text = serde_json::to_vec(&evidence("eve")).unwrap();
    let own = parts(&text).members();
    zstd(&tar(&[before, own, behind].concat()))
}

/// A member of a tar archive: its header, and what follows it.
pub type Member = (Header, Vec<u8>);

/// A regular file of any name.
pub fn file(name: &str, bytes: &[u8]) -> Member {
    entry(name, EntryType::Regular, bytes)
}

/// Any entry.
pub fn entry(name: &str, kind: EntryType, bytes: &[u8]) -> Member {
    let mut header = Header::new_ustar();
    // `set_path` refuses what others write.
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_entry_type(kind);
    header.set_cksum();
    (header, bytes.to_vec())
}

/// A link.
pub fn link(name: &str, kind: EntryType, to: &str) -> Member {
    let (mut header, bytes) = entry(name, kind, b"");
    header.set_link_name_literal(to).unwrap();
    header.set_cksum();
    (header, bytes)
}

/// A member with another header.
pub fn changed((mut header, bytes): Member, change: impl FnOnce(&mut Header)) -> Member {
    change(&mut header);
    header.set_cksum();
    (header, bytes)
}

/// A record of an extended header.
pub fn pax(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let length = (1..).find(|length: &usize| length.to_string().len() + rest.len() == *length).unwrap();
    format!("{length}{rest}").into_bytes()
}

/// A tar archive.
pub fn tar(members: &[Member]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (header, bytes) in members {
        archive.extend_from_slice(header.as_bytes());
        archive.extend_from_slice(bytes);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

/// In one zstd frame.
pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

/// In one gzip member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A zip archive.
pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
