//! What a lab may declare beside the steps of an experiment.

use lab_spec::{Lab, sample::Sampling};

const LAB: &str = r#"
format: 1
id: lab99
title: Samplers
target: [kind]
minutes: 1
story: None.
observe: {}
experiments:
  friday:
    budget: {requests: 1000, time: 10s}
    sample:
      load: {http: "http://api/", rate: 90, nonce: true}
      pods: {watch: pods, labels: "app=api"}
      slices: {watch: endpointslices, service: api}
    steps:
    - wait: {deployment: api, within: 5s}
    - start: load
    - after: 1s
      setImage: {deployment: api, container: api, image: "ms:v2"}
      as: release
    - scale: {deployment: api, replicas: 2}
    - stop: load
tasks:
- id: one
  title: One
  points: 1
  text: None.
  hints: [a, b, c]
  checks:
  - {id: one, title: one, expect: "true", wrong: none}
"#;

fn problems(from: &str, to: &str) -> String {
    let text = LAB.replacen(from, to, 1);
    assert!(from.is_empty() || text != LAB, "`{from}` is not in the lab");
    match Lab::parse("lab.yaml", &text) {
        Ok(_) => String::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

#[test]
fn declared_samplers_are_read_and_begin_where_the_lab_says() {
    let lab = Lab::parse("lab.yaml", LAB).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert!(lab.sends_load());
    let friday = &lab.experiments["friday"];
    let at_once: Vec<_> = friday.samplers_at_once().into_iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(at_once, ["pods", "slices"], "the load has a step that starts it");
    assert!(matches!(friday.sample["load"].sampling(), Some(Sampling::Load("http://api/", 90))));
    assert_eq!(friday.most_requests(), 900, "the rate for all of the budget's time");
}

#[test]
fn load_beyond_the_budget_is_refused_before_anything_is_sent() {
    let said = problems("rate: 90", "rate: 101");
    assert!(said.contains("may send 1010 requests") && said.contains("budget is 1000"), "{said}");
    assert!(problems("rate: 90", "rate: 0").contains("expected 1 to 5000"));
    assert!(problems("rate: 90", "rate: 5001").contains("expected 1 to 5000"));
}

#[test]
fn sampler_does_one_thing() {
    for (from, to) in [
        (", rate: 90", ""),
        ("rate: 90", "rate: 90, watch: pods"),
        ("watch: pods, ", ""),
        (r#"http: "http://api/", "#, ""),
    ] {
        assert!(problems(from, to).contains("either `http` and `rate`, or `watch`"), "{to}");
    }
    assert!(problems("watch: pods", "watch: secrets").contains("watches `secrets`"));
    assert!(problems("labels: \"app=api\"", "service: api").contains("names a Service"));
    assert!(problems("nonce: true", "labels: \"a=b\"").contains("are for `watch`"));
}

#[test]
fn steps_name_samplers_that_are_there_and_still_run() {
    assert!(problems("stop: load", "stop: pods").contains("no load of `sample`"));
    assert!(problems("start: load", "start: none").contains("not in `sample`"));
    assert!(problems("as: release", "as: pods").contains("a sampler's"));
    let twice = problems("- stop: load", "- stop: load\n    - stop: load");
    assert!(twice.contains("stopped before"), "{twice}");
}
