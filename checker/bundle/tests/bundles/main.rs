//! Bundles: what is written is read, and nothing else is.

#![allow(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

mod hostile;
mod roundtrip;

use indexmap::IndexMap;
use lab_spec::{
    Ended, Evidence, Look, Observation, Outcome,
    evidence::{Cluster, LabRef, Params, Provenance},
};
use serde_json::{Value, json};

fn evidence(values: Vec<Value>) -> Evidence {
    let observation = |value| Observation {
        outcome: Outcome::Present(value),
        provenance: Provenance {
            request: "GET /api/v1/namespaces/lab01/pods?limit=500".into(),
            resource_version: Some("42".into()),
            at_ms: 3,
            skew_ms: 0,
        },
    };
    let observations =
        values.into_iter().enumerate().map(|(n, value)| (format!("list {n}"), observation(value)));
    let look =
        Look { at_ms: 0, wall_ms: 1_795_250_000_000, gap: false, observations: observations.collect() };
    Evidence {
        format: 1,
        lab: LabRef { id: "lab01".into(), digest: "00".repeat(32) },
        cluster: Cluster::default(),
        project: None,
        params: Params { seed: u64::MAX, nonce: "n".into() },
        images: IndexMap::from([("ms:v1".into(), vec!["sha256:1".into()])]),
        looks: vec![look],
        experiments: IndexMap::new(),
        ended: Some(Ended::Settled),
    }
}

fn sample() -> Evidence {
    let secret =
        json!({"kind": "Secret", "data": {"a": "redacted-1", "b": "redacted-2", "c": "redacted-1", "d": ""}});
    let pod = json!({"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": []}});
    evidence(vec![json!([secret]), json!([pod])])
}

fn written(evidence: &Evidence) -> Vec<u8> {
    let mut bytes = Vec::new();
    lab_bundle::write_to(&mut bytes, "memory", evidence).unwrap();
    bytes
}

fn same(a: &Evidence, b: &Evidence) -> bool {
    serde_json::to_string(a).unwrap() == serde_json::to_string(b).unwrap()
}
