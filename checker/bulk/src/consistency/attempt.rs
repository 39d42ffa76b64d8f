//! What belongs to one attempt: nonce, proofs, cluster, the time of making.

use jiff::Timestamp;
use lab_bundle::Submission;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    Findings, quoted,
    seen::{Object, Seen, text},
};

/// Clocks are set now and then.
const SLACK_MS: i64 = 120_000;
/// A submission is made when looking ends. Laptops sleep in between, over a
/// weekend or longer, but not for this long.
const STALE_MS: i64 = 14 * 86_400_000;
/// A list may be answered a moment after something else was noted.
const GONE_MS: u64 = 10_000;

pub fn check(submission: &Submission, seen: &Seen<'_>, found: &mut Findings) {
    made(submission, found);
    cluster(submission, seen, found);
    let nonce = &submission.evidence.params.nonce;
    for (name, record) in &submission.evidence.experiments {
        for result in record.results.values() {
            experiment(name, nonce, result, found);
            gone(name, record.started_ms, result, seen, found);
        }
    }
}

fn made(submission: &Submission, found: &mut Findings) {
    let (card, evidence) = (&submission.card, &submission.evidence);
    let Ok(made) = card.made.parse::<Timestamp>() else {
        found.add("evidence-made", || format!("it was made at {}, which is no time", quoted(&card.made)));
        return;
    };
    let Some(look) = evidence.looks.last() else { return };
    let after = made.as_millisecond().saturating_sub(look.wall_ms);
    if after < -SLACK_MS {
        found.add("evidence-made", || "it was made before the evidence in it was seen".to_owned());
    } else if after > STALE_MS {
        let days = after / 86_400_000;
        found.add("evidence-made", || format!("it was made {days} days after the evidence in it was seen"));
    }
}

fn cluster(submission: &Submission, seen: &Seen<'_>, found: &mut Findings) {
    let systems = seen.by_name("list v1 namespaces", "kube-system");
    let uids: Vec<_> =
        systems.iter().filter_map(|system| text(system.last()?.value, &["metadata", "uid"])).collect();
    if uids.len() > 1 {
        found.add("evidence-cluster", || {
            format!("it was seen on {} clusters: `kube-system` has as many UIDs", uids.len())
        });
    }
    let said = submission.card.cluster.as_ref().map(|cluster| cluster.kube_system_uid.as_str());
    if let (Some(said), Some(other)) = (said, uids.iter().find(|uid| said.is_some_and(|said| said != **uid)))
    {
        found.add("evidence-cluster", || {
            let (said, other) = (quoted(said), quoted(other));
            format!("it says it is of the cluster {said}, and its evidence is of {other}")
        });
    }
}

/// Each request of an experiment carries the attempt's nonce, and what proved
/// it can be computed again.
fn experiment(name: &str, nonce: &str, result: &Value, found: &mut Findings) {
    let Some(used) = text(result, &["nonce"]) else { return };
    let ours = used.strip_prefix(nonce).is_some_and(|rest| rest.starts_with('-'));
    if nonce.is_empty() || !ours {
        found.add("evidence-nonce", || {
            let (name, used, nonce) = (quoted(name), quoted(used), quoted(nonce));
            format!("experiment {name} used the nonce {used}, the attempt's is {nonce}")
        });
    }
    let requests = result.get("requests").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let answers = requests.iter().chain(result.get("answer"));
    let unproven = |answer: &&Value| answer["proven"] == true && !is_proven(answer, used);
    let count = answers.filter(unproven).count();
    if count > 0 {
        found.add("evidence-proof", || {
            format!(
                "{count} answers of experiment {} are called proven, and their proofs do not hold",
                quoted(name)
            )
        });
    }
}

/// As the prober proves it: the hash ties the nonce to the answer.
fn is_proven(answer: &Value, used: &str) -> bool {
    let of = |field: &str| text(answer, &[field]).unwrap_or_default();
    let (nonce, class, digest) = (of("nonce"), of("class"), of("digest"));
    let proof = Sha256::digest(format!("{nonce}\n{class}\n{digest}"));
    nonce.starts_with(used) && of("proof") == lab_bundle::hex(&proof)
}

/// A pod that an experiment saw go was deleted by it before, and is in no list
/// after that.
fn gone(name: &str, started_ms: u64, result: &Value, seen: &Seen<'_>, found: &mut Findings) {
    let (Some(uid), Some(gone)) = (text(result, &["uid"]), result["gone_ms"].as_u64()) else { return };
    // One clock tells all three, so there is no slack.
    if gone < result["at_ms"].as_u64().unwrap_or(0).max(started_ms) {
        found.add("evidence-deleted", || {
            let shown = seen.by_uid(uid).map_or_else(|| quoted(uid), Object::shown);
            format!("experiment {} saw {shown} go before it deleted it", quoted(name))
        });
    }
    let back = seen
        .by_uid(uid)
        .filter(|pod| pod.last().is_some_and(|state| state.last_ms > gone.saturating_add(GONE_MS)));
    if let Some(pod) = back {
        found.add("evidence-deleted", || {
            format!("{} was seen after experiment {} saw it go", pod.shown(), quoted(name))
        });
    }
}
