//! Hostile inputs 23, 24 and 30: objects that were made to look right, and a
//! cluster that two students share.

use lab_bundle::submission::{self, ClusterId, Draft, Key};
use serde_json::{Value, json};

use crate::{
    forge,
    objects::{each, grade, items, verdicts},
    room::Class,
};

const PODS: &str = "list v1 pods -n lab01-solution";
const DEPLOYMENTS: &str = "list apps/v1 deployments -n lab01-solution";

fn is_owned(pod: &Value) -> bool {
    pod["metadata"]["ownerReferences"].is_array()
}

#[test]
fn ready_replicas_without_pods_are_told_and_earn_nothing() {
    // 23: the Deployment says that all is well, and no pod is there.
    let mut evidence = forge::evidence("eve");
    each(&mut evidence, DEPLOYMENTS, |observation| {
        let status = &mut items(observation)[0]["status"];
        status["readyReplicas"] = json!(1);
        status["availableReplicas"] = json!(1);
        status["unavailableReplicas"] = json!(0);
    });
    each(&mut evidence, PODS, |observation| items(observation).retain(|pod| !is_owned(pod)));
    let graded = grade(&evidence);
    graded.is_full("ada");
    assert!(graded.flags("eve").contains(&"evidence-replicas"), "{:?}", graded.flags("eve"));
    assert!(graded.of("eve")["score"].as_u64() < Some(10_000), "{:?}", verdicts(&graded));
    assert!(graded.written.contains("of its pods are ready, and 0 are listed"));
}

#[test]
fn pods_of_another_owner_are_told_and_earn_nothing() {
    // 24: the name is right, and the UID is another's. A garbage collector may
    // take longer than this was looked at; where it had the time, that is told.
    let honest = forge::evidence("eve");
    for (mut evidence, flag) in
        [(honest.clone(), "evidence-replicas"), (class::slowed(&honest, 10).unwrap(), "evidence-owner")]
    {
        let mut changed = 0;
        each(&mut evidence, PODS, |observation| {
            for pod in items(observation).iter_mut().filter(|pod| is_owned(pod)) {
                pod["metadata"]["ownerReferences"][0]["uid"] = json!("11111111-2222-3333-4444-555555555555");
                changed += 1;
            }
        });
        assert!(changed > 0);
        let graded = grade(&evidence);
        graded.is_full("ada");
        assert!(graded.flags("eve").contains(&flag), "{flag}: {:?}", graded.flags("eve"));
        assert!(graded.of("eve")["score"].as_u64() < Some(10_000), "{:?}", verdicts(&graded));
    }
}

#[test]
fn two_students_with_one_cluster_are_both_flagged() {
    // 30.
    let class = Class::new();
    for student in ["bob", "eve"] {
        let evidence = forge::evidence(student);
        let draft = Draft {
            tool: "labcheck 0.1.0".to_owned(),
            student: student.to_owned(),
            cluster: Some(ClusterId { ca_sha256: "0".repeat(64), kube_system_uid: "one".to_owned() }),
            made: forge::made(&evidence),
        };
        let mut secret = [0; 32];
        secret[..3].copy_from_slice(student.as_bytes());
        let bytes = submission::write(draft, &evidence, &Key::from_secret(&secret)).unwrap();
        class.put(&format!("{student}.tar.zst"), bytes);
    }
    let graded = class.grade(&[]);
    for student in ["bob", "eve"] {
        graded.is_full(student);
        assert!(graded.flags(student).contains(&"same-cluster"), "{:?}", graded.flags(student));
    }
    assert!(!graded.flags("ada").contains(&"same-cluster"));
}
