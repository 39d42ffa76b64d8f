//! What a failing check says: every fault, each with its own cause.

use lab_spec::{Report, Verdict, report::CheckReport};

use crate::course;

fn check<'r>(report: &'r Report, id: &str) -> &'r CheckReport {
    report.checks().map(|(_, check)| check).find(|check| check.id == id).unwrap()
}

/// The cause chain as a reader sees it.
fn chain(check: &CheckReport) -> String {
    let links: Vec<_> =
        check.cause.iter().map(|link| format!("{} {}: {}", link.object, link.field, link.says)).collect();
    links.join("\n")
}

#[test]
fn a_selector_typo_names_selector_and_labels() {
    let report = course::one("lab01").report("mutants/selector-typo");
    let endpoints = check(&report, "endpoints");
    let said = chain(endpoints);
    assert!(said.contains("service/api spec.selector"), "{said}");
    assert!(said.contains("`app=apii`"), "the selector is not named: {said}");
    assert!(said.contains("`app=api`"), "the pods' labels are not named: {said}");
    assert_eq!(endpoints.verdict, Verdict::Fail);
    assert_eq!(endpoints.follows, None);
    // What the one fault breaks besides is said to follow from it.
    assert_eq!(check(&report, "answers").follows.as_deref(), Some("endpoints"));
}

#[test]
fn two_faults_are_both_told() {
    let report = course::one("lab01").report("mutants/two-faults");
    let (endpoints, cgroup) = (check(&report, "endpoints"), check(&report, "cgroup"));
    for check in [endpoints, cgroup] {
        assert_eq!(check.verdict, Verdict::Fail, "{}", check.id);
        assert_eq!(check.follows, None, "`{}` is hidden behind another", check.id);
    }
    assert!(cgroup.message.contains("ConfigMap `setup`"), "{}", cgroup.message);
    let service = chain(endpoints);
    assert!(service.contains("service/api"), "{service}");
    let text =
        lab_render::text(&report, &lab_render::TextOptions { width: 80, color: false, explain: false });
    for told in [&cgroup.message, &endpoints.message] {
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(told.as_str()), "not in the report: {told}\n{text}");
    }
}

/// Object, field and a word of what is said of it.
type Link = (&'static str, &'static str, &'static str);

/// From what a check sees back to its cause: every link of the chain, nearest
/// first.
#[test]
fn causes_lead_back_to_the_broken_object() {
    let course = course::one("lab01");
    // Kubelet goes to and fro between `ErrImagePull` and `ImagePullBackOff`.
    let unpulled = [
        ("deployment/api", "status.availableReplicas", "0, expected 1"),
        ("pod/api-", "status.containerStatuses[api].state.waiting.reason", "ImagePull"),
        ("event for pod/api-", "message", "Failed to pull image"),
    ];
    let ended = |how| {
        [
            ("deployment/api", "status.availableReplicas", "0, expected 1"),
            ("pod/api-", "status.containerStatuses[api].state.", how),
            ("event for pod/api-", "message", "BackOff"),
        ]
    };
    let unready = [
        ("deployment/api", "status.availableReplicas", "0, expected 1"),
        ("pod/api-", "status.containerStatuses[api].ready", "runs but is not ready"),
        ("event for pod/api-", "message", "Readiness probe failed"),
        ("log of container `api`", "last line", "the model is still loading"),
    ];
    let cases: [(&str, &str, &[Link]); 8] = [
        ("starter", "image-digest", &unpulled),
        ("mutants/latest", "image-digest", &unpulled),
        ("mutants/always-pull", "image-digest", &unpulled),
        ("mutants/batch", "settled", &ended("exit code 0")),
        ("mutants/crashing", "settled", &ended("exit code 1")),
        ("mutants/never-ready", "settled", &unready),
        (
            "mutants/wrong-port",
            "answers",
            &[("service/api", "targetPort", "`9090`, and the pods declare 8080")],
        ),
        ("mutants/no-replicas", "image-digest", &[("deployment/api", "spec.replicas", "0")]),
    ];
    for (state, id, links) in cases {
        let report = course.report(state);
        let check = check(&report, id);
        let said = chain(check);
        // A log may or may not be left of a container that comes and goes.
        let more = check.cause.iter().skip(links.len());
        assert!(
            check.cause.len() >= links.len() && more.clone().all(|link| link.object.starts_with("log of ")),
            "{state}: `{id}` says:\n{said}"
        );
        for (link, (object, field, word)) in check.cause.iter().zip(links) {
            assert!(
                link.object.contains(object) && link.field.contains(field) && link.says.contains(word),
                "{state}: `{id}` does not say {object} {field} {word}:\n{said}"
            );
        }
    }
}

/// What merely follows from a fault points to the check that tells it, and
/// does not tell it again.
#[test]
fn a_cause_is_told_once() {
    for course in course::all() {
        for state in course.states() {
            let report = course.report(&state.name);
            for (_, one) in report.checks() {
                let Some(root) = &one.follows else { continue };
                let told = check(&report, root);
                assert!(one.cause.is_empty(), "{}: `{}` tells it again", state.name, one.id);
                assert!(!told.cause.is_empty(), "{}: `{}` tells nothing", state.name, told.id);
                assert_eq!(told.follows, None, "{}: `{}` follows as well", state.name, told.id);
            }
        }
    }
}
