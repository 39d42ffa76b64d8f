//! The same evidence as another student would have it: other UIDs, another
//! nonce, another seed, all of it consistent.

use anyhow::Context as _;
use jiff::Timestamp;
use lab_bulk::assignment::Token;
use lab_bundle::submission::{self, ClusterId, Draft, Key};
use lab_spec::{Evidence, Outcome};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Length of a UUID's text.
const UUID: usize = 36;

/// The submission of a student whose state was the recorded one.
pub fn submission(recorded: &str, token: &Token, student: &str, key: &Key) -> anyhow::Result<Vec<u8>> {
    let text = other_uids(recorded, student);
    let mut evidence = with_nonce(&serde_json::from_str(&text)?, &token.params.nonce)?;
    evidence.params = token.params.clone();
    let cluster = uid_of(&evidence).map(|kube_system_uid| ClusterId {
        ca_sha256: lab_bundle::hex(&Sha256::digest(format!("CA of {student}"))),
        kube_system_uid,
    });
    let wall = evidence.looks.last().context("evidence without a look")?.wall_ms;
    let draft = Draft {
        tool: "labcheck 0.1.0".to_owned(),
        student: student.to_owned(),
        cluster,
        made: Timestamp::from_millisecond(wall + 1_000)?.to_string(),
    };
    Ok(submission::write(draft, &evidence, key)?)
}

/// The evidence of an attempt with another nonce: the nonce is also in what the
/// workload answered.
///
/// # Errors
/// Only a nonce that cannot stand in JSON.
pub fn with_nonce(evidence: &Evidence, nonce: &str) -> anyhow::Result<Evidence> {
    let text = serde_json::to_string(evidence)?.replace(&evidence.params.nonce, nonce);
    let mut evidence: Evidence = serde_json::from_str(&text)?;
    for result in evidence.experiments.values_mut().flat_map(|record| record.results.values_mut()) {
        prove(result);
    }
    Ok(evidence)
}

/// The evidence as it would be of a cluster in which everything takes this many
/// times as long. What a recording shows for seconds only, this shows for as
/// long as it must last.
///
/// # Errors
/// No look, or times that no clock shows.
pub fn slowed(evidence: &Evidence, times: i64) -> anyhow::Result<Evidence> {
    let begin = evidence.looks.first().context("evidence without a look")?.wall_ms;
    let mut value = serde_json::to_value(evidence)?;
    slow(&mut value, begin, times)?;
    Ok(serde_json::from_value(value)?)
}

fn slow(value: &mut Value, begin: i64, times: i64) -> anyhow::Result<()> {
    let later = |at: i64| begin + (at - begin) * times;
    match value {
        Value::String(text) => {
            if let Ok(at) = text.parse::<Timestamp>() {
                *text = Timestamp::from_millisecond(later(at.as_millisecond()))?.to_string();
            }
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| slow(item, begin, times))?,
        Value::Object(fields) => {
            for (field, value) in fields {
                match (field.as_str(), value.as_i64()) {
                    ("wallMs", Some(at)) => *value = later(at).into(),
                    ("atMs" | "at_ms" | "took_ms" | "started_ms" | "gone_ms", Some(after)) => {
                        *value = (after * times).into();
                    }
                    _ => slow(value, begin, times)?,
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// What proved the nonce that was replaced proves the new one.
fn prove(result: &mut Value) {
    let answers = match result.get_mut("requests") {
        Some(Value::Array(requests)) => requests.iter_mut().collect(),
        _ => result.get_mut("answer").into_iter().collect::<Vec<_>>(),
    };
    for answer in answers.into_iter().filter(|answer| answer["proven"] == true) {
        let of = |field: &str| answer[field].as_str().unwrap_or_default();
        let proven = [of("nonce"), of("class"), of("digest")].join("\n");
        answer["proof"] = lab_bundle::hex(&Sha256::digest(proven)).into();
    }
}

fn uid_of(evidence: &Evidence) -> Option<String> {
    let Outcome::Present(items) = &evidence.seen("list v1 namespaces")?.outcome else { return None };
    let system = items.as_array()?.iter().find(|item| item["metadata"]["name"] == "kube-system")?;
    system["metadata"]["uid"].as_str().map(str::to_owned)
}

/// The text with every UUID replaced, the same one by the same.
fn other_uids(text: &str, student: &str) -> String {
    let bytes = text.as_bytes();
    let (mut varied, mut at, mut copied) = (String::with_capacity(text.len()), 0, 0);
    while at + UUID <= bytes.len() {
        if !is_uuid(&bytes[at..at + UUID]) {
            at += 1;
            continue;
        }
        varied.push_str(&text[copied..at]);
        varied.push_str(&other_uid(&text[at..at + UUID], student));
        at += UUID;
        copied = at;
    }
    varied.push_str(&text[copied..]);
    varied
}

fn is_uuid(bytes: &[u8]) -> bool {
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];
    // The hyphens first: almost every place has none.
    HYPHENS.iter().all(|at| bytes[*at] == b'-')
        && bytes
            .iter()
            .enumerate()
            .all(|(at, byte)| HYPHENS.contains(&at) || byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}

fn other_uid(uid: &str, student: &str) -> String {
    let hex = lab_bundle::hex(&Sha256::digest(format!("{student} {uid}")));
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}
