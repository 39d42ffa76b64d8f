//! Requests that ask one thing: readiness, version, a gauge, a log.

use lab_spec::{
    Outcome,
    evidence::{Reason, Unavailable},
};
use serde_json::{Value, json};

use crate::{
    gauge::{self, Gauge},
    get::{Channel, encoded, refused, unavailable},
    list::not_served,
    scrub::scrub_text,
};

/// Bytes of `/readyz`, `/version` and the like.
const MAX_SMALL: usize = 1 << 20;
/// Bytes of a kubelet's metrics.
const MAX_METRICS: usize = 64 << 20;
/// Bytes of a log that are read to find its last lines.
const MAX_LOG_READ: usize = 16 << 20;
/// Bytes of a log that are kept.
const MAX_LOG: usize = 256 << 10;

/// The path of a request that is no LIST.
pub(crate) const REACH: &str = "/readyz?verbose=true";
/// See [`REACH`].
pub(crate) const VERSION: &str = "/version";

pub(crate) async fn reach(channel: &Channel<'_>) -> Outcome {
    let answer = match channel.get(REACH, MAX_SMALL).await {
        Ok(answer) => answer,
        // The one request for which nobody answering is an answer. A server
        // that we cannot trust is none: that may be the kubeconfig's fault.
        Err(Unavailable { reason: Reason::Unreachable | Reason::Timeout, message }) => {
            return Outcome::Present(json!({"ready": false, "failed": [], "error": message}));
        }
        Err(failure) => return Outcome::Unavailable(failure),
    };
    let text = String::from_utf8_lossy(&answer.body);
    let failed: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("[-]")?.split_whitespace().next()).collect();
    match answer.status.as_u16() {
        200 => Outcome::Present(json!({"ready": true, "failed": failed, "error": ""})),
        500.. => Outcome::Present(json!({"ready": false, "failed": failed, "error": ""})),
        _ => Outcome::Unavailable(refused(&answer)),
    }
}

pub(crate) async fn version(channel: &Channel<'_>) -> Outcome {
    let answer = match channel.get(VERSION, MAX_SMALL).await {
        Ok(answer) if answer.status == 200 => answer,
        Ok(answer) => return Outcome::Unavailable(refused(&answer)),
        Err(failure) => return Outcome::Unavailable(failure),
    };
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(version) if version["gitVersion"].is_string() => Outcome::Present(version),
        Ok(_) => failed(format!("the answer to `{VERSION}` names no `gitVersion`")),
        Err(error) => failed(format!("the answer to `{VERSION}` is no JSON: {error}")),
    }
}

pub(crate) fn metrics_path(node: &str) -> String {
    format!("/api/v1/nodes/{}/proxy/metrics", encoded(node))
}

pub(crate) async fn kubelet(channel: &Channel<'_>, node: &str, metric: &str) -> Outcome {
    let answer = match channel.get(&metrics_path(node), MAX_METRICS).await {
        Ok(answer) => answer,
        Err(failure) => return Outcome::Unavailable(failure),
    };
    match answer.status.as_u16() {
        200 => match gauge::find(&String::from_utf8_lossy(&answer.body), metric) {
            Gauge::Absent => Outcome::Absent,
            Gauge::Value(value) => Outcome::Present(value),
            Gauge::Unusable(why) => failed(format!("metric `{metric}` of node `{node}`: {why}")),
        },
        404 if not_served(&answer) => Outcome::Absent,
        _ => Outcome::Unavailable(refused(&answer)),
    }
}

pub(crate) fn log_path(namespace: &str, pod: &str, container: &str, tail: u32, previous: bool) -> String {
    let which = if previous { "&previous=true" } else { "" };
    let (namespace, pod, container) = (encoded(namespace), encoded(pod), encoded(container));
    format!("/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}&tailLines={tail}{which}")
}

pub(crate) async fn logs(channel: &Channel<'_>, path: &str) -> Outcome {
    let answer = match channel.get(path, MAX_LOG_READ).await {
        Ok(answer) => answer,
        Err(failure) => return Outcome::Unavailable(failure),
    };
    match answer.status.as_u16() {
        200 => Outcome::Present(last_lines(&String::from_utf8_lossy(&answer.body))),
        // 400: the container has not started yet, or there was no run before.
        400 | 404 if not_served(&answer) => Outcome::Absent,
        _ => Outcome::Unavailable(refused(&answer)),
    }
}

/// The lines of the last [`MAX_LOG`] bytes, tokens replaced.
fn last_lines(text: &str) -> Value {
    let cut = text.len().saturating_sub(MAX_LOG);
    let kept = match cut {
        0 => text,
        // From the first line that begins within what is kept.
        _ => {
            let bytes = &text.as_bytes()[cut - 1..];
            bytes.iter().position(|byte| *byte == b'\n').map_or("", |at| &text[cut + at..])
        }
    };
    scrub_text(kept).lines().map(|line| Value::String(line.to_owned())).collect()
}

fn failed(message: String) -> Outcome {
    Outcome::Unavailable(unavailable(Reason::Failed, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_keeps_its_last_whole_lines() {
        assert_eq!(last_lines("a\nb\n"), json!(["a", "b"]));
        assert_eq!(last_lines(""), json!([]));
        let long = format!("{}\nß{}\nlast\n", "x".repeat(100), "y".repeat(MAX_LOG - 7));
        let kept = last_lines(&long);
        assert_eq!(kept.as_array().unwrap().len(), 1, "the second line does not fit whole");
        assert_eq!(kept[0], "last");
        let fits = format!("{}\n{}\nlast\n", "x".repeat(100), "y".repeat(MAX_LOG - 6));
        assert_eq!(last_lines(&fits).as_array().unwrap().len(), 2);
        assert_eq!(last_lines(&"z".repeat(MAX_LOG + 1)), json!([]));
    }

    #[test]
    fn log_paths_carry_every_setting() {
        assert_eq!(
            log_path("lab01", "api-1", "api", 20, true),
            "/api/v1/namespaces/lab01/pods/api-1/log?container=api&tailLines=20&previous=true"
        );
        assert_eq!(
            log_path("n", "p", "c&limitBytes=1", 5, false),
            "/api/v1/namespaces/n/pods/p/log?container=c%26limitBytes%3D1&tailLines=5"
        );
    }
}
