use super::*;

fn lab(expect: &str) -> Lab {
    let text = format!(
        r#"
format: 1
id: lab99
title: A lab
minutes: 10
story: A story.
target: [kind]
observe:
  api: {{deployment: api}}
  pods: {{pods: {{labels: "app=api"}}}}
tasks:
- id: task
  title: A task
  points: 1
  text: Do it.
  hints: [one, two, three]
  checks:
  - id: check
    title: It is so
    expect: >-
      {expect}
    wrong: it is not so
"#
    );
    Lab::parse("lab.yaml", &text).expect("a lab")
}

fn said(expect: &str) -> Vec<String> {
    unknown("lab.yaml", &lab(expect)).iter().map(ToString::to_string).collect()
}

#[test]
fn the_published_types_are_readable() {
    assert!(KUBERNETES.types.len() > 100 && KUBERNETES.kinds.len() == Kind::all().count());
    for kind in Kind::all() {
        assert_ne!(KUBERNETES.kind(&kind), Shape::Any, "{kind:?}");
    }
}

#[test]
fn what_there_is_may_be_read() {
    for expect in [
        "api.spec.template.spec.containers.exists(c, c.?securityContext.?runAsNonRoot.orValue(false))",
        "pods.all(p, p.metadata.labels.app == 'api' && p.seenAtMs > 0)",
        "pods.map(p, p.status.containerStatuses).flatten().all(s, s.whatever == 1)",
        "api.metadata.?annotations[?'x'].orValue('') == ''",
        "pods.filter(p, ready(p)).all(p, p.spec.containers.exists(c, c.resources.limits.cpu == '1'))",
        "pods.exists(p, has(p.metadata.deletionTimestamp))",
    ] {
        assert_eq!(said(expect), [] as [String; 0], "{expect}");
    }
}

#[test]
fn what_there_is_not_is_told_with_its_place_and_what_was_meant() {
    let cases = [
        (
            "api.spec.replica == 3",
            "`api.spec` is a `DeploymentSpec`, which has no field `replica`; did you mean `replicas`?",
        ),
        (
            "pods.all(p, p.status.containerStatus.size() == 1)",
            "`p.status` is a `PodStatus`, which has no field `containerStatus`; did you mean `containerStatuses`?",
        ),
        (
            "pods.filter(p, ready(p)).exists(p, p.spec.containers.all(c, c.?livenessprobe.hasValue()))",
            "`c` is a `Container`, which has no field `livenessprobe`; did you mean `livenessProbe`?",
        ),
        ("pods.spec == 1", "`pods` is a list, which has no field `spec`"),
        ("api.metadata.name.first == 1", "`api.metadata.name` is no object, which has no field `first`"),
        ("has(api.status.readyReplica)", "which has no field `readyReplica`"),
    ];
    for (expect, wanted) in cases {
        let said = said(expect);
        assert!(said.len() == 1 && said[0].contains(wanted), "{expect}: {said:?}");
        assert!(said[0].starts_with("lab.yaml:"), "{said:?}");
    }
}
