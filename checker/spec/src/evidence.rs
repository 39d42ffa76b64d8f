//! Evidence: what was seen, when and how, or why it could not be seen.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::experiment::ExperimentRecord;

/// All that a judgement may rest on. Written down it is a bundle.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Evidence {
    /// Format number; 1.
    pub format: u32,
    /// The lab the evidence was collected for.
    pub lab: LabRef,
    /// The cluster that was looked at.
    #[serde(default)]
    pub cluster: Cluster,
    /// The compose project that was looked at, if the lab is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Project>,
    /// Values fixed when the lab was started.
    pub params: Params,
    /// What `labcheck up` loaded: image tag to the digests that name it on a
    /// node (config digest, and manifest digest where there is one).
    pub images: IndexMap<String, Vec<String>>,
    /// Looks, from first to last; each holds what changed since the one before.
    pub looks: Vec<Look>,
    /// Experiments that ran, in order.
    pub experiments: IndexMap<String, ExperimentRecord>,
    /// How the looking ended; `None` while it goes on.
    pub ended: Option<Ended>,
}

/// A lab's id and the digest of its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabRef {
    /// The lab's id.
    pub id: String,
    /// SHA-256 of lab.yaml, hex.
    pub digest: String,
}

/// The cluster that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cluster {
    /// Name of the kubeconfig context used.
    pub context: String,
    /// URL of the API server.
    pub server: String,
    /// Namespace the lab was judged in.
    pub namespace: String,
    /// Whether `labcheck up` made this cluster, proven by its CA and UID.
    pub owned: bool,
}

/// The compose project that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Project {
    /// Its name: what the resolved file says, or what `-p` said.
    pub name: String,
    /// Address of the Docker daemon.
    pub engine: String,
    /// Why that one, as in `DOCKER_HOST`.
    pub context: String,
    /// The compose files, as the learner names them.
    pub files: Vec<String>,
}

/// Values fixed when the lab was started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Random seed of this attempt.
    pub seed: u64,
    /// Text no answer can know in advance.
    pub nonce: String,
}

/// One look: several requests, answered within a short time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Look {
    /// Milliseconds after the first look, on one monotonic clock.
    pub at_ms: u64,
    /// The observer's wall clock in milliseconds since the epoch: ages of
    /// objects are measured against it, corrected by the skew.
    pub wall_ms: i64,
    /// Whether changes may have gone unseen since the look before: time
    /// without a watch that resumed from its resourceVersion.
    pub gap: bool,
    /// Answers by [`crate::Request::key`]; only what was asked anew or changed.
    pub observations: IndexMap<String, Observation>,
}

/// One answer and where it came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Observation {
    /// The answer.
    pub outcome: Outcome,
    /// Where it came from.
    pub provenance: Provenance,
}

/// An answer, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Outcome {
    /// The system answered with this. A LIST's value is the array of items.
    Present(Value),
    /// The system answered that it is not there.
    Absent,
    /// The channel we look through failed; nothing is known of the system.
    Unavailable(Unavailable),
}

/// Why something could not be observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unavailable {
    /// The kind of failure.
    pub reason: Reason,
    /// What was said, in words, without secrets.
    pub message: String,
}

/// The ways a channel fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// 401: who we are is not accepted.
    Unauthorized,
    /// 403: we may not look.
    Forbidden,
    /// No answer in time.
    Timeout,
    /// No connection.
    Unreachable,
    /// The answer was cut off or too large.
    Truncated,
    /// TLS could not be set up, as with an expired certificate.
    Tls,
    /// Anything else, as a 500.
    Failed,
}

/// Where an answer came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provenance {
    /// The request line, as in `GET /api/v1/namespaces/lab01/pods`; empty when
    /// no server was asked.
    pub request: String,
    /// The resourceVersion of the answer.
    pub resource_version: Option<String>,
    /// Milliseconds after the first look.
    pub at_ms: u64,
    /// Estimated server clock minus ours, in milliseconds, from the Date
    /// header (a resolution of one second).
    pub skew_ms: i64,
}

/// How looking ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ended {
    /// Nothing was converging any more.
    Settled,
    /// Time ran out while something was.
    Timeout,
    /// The user stopped it.
    Interrupted,
}

impl Evidence {
    /// The newest answer to a request, looking back from look `at` (an index).
    pub fn seen_at(&self, key: &str, at: usize) -> Option<&Observation> {
        self.looks[..=at.min(self.looks.len().checked_sub(1)?)]
            .iter()
            .rev()
            .find_map(|look| look.observations.get(key))
    }

    /// The newest answer to a request.
    pub fn seen(&self, key: &str) -> Option<&Observation> {
        self.seen_at(key, usize::MAX)
    }
}
