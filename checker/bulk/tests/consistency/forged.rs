//! Each rule about objects, by a forgery that it finds.

use serde_json::json;

use super::forge::{
    DEPLOYMENTS, OTHER, PODS, SETS, disown, every, found, found_where, is_owned, its_pods, lists, only,
    recorded, relabel, said_of, set_name, solution,
};

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
    // The rollout may still have been under way.
    for list in lists(&mut evidence, DEPLOYMENTS) {
        list["outcome"]["present"][0]["status"]["readyReplicas"] = json!(3);
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
            // A pod that was only just made has none yet.
            let containers = pod["status"]["containerStatuses"].as_array_mut();
            for container in containers.into_iter().flatten() {
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
