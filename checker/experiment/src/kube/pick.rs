//! Which pod a step works on.

use serde_json::Value;

use super::{Place, manifest, read};
use crate::halt::Halt;
use crate::run::Run;

/// The pod with these labels that a step works on; see [`pick`]. One of the
/// Deployment `of` goes before others, whoever else has such pods.
pub(super) async fn find(
    run: &Run<'_, '_>,
    place: &Place,
    labels: &str,
    of: Option<&str>,
) -> Result<Option<Value>, Halt> {
    let (client, namespace) = (&place.cluster.client, &place.namespace);
    let pods = run.unless_cancelled(read::list(&read::pods(client, namespace), labels)).await??;
    let sets = match of {
        Some(_) => run.unless_cancelled(read::list(&read::replica_sets(client, namespace), "")).await??,
        None => Vec::new(),
    };
    let of_it = |set: &&Value| {
        controller(set).is_some_and(|owner| owner["kind"] == "Deployment" && owner["name"].as_str() == of)
    };
    let own: Vec<_> = sets.iter().filter(of_it).map(|set| text(set, "/metadata/uid")).collect();
    Ok(pick(pods, &own))
}

/// The oldest pod that runs, is ready and is not going already: of those whose
/// controller is among `own` (UIDs), or else of those that a controller has, or
/// else of all. Pods made in the same second are told apart by name.
fn pick(pods: Vec<Value>, own: &[String]) -> Option<Value> {
    let fit = |pod: &Value| {
        let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
        text(pod, "/status/phase") == "Running"
            && pod.pointer("/metadata/deletionTimestamp").is_none()
            && pod.pointer("/metadata/labels").and_then(|labels| labels.get(manifest::PROBE)).is_none()
            && (conditions.into_iter().flatten())
                .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    };
    // RFC 3339 times in UTC of the same precision sort as text.
    let age = |pod: &Value| (text(pod, "/metadata/creationTimestamp"), text(pod, "/metadata/name"));
    let strange = |pod: &Value| !controller(pod).is_some_and(|owner| own.contains(&text(owner, "/uid")));
    pods.into_iter().filter(fit).min_by_key(|pod| (strange(pod), !owned(pod), age(pod)))
}

/// Whether a controller will make the pod again.
pub(super) fn owned(pod: &Value) -> bool {
    controller(pod).is_some()
}

fn controller(object: &Value) -> Option<&Value> {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().find(|owner| owner["controller"] == true)
}

/// The string there, empty if there is none.
pub(super) fn text(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, second: u32, ready: &str) -> Value {
        json!({
            "metadata": {"name": name, "creationTimestamp": format!("2026-11-21T09:00:{second:02}Z")},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]},
        })
    }

    #[test]
    fn picks_the_oldest_that_can_answer() {
        let mut going = pod("going", 1, "True");
        going["metadata"]["deletionTimestamp"] = json!("2026-11-21T09:01:00Z");
        let mut done = pod("done", 1, "True");
        done["status"]["phase"] = json!("Succeeded");
        let mut probe = pod("probe", 1, "True");
        probe["metadata"]["labels"] = json!({manifest::PROBE: "true"});
        let pods = vec![
            pod("young", 30, "True"),
            going,
            pod("unready", 2, "False"),
            done,
            probe,
            pod("b", 10, "True"),
            pod("a", 10, "True"),
        ];
        assert_eq!(pick(pods, &[]).map(|pod| text(&pod, "/metadata/name")), Some("a".to_owned()));
    }

    #[test]
    fn picks_none_rather_than_one_that_is_not_ready() {
        assert_eq!(pick(vec![pod("unready", 1, "False")], &[]), None);
        assert_eq!(pick(Vec::new(), &[]), None);
    }

    #[test]
    fn picks_a_pod_of_the_deployment_before_others_and_a_bare_one_last() {
        let of = |name: &str, second: u32, uid: &str| {
            let mut pod = pod(name, second, "True");
            pod["metadata"]["ownerReferences"] =
                json!([{"kind": "ReplicaSet", "controller": true, "uid": uid}]);
            pod
        };
        let mut pods = vec![pod("bare", 1, "True"), of("other", 2, "x"), of("own", 3, "api")];
        for expected in ["own", "other", "bare"] {
            let picked = pick(pods.clone(), &["api".to_owned()]).unwrap();
            assert_eq!(text(&picked, "/metadata/name"), expected);
            pods.retain(|pod| *pod != picked);
        }
    }

    #[test]
    fn only_a_controller_owns() {
        let mut pod = pod("a", 1, "True");
        assert!(!owned(&pod));
        pod["metadata"]["ownerReferences"] = json!([{"kind": "ConfigMap"}]);
        assert!(!owned(&pod));
        pod["metadata"]["ownerReferences"] = json!([{"kind": "ReplicaSet", "controller": true}]);
        assert!(owned(&pod));
    }
}
