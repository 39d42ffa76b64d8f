//! What a submission has that no other should: its traces, hashed.

use jiff::Timestamp;
use lab_bundle::Submission;
use lab_spec::{Observation, Outcome};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// A kind of trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trace {
    /// The whole file.
    SameSubmission,
    /// The evidence, whoever signed it.
    SameEvidence,
    /// The UID of the namespace `kube-system`.
    SameCluster,
    /// The certificate authority.
    SameCa,
    /// The attempt's nonce.
    SameNonce,
    /// The key that signed.
    SameKey,
    /// The UID of an object, or the id of a container or network.
    SameObject,
    /// Names and the seconds in which they were made. One is chance: whole
    /// classes make `deployment/api`, some of them in the same second.
    SameTime,
}

impl Trace {
    /// What is the same, as people are told.
    pub const fn says(self) -> &'static str {
        match self {
            Self::SameSubmission => "the very same file",
            Self::SameEvidence => "the very same evidence",
            Self::SameCluster => "the same cluster",
            Self::SameCa => "the same certificate authority",
            Self::SameNonce => "the same nonce",
            Self::SameKey => "signed with the same key",
            Self::SameObject => "the same objects",
            Self::SameTime => "objects of the same names, made in the same seconds",
        }
    }
}

/// A trace of one submission.
pub struct Left {
    /// What it is.
    pub trace: Trace,
    /// Stands for it: equal where it is equal.
    pub hash: u64,
    /// Seconds since the epoch, of a [`Trace::SameTime`]; else 0.
    pub second: i64,
    /// Whether its name was made up by a controller: no two clusters make up
    /// the same.
    pub made_up: bool,
}

/// Takes in each trace with its words.
pub type Take<'t> = dyn FnMut(Left, &dyn Fn() -> String) + 't;

/// All traces of a submission.
pub fn traces(bytes: &[u8], submission: &Submission, take: &mut Take<'_>) {
    let card = &submission.card;
    let file = lab_bundle::hex(&Sha256::digest(bytes));
    let signer = submission.signer.to_string();
    let cluster = card.cluster.as_ref();
    for (trace, value) in [
        (Trace::SameSubmission, file.as_str()),
        (Trace::SameEvidence, &card.evidence.sha256),
        (Trace::SameCluster, cluster.map_or("", |cluster| &cluster.kube_system_uid)),
        (Trace::SameCa, cluster.map_or("", |cluster| &cluster.ca_sha256)),
        (Trace::SameNonce, &card.nonce),
        (Trace::SameKey, &signer),
    ] {
        if !value.is_empty() {
            take(left(trace, &[value]), &|| value.to_owned());
        }
    }
    for (key, seen) in lab_bundle::observations(&submission.evidence) {
        objects(key, seen, take);
    }
}

fn left(trace: Trace, parts: &[&str]) -> Left {
    // Of SHA-256, so that nobody can make two that are the same.
    let mut digest = Sha256::new();
    digest.update([trace as u8]);
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let hash = digest.finalize().iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte));
    Left { trace, hash, second: 0, made_up: false }
}

/// Images are left out: whoever has the same image has the same id.
fn objects(key: &str, seen: &Observation, take: &mut Take<'_>) {
    let Outcome::Present(Value::Array(items)) = &seen.outcome else { return };
    if key.starts_with("docker containers ") || key.starts_with("docker networks ") {
        for item in items {
            let Some(id) = item["Id"].as_str().filter(|id| !id.is_empty()) else { continue };
            let name = item["Name"].as_str().unwrap_or_default();
            take(left(Trace::SameObject, &[id]), &|| format!("{name} {id}"));
        }
    } else if key.starts_with("list ") {
        items.iter().for_each(|item| object(item, take));
    }
}

fn object(item: &Value, take: &mut Take<'_>) {
    let of = |field: &str| item["metadata"][field].as_str().unwrap_or_default();
    let (uid, name, created) = (of("uid"), of("name"), of("creationTimestamp"));
    let kind = item["kind"].as_str().unwrap_or_default().to_lowercase();
    // Events come and go, and say no more than what they are about.
    if !uid.is_empty() && kind != "event" {
        take(left(Trace::SameObject, &[uid]), &|| format!("{kind}/{name} {uid}"));
    }
    if !is_the_learners(&kind, of("namespace"), name) {
        return;
    }
    let Ok(at) = created.parse::<Timestamp>() else { return };
    let left = left(Trace::SameTime, &[&kind, name, created]);
    // ReplicaSets are named after their template, which is the same in many.
    let made_up = kind == "pod" && !of("generateName").is_empty();
    take(Left { second: at.as_second(), made_up, ..left }, &|| format!("{kind}/{name} {created}"));
}

/// Whether when it was made says anything of who made it. What every cluster
/// makes when it starts, those started together make together.
fn is_the_learners(kind: &str, namespace: &str, name: &str) -> bool {
    const SYSTEM: [&str; 5] =
        ["default", "kube-node-lease", "kube-public", "kube-system", "local-path-storage"];
    let by_itself = matches!(kind, "node" | "event") || matches!(name, "kube-root-ca.crt" | "kubernetes");
    let cluster_wide = namespace.is_empty() && kind != "namespace";
    let system = SYSTEM.contains(&namespace) && namespace != "default"
        || kind == "namespace" && SYSTEM.contains(&name);
    !by_itself && !cluster_wide && !system
}
