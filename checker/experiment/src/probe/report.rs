//! The prober's report: JSON lines, one for each request between a header and
//! a summary.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::proof;

/// One request, as `ms load` writes it. Other fields of the line are left out.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Request {
    seq: u64,
    /// HTTP status; null if there was no answer.
    status: Option<u16>,
    /// The kind of failure; null for a 2xx.
    error: Option<String>,
    latency_ms: f64,
    pod: Option<String>,
    version: Option<String>,
    class: Option<String>,
    digest: Option<String>,
    nonce: Option<String>,
    proof: Option<String>,
    /// Whether nonce, class and digest give the proof. Computed here.
    #[serde(skip_deserializing)]
    proven: bool,
}

/// A failure of the prober itself: nothing was sent.
const LOCAL: &str = "local";

/// The requests in the order they were sent, each proof recomputed.
///
/// # Errors
/// Requests are missing, doubled or malformed, so the prober failed.
pub(crate) fn requests(log: &str, nonce: &str, count: u32) -> Result<Vec<Request>, String> {
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of_requests = lines.into_iter().filter(|line| line.get("seq").is_some());
    let mut requests = of_requests
        .map(serde_json::from_value)
        .collect::<Result<Vec<Request>, _>>()
        .map_err(|error| format!("a line of its report is malformed: {error}"))?;
    requests.sort_by_key(|request| request.seq);
    let complete = requests.iter().map(|request| request.seq).eq(0..u64::from(count));
    if !complete {
        let last = log.lines().last().unwrap_or("nothing");
        return Err(format!("it reported {} of {count} requests; it last wrote: {last}", requests.len()));
    }
    if let Some(failed) = requests.iter().find(|request| request.error.as_deref() == Some(LOCAL)) {
        return Err(format!("it could not send request {}", failed.seq));
    }
    for request in &mut requests {
        // `ms load` leaves the nonce of a single request as it is.
        let expected = if count == 1 { nonce.to_owned() } else { format!("{nonce}-{}", request.seq) };
        request.proven = request.is_proven(&expected);
    }
    Ok(requests)
}

impl Request {
    /// The version that answered.
    pub(crate) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    fn is_proven(&self, nonce: &str) -> bool {
        let (Some(class), Some(digest), Some(proof)) = (&self.class, &self.digest, &self.proof) else {
            return false;
        };
        self.nonce.as_deref() == Some(nonce) && *proof == proof::of(nonce, class, digest)
    }
}

/// How the requests went, as in `8 answered 200, 2 refused`.
pub(crate) fn words(requests: &[Request]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for request in requests {
        let outcome = match (request.status, &request.error) {
            (Some(status), _) => format!("answered {status}"),
            (None, Some(error)) => format!("without an answer ({error})"),
            (None, None) => "without an answer".to_owned(),
        };
        *counts.entry(outcome).or_default() += 1;
    }
    let counts: Vec<String> =
        counts.into_iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
    counts.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(seq: u64, nonce: &str) -> String {
        let proof = proof::of(nonce, "setosa", "sha256:00");
        json!({
            "seq": seq, "at_ms": 0.5, "lag_ms": 0.1, "status": 200, "error": null, "latency_ms": 1.5,
            "pod": "api-1", "version": "v1", "nonce": nonce, "proof": proof, "class": "setosa",
            "digest": "sha256:00",
        })
        .to_string()
    }

    fn log(lines: &[String]) -> String {
        format!("{{\"planned\":2}}\n{}\n{{\"sent\":2}}\n", lines.join("\n"))
    }

    #[test]
    fn requests_come_in_the_order_sent_each_proven_by_its_own_nonce() {
        let read = requests(&log(&[line(1, "n-1"), line(0, "n-0")]), "n", 2).unwrap();
        assert_eq!(read.iter().map(|request| request.seq).collect::<Vec<_>>(), [0, 1]);
        assert!(read.iter().all(|request| request.proven));
        assert_eq!(words(&read), "2 answered 200");
        let value = serde_json::to_value(&read[0]).unwrap();
        assert_eq!(value["proven"], true);
        assert!(value.get("lag_ms").is_none());
    }

    #[test]
    fn single_request_carries_the_bare_nonce() {
        assert!(requests(&log(&[line(0, "n")]), "n", 1).unwrap()[0].proven);
    }

    #[test]
    fn answer_to_another_request_proves_nothing() {
        let read = requests(&log(&[line(0, "n-0"), line(1, "n-0")]), "n", 2).unwrap();
        assert!(read[0].proven);
        assert!(!read[1].proven, "a replayed answer");
        let canned = line(0, "n-0").replace("setosa", "virginica");
        assert!(!requests(&log(&[canned, line(1, "n-1")]), "n", 2).unwrap()[0].proven);
    }

    #[test]
    fn refused_connection_is_an_answer() {
        let refused = json!({
            "seq": 0, "status": null, "error": "refused", "latency_ms": 0.4, "pod": null, "version": null,
            "nonce": "n", "proof": null, "class": null, "digest": null, "detail": "connection refused",
        });
        let read = requests(&log(&[refused.to_string()]), "n", 1).unwrap();
        assert!(!read[0].proven);
        assert_eq!(words(&read), "1 without an answer (refused)");
    }

    #[test]
    fn report_that_is_cut_off_is_none() {
        let why = requests(&log(&[line(0, "n-0")]), "n", 2).unwrap_err();
        assert!(why.contains("1 of 2"), "{why}");
        let why = requests("error: invalid value\n", "n", 2).unwrap_err();
        assert!(why.contains("invalid value"), "{why}");
        assert!(requests(&log(&[line(0, "n-0"), line(0, "n-0")]), "n", 2).is_err(), "one request twice");
    }

    #[test]
    fn failure_of_the_prober_itself_is_no_answer() {
        let failed = line(0, "n").replace("\"error\":null", "\"error\":\"local\"");
        assert!(requests(&log(&[failed]), "n", 1).is_err());
    }
}
