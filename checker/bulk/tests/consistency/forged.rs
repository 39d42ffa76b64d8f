//! Each rule, by a forgery that it finds. Forgeries are made of recorded
//! evidence of lab 01, in which nothing is found.

use jiff::{Span, Timestamp};
use lab_bulk::consistency;
use lab_bundle::Submission;
use lab_spec::Evidence;
use serde_json::{Value, json};

use super::{bundles, said, submitted};

const SOLUTION: &str = "01-environment/evidence/solution.labcheck";
const PODS: &str = "list v1 pods";
const SETS: &str = "list apps/v1 replicasets";
const DEPLOYMENTS: &str = "list apps/v1 deployments";
const OTHER: &str = "01234567-89ab-4cde-8f01-23456789abcd";

/// How much slower time goes in forgeries. Rules leave controllers some
/// seconds, and no recording has to last that long.
const SLOWER: i64 = 10;

/// The evidence of a recorded state.
fn recorded(state: &str) -> Evidence {
    let bundle = bundles().into_iter().find(|path| path.ends_with(state)).unwrap();
    lab_bundle::read(&bundle).unwrap()
}

fn solution() -> Value {
    serde_json::to_value(recorded(SOLUTION)).unwrap()
}

fn submission(evidence: Value) -> Submission {
    submitted(serde_json::from_value(evidence).unwrap())
}

fn said_of(evidence: Value) -> Vec<String> {
    said(&consistency::findings(&submission(evidence)))
}

/// What is found after the solution of lab 01 was changed.
fn found(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut evidence = serde_json::to_value(class::slowed(&recorded(SOLUTION), SLOWER).unwrap()).unwrap();
    change(&mut evidence);
    said_of(evidence)
}

/// What is found once every object of a list was changed, in all looks.
fn found_where(list: &str, change: impl FnMut(&mut Value)) -> Vec<String> {
    found(|evidence| every(evidence, list, change))
}

/// The lists of this kind: those of looks, then those of experiments.
fn lists<'v>(evidence: &'v mut Value, list: &str) -> Vec<&'v mut Value> {
    let mut answers = Vec::new();
    let evidence = evidence.as_object_mut().unwrap();
    let mut looks = Vec::new();
    for (field, value) in evidence {
        match field.as_str() {
            "looks" => {
                looks.extend(value.as_array_mut().unwrap().iter_mut().map(|look| &mut look["observations"]))
            }
            "experiments" => answers.extend(
                value
                    .as_object_mut()
                    .unwrap()
                    .values_mut()
                    .flat_map(|record| record["looks"].as_object_mut().unwrap().values_mut()),
            ),
            _ => {}
        }
    }
    looks.extend(answers);
    let answers = looks.into_iter().flat_map(|look| look.as_object_mut().unwrap().iter_mut());
    answers.filter(|(key, _)| key.starts_with(list)).map(|(_, answer)| answer).collect()
}

fn every(evidence: &mut Value, list: &str, mut change: impl FnMut(&mut Value)) {
    for answer in lists(evidence, list) {
        for item in answer["outcome"]["present"].as_array_mut().unwrap() {
            change(item);
        }
    }
}

#[track_caller]
fn only(found: &[String], expected: &[&str]) {
    let alike = found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected));
    assert!(alike, "found {found:#?}\nexpected {expected:#?}");
}

fn is_owned(item: &Value) -> bool {
    item["metadata"].get("ownerReferences").is_some()
}

/// The name of the only ReplicaSet. It ends with the hash of its template.
fn set_name() -> String {
    let mut evidence = solution();
    let sets = lists(&mut evidence, SETS);
    let [set] = sets[0]["outcome"]["present"].as_array().unwrap().as_slice() else {
        panic!("one ReplicaSet")
    };
    set["metadata"]["name"].as_str().unwrap().to_owned()
}

/// Pods of the ReplicaSet, as findings begin to tell them.
fn its_pods() -> String {
    format!("`pod/{}-", set_name())
}

/// Gives pods an owner that is in no list.
fn disown(pod: &mut Value) {
    if is_owned(pod) {
        pod["metadata"]["ownerReferences"][0]["uid"] = json!(OTHER);
    }
}

/// Gives pods a hash that their ReplicaSet does not select.
fn relabel(pod: &mut Value) {
    if is_owned(pod) {
        pod["metadata"]["labels"]["pod-template-hash"] = json!("5d5d5d5d5d");
    }
}

#[test]
fn an_unchanged_one_is_found_nothing_in() {
    only(&said_of(solution()), &[]);
    only(&found(|_| {}), &[]);
}

#[test]
fn they_are_found_at_the_speed_of_the_recording_too() {
    for forge in [disown, relabel] {
        let mut evidence = solution();
        every(&mut evidence, PODS, forge);
        let says =
            format!("evidence-replicas: `replicaset/{}` says 1 of its pods are ready, and 0 are", set_name());
        let found = said_of(evidence);
        assert!(found.iter().any(|found| found.starts_with(&says)), "{found:#?}");
    }
}

#[test]
fn a_pod_whose_owner_has_another_uid() {
    // The ReplicaSet of this name was there before the second pod was made.
    let found = found_where(PODS, disown);
    let begin = format!("evidence-owner: {}", its_pods());
    let end = "which had another UID before it was made";
    assert!(found.iter().any(|says| says.starts_with(&begin) && says.ends_with(end)), "{found:#?}");
}

#[test]
fn a_replica_set_whose_deployment_is_in_no_list() {
    let found = found_where(SETS, |set| {
        set["metadata"]["ownerReferences"][0]["uid"] = json!(OTHER);
        set["metadata"]["ownerReferences"][0]["name"] = json!("other");
    });
    let says = format!(
        "evidence-owner: `replicaset/{}` is owned by `deployment/other` of UID `{OTHER}`, which is in no list; that lasts only where the garbage collector does not work",
        set_name()
    );
    assert!(found.contains(&says), "{found:#?}");
}

#[test]
fn an_owner_whose_uid_is_that_of_another_object() {
    let mut uid = None;
    let found = found(|evidence| {
        every(evidence, DEPLOYMENTS, |deployment| uid = Some(deployment["metadata"]["uid"].clone()));
        every(evidence, PODS, |pod| {
            if is_owned(pod) {
                pod["metadata"]["ownerReferences"][0]["uid"] = uid.clone().unwrap();
            }
        });
    });
    assert!(found[0].starts_with(&format!("evidence-owner: {}", its_pods())), "{found:#?}");
    assert!(found[0].ends_with("is that of `deployment/api`"), "{found:#?}");
}

#[test]
fn a_pod_with_another_hash_than_its_replica_set_selects() {
    let found = found_where(PODS, relabel);
    let set = set_name();
    let (_, hash) = set.rsplit_once('-').unwrap();
    let end = format!("selects pod-template-hash `{hash}`, and has `5d5d5d5d5d`");
    assert!(found[0].starts_with(&format!("evidence-hash: {}", its_pods())), "{found:#?}");
    assert!(found[0].ends_with(&end), "{found:#?}");
}

#[test]
fn a_workload_that_does_not_select_its_own_template() {
    let found = found_where(DEPLOYMENTS, |deployment| {
        deployment["spec"]["template"]["metadata"]["labels"]["app"] = json!("other");
    });
    only(
        &found,
        &["evidence-selector: `deployment/api` selects by `app`, which its own template does not have"],
    );
}

#[test]
fn ready_replicas_without_pods() {
    let found = found(|evidence| {
        for list in lists(evidence, PODS) {
            list["outcome"]["present"].as_array_mut().unwrap().retain(|pod| !is_owned(pod));
        }
    });
    only(
        &found,
        &[
            "evidence-replicas: `deployment/api` says 1 of its pods are ready, and 0 are listed; that lasts only",
            &format!(
                "evidence-replicas: `replicaset/{}` says 1 of its pods are ready, and 0 are listed; that",
                set_name()
            ),
        ],
    );
}

#[test]
fn more_ready_replicas_than_pods() {
    let found = found_where(DEPLOYMENTS, |deployment| {
        deployment["status"]["readyReplicas"] = json!(3);
    });
    only(
        &found,
        &[
            "evidence-replicas: `deployment/api` says 3 of its pods are ready, and 1 are listed; that lasts only",
        ],
    );
}

#[test]
fn ready_replicas_without_pods_in_the_only_look() {
    let mut evidence = serde_json::to_value(recorded("08-friday/evidence/solution.labcheck")).unwrap();
    for list in lists(&mut evidence, PODS) {
        list["outcome"]["present"] = json!([]);
    }
    evidence["looks"].as_array_mut().unwrap().truncate(1);
    for record in evidence["experiments"].as_object_mut().unwrap().values_mut() {
        record["looks"] = json!({});
    }
    let found = said_of(evidence);
    assert!(found[0].starts_with("evidence-replicas: `deployment/api` says 3"), "{found:#?}");
}

#[test]
fn an_object_that_was_changed_in_one_look_alone() {
    let found = found(|evidence| {
        let lists = lists(evidence, DEPLOYMENTS);
        lists.into_iter().last().unwrap()["outcome"]["present"][0]["spec"]["paused"] = json!(true);
    });
    only(
        &found,
        &["evidence-version: `deployment/api` was seen with two contents under one resourceVersion"],
    );
}

#[test]
fn an_object_that_goes_back() {
    let found = found(|evidence| {
        let list = lists(evidence, DEPLOYMENTS).into_iter().last().unwrap();
        list["outcome"]["present"][0]["metadata"]["resourceVersion"] = json!("7");
    });
    only(&found, &["evidence-version: `deployment/api` was seen with a smaller resourceVersion than before"]);
}

#[test]
fn a_list_that_goes_back_behind_its_items() {
    let found = found(|evidence| {
        let list = lists(evidence, DEPLOYMENTS).into_iter().last().unwrap();
        list["provenance"]["resourceVersion"] = json!("7");
    });
    only(
        &found,
        &[
            "evidence-version: `list apps/v1 deployments -n lab01-solution` is of an earlier resourceVersion than `api` in it",
            "evidence-version: `list apps/v1 deployments -n lab01-solution` is of an earlier resourceVersion than one taken before",
        ],
    );
}

#[test]
fn a_pod_that_was_copied() {
    for (fields, says) in
        [(&[][..], "the name"), (&["name"][..], "the UID"), (&["name", "uid"][..], "the resourceVersion")]
    {
        let found = found(|evidence| {
            for list in lists(evidence, PODS) {
                let items = list["outcome"]["present"].as_array_mut().unwrap();
                let mut copy = items[0].clone();
                for field in fields {
                    copy["metadata"][*field] = json!(OTHER);
                }
                items.push(copy);
            }
        });
        let expected = format!("evidence-doubled: `list v1 pods -n lab01-solution` has {says} of ");
        assert!(found.iter().any(|found| found.starts_with(&expected)), "{found:#?}");
    }
}

#[test]
fn many_of_a_kind_are_told_in_few_words() {
    let found = found(|evidence| {
        let items = lists(evidence, PODS).remove(0)["outcome"]["present"].as_array_mut().unwrap();
        let copies = vec![items[0].clone(); 500];
        items.extend(copies);
    });
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found.iter().any(|found| found.ends_with("; and 1497 more of this kind")), "{found:#?}");
}

#[test]
fn an_object_of_the_future() {
    let found = found_where(DEPLOYMENTS, |deployment| {
        deployment["metadata"]["creationTimestamp"] = json!("2031-01-01T00:00:00Z");
    });
    let [deployment, events @ ..] = found.as_slice() else { panic!("found nothing") };
    let says = "evidence-time: `deployment/api` was seen before it was created, by the clock of the server";
    assert_eq!(deployment, says);
    let is_told = |found: &String| {
        found.starts_with("evidence-time: `event/api.")
            && found.contains("` tells of `deployment/api` before that was created")
    };
    assert!(!events.is_empty() && events.iter().all(is_told), "{found:#?}");
}

#[test]
fn a_container_that_began_before_its_pod() {
    let found = found_where(PODS, |pod| {
        if is_owned(pod) {
            let containers = pod["status"]["containerStatuses"].as_array_mut().unwrap();
            for container in containers {
                if let Some(running) = container["state"].get_mut("running") {
                    running["startedAt"] = json!("2020-01-01T00:00:00Z");
                }
            }
        }
    });
    let begin = format!("evidence-time: container `api` of {}", its_pods());
    assert!(found[0].starts_with(&begin), "{found:#?}");
    assert!(found[0].ends_with("began before its pod was created"), "{found:#?}");
}

#[test]
fn a_container_and_an_event_of_the_future() {
    let found = found_where(PODS, |pod| {
        if let Some(running) = pod.pointer_mut("/status/containerStatuses/0/state/running") {
            running["startedAt"] = json!("2031-01-01T00:00:00Z");
        }
    });
    assert!(found[0].ends_with("was seen before it began"), "{found:#?}");
    let found = found_where("list v1 events", |event| {
        event["lastTimestamp"] = json!("2031-01-01T00:00:00Z");
        event["firstTimestamp"] = json!("2020-01-01T00:00:00Z");
    });
    for end in ["was seen before it happened", "before that was created"] {
        assert!(found.iter().any(|found| found.contains(end)), "{end}: {found:#?}");
    }
}

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
