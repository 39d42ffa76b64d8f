//! Each rule about the attempt, by a forgery that it finds.

use jiff::{Span, Timestamp};
use lab_bulk::consistency;
use serde_json::{Value, json};

use super::{
    forge::{OTHER, PODS, found, its_pods, lists, only, said_of, solution, submission},
    said,
};

#[test]
fn experiments_of_another_attempt() {
    let mut own = String::new();
    let found = found(|evidence| {
        own = nonce(evidence);
        evidence["params"]["nonce"] = json!("0123456789abcdef");
    });
    only(
        &found,
        &[&format!(
            "evidence-nonce: experiment `ask` used the nonce `{own}-1`, the attempt's is `0123456789abcdef`"
        )],
    );
}

#[test]
fn answers_whose_nonce_was_replaced() {
    let found = found(|evidence| {
        let text = evidence.to_string().replace(&nonce(evidence), "0123456789abcdef");
        *evidence = serde_json::from_str(&text).unwrap();
    });
    only(
        &found,
        &["evidence-proof: 10 answers of experiment `ask` are called proven, and their proofs do not hold"],
    );
}

fn nonce(evidence: &Value) -> String {
    evidence["params"]["nonce"].as_str().unwrap().to_owned()
}

#[test]
fn a_pod_that_went_and_is_still_listed() {
    let found = found(|evidence| {
        let uid = evidence["experiments"]["heal"]["results"]["lost"]["uid"].clone();
        let is_lost = |pod: &&Value| pod["metadata"]["uid"] == uid;
        let mut lists = lists(evidence, PODS);
        let items = |list: &Value| list["outcome"]["present"].as_array().unwrap().clone();
        let lost = lists.iter().rev().find_map(|list| items(list).iter().find(is_lost).cloned()).unwrap();
        for list in lists.iter_mut().filter(|list| !items(list).iter().any(|pod| is_lost(&pod))) {
            list["outcome"]["present"].as_array_mut().unwrap().push(lost.clone());
        }
    });
    let [found] = found.as_slice() else { panic!("{found:#?}") };
    assert!(found.starts_with(&format!("evidence-deleted: {}", its_pods())), "{found}");
    assert!(found.ends_with("was seen after experiment `heal` saw it go"), "{found}");
}

#[test]
fn a_pod_that_went_before_it_was_deleted() {
    for earlier in [&["gone_ms"][..], &["gone_ms", "at_ms"]] {
        let mut evidence = solution();
        for field in earlier {
            evidence["experiments"]["heal"]["results"]["lost"][*field] = json!(1);
        }
        let found = said_of(evidence);
        let begin = format!("evidence-deleted: experiment `heal` saw {}", its_pods());
        let end = "go before it deleted it";
        assert!(found.iter().any(|says| says.starts_with(&begin) && says.ends_with(end)), "{found:#?}");
    }
}

#[test]
fn a_card_of_another_cluster_or_time() {
    let mut submission = submission(solution());
    submission.card.cluster.as_mut().unwrap().kube_system_uid = OTHER.to_owned();
    submission.card.made = "2020-01-01T00:00:00Z".to_owned();
    let found = said(&consistency::findings(&submission));
    only(
        &found,
        &[
            &format!("evidence-cluster: it says it is of the cluster `{OTHER}`, and its evidence is of `"),
            "evidence-made: it was made before the evidence in it was seen",
        ],
    );
    submission.card.cluster = None;
    let seen = Timestamp::from_millisecond(submission.evidence.looks.last().unwrap().wall_ms).unwrap();
    let late = seen.checked_add(Span::new().hours(71 * 24 + 6)).unwrap().to_string();
    for (made, says) in [
        (late.as_str(), "it was made 71 days after the evidence in it was seen"),
        ("last week", "it was made at `last week`, which is no time"),
    ] {
        submission.card.made = made.to_owned();
        only(&said(&consistency::findings(&submission)), &[&format!("evidence-made: {says}")]);
    }
}

#[test]
fn evidence_of_two_clusters() {
    let found = found(|evidence| {
        let list = lists(evidence, "list v1 namespaces").into_iter().next().unwrap();
        for namespace in list["outcome"]["present"].as_array_mut().unwrap() {
            if namespace["metadata"]["name"] == "kube-system" {
                namespace["metadata"]["uid"] = json!(OTHER);
            }
        }
    });
    let says = "evidence-cluster: it was seen on 2 clusters: `kube-system` has as many UIDs";
    assert!(found.contains(&says.to_owned()), "{found:#?}");
}
