use lab_spec::sample::Changed;

use super::*;
use crate::{
    cel::{Budget, Program, Scope},
    functions,
};

fn said(version: Option<&str>, error: Option<&str>, proven: bool) -> Answer {
    Answer {
        status: if error.is_none() { Some(200) } else { None },
        error: error.map(str::to_owned),
        pod: version.map(|version| format!("api-{version}")),
        version: version.map(str::to_owned),
        proven,
    }
}

/// Ten requests, ten a second: three of v1, two refused, one unproven, four of v2.
fn load() -> Load {
    Load {
        rate: 10,
        timeout_ms: 5000,
        nonce: true,
        start_ms: 1000.0,
        answers: vec![
            said(Some("v1"), None, true),
            said(None, Some("refused"), false),
            said(Some("v1"), None, false),
            said(Some("v2"), None, true),
        ],
        answer: vec![0, 0, 0, 1, 1, 2, 3, 3, 3, 3],
        latency: vec![10, 20, 30, 5, 5, 10, 40, 50, 60, 70],
        ..Load::default()
    }
}

fn eval(load: Load, text: &str) -> Result<Value, EvalError> {
    let mut scope = Scope::new(functions::registry());
    scope.set("load", bind("load", &Sample::Load(Box::new(load))));
    Program::compile(text).expect("an expression").eval(&scope, &mut Budget::default())
}

fn shown(text: &str) -> String {
    eval(load(), text).map_or_else(|error| format!("error: {error}"), |value| value.to_string())
}

#[test]
fn every_failure_counts_and_says_how() {
    assert_eq!(shown("requests(load)"), "10");
    assert_eq!(shown("failures(load)"), "3");
    assert_eq!(shown("failedHow(load)"), "\"2 refused, 1 unproven\"");
    assert_eq!(shown("outage(load)"), "300.0");
    assert_eq!(shown("broken(load)"), "0", "what was refused was never under way");
    let mut torn = load();
    torn.answers[1].error = Some("reset".to_owned());
    assert_eq!(eval(torn, "broken(load)").unwrap().as_int(), Some(2));
    let mut plain = load();
    plain.nonce = false;
    assert_eq!(eval(plain, "failures(load)").unwrap().as_int(), Some(2), "nobody asked for a proof");
}

#[test]
fn windows_choose_by_when_a_request_was_due() {
    assert_eq!(shown("requests(load, 'first 300ms')"), "3");
    assert_eq!(shown("failures(load, 'last 400ms')"), "0");
    assert_eq!(shown("failures(load, [1300, 1500])"), "2");
    assert_eq!(shown("requests(load, [9000, 9100])"), "0");
    assert_eq!(shown("requests(load, [1500, 1300])"), "0");
    for odd in ["'lately'", "'last week'", "[1]", "3"] {
        assert!(shown(&format!("failures(load, {odd})")).contains("is no window"), "{odd}");
    }
}

#[test]
fn failures_never_make_latency_or_shares_better() {
    assert_eq!(shown("quantile(load, 0.5)"), "5.0");
    assert_eq!(shown("quantile(load, 1.0)"), "5000.0");
    assert_eq!(shown("quantile(load, 0.99, 'last 400ms')"), "7.0");
    assert_eq!(shown("share(load, 'version', 'v1')"), "0.3");
    assert_eq!(shown("share(load, 'version', 'v2', 'last 400ms')"), "1.0");
    assert_eq!(shown("share(load, 'pod', 'api-v2')"), "0.4");
    assert!(shown("share(load, 'node', 'a')").contains("no `node`"));
}

#[test]
fn nothing_follows_from_no_requests() {
    for text in
        ["share(load, 'version', 'v1', [0, 1])", "quantile(load, 0.5, [0, 1])", "outage(load, [0, 1])"]
    {
        assert!(shown(text).contains("no request was due"), "{text}");
    }
}

#[test]
fn no_failure_in_n_bounds_the_loss_by_three_in_n() {
    assert!((bound(10_000) - 0.029_95).abs() < 0.0001, "{}", bound(10_000));
    assert!((bound(1) - 95.0).abs() < 0.001);
    assert!(shown("lossBound(load)").contains("3 requests failed"));
}

#[test]
fn prober_that_lagged_says_nothing() {
    let mut late = load();
    late.lag_p99_ms = MOST_LAG_MS + 1.0;
    assert!(matches!(eval(late, "failures(load)"), Err(EvalError::Unavailable(_))));
    let mut asleep = load();
    asleep.pause_max_ms = MOST_PAUSE_MS + 101.0;
    assert!(matches!(eval(asleep, "failures(load)"), Err(EvalError::Unavailable(_))));
    let mut slow = load();
    slow.lag_p99_ms = MOST_LAG_OF_LATENCIES_MS + 1.0;
    assert!(matches!(eval(slow.clone(), "quantile(load, 0.5)"), Err(EvalError::Unavailable(_))));
    assert_eq!(eval(slow, "failures(load)").unwrap().as_int(), Some(3), "failures are failures all the same");
    let mut torn = load();
    torn.latency.pop();
    assert!(matches!(eval(torn, "failures(load)"), Err(EvalError::Unavailable(_))));
    let mut wild = load();
    wild.answer[0] = 9;
    assert!(matches!(eval(wild, "failures(load)"), Err(EvalError::Unavailable(_))));
}

#[test]
fn load_is_no_map_and_no_list() {
    assert!(eval(load(), "load.requests == 3").is_err());
    assert!(eval(load(), "load.exists(r, true)").is_err());
    assert_eq!(shown("load"), "10 requests, 3 failed");
}

fn watched(changes: &[(u64, &str, &str)], gap: bool) -> Sample {
    let changes = changes.iter().map(|(at_ms, object, state)| Changed {
        at_ms: *at_ms,
        object: (*object).to_owned(),
        state: (*state).to_owned(),
    });
    Sample::Watch(Watched { from_ms: 100, gap, changes: changes.collect() })
}

fn fewest(sample: &Sample, text: &str) -> Result<Value, EvalError> {
    let mut scope = Scope::new(functions::registry());
    scope.set("w", bind("w", sample));
    Program::compile(text).expect("an expression").eval(&scope, &mut Budget::default())
}

#[test]
fn fewest_at_once_counts_from_the_first_list_on() {
    let rollout = watched(
        &[
            (100, "endpoint/a", "ready"),
            (100, "endpoint/b", "ready"),
            (200, "endpoint/a", "terminating"),
            (300, "endpoint/c", "ready"),
            (400, "endpoint/b", "terminating"),
            (400, "endpoint/d", "ready"),
        ],
        false,
    );
    let least = |text: &str| fewest(&rollout, text).unwrap().as_int();
    assert_eq!(least("fewest(w, 'ready')"), Some(1));
    assert_eq!(least("fewest(w, 'ready', [300, 500])"), Some(2), "a swap at one moment is no gap");
    assert_eq!(least("fewest(w, 'ready', [100, 150])"), Some(2));
    assert_eq!(least("fewest(w, 'ready', [450, 500])"), Some(2), "nothing changed in the window");
    assert_eq!(fewest(&watched(&[], false), "fewest(w, 'ready')").unwrap().as_int(), Some(0));
    let gap = fewest(&watched(&[], true), "fewest(w, 'ready')");
    assert!(matches!(gap, Err(EvalError::Unavailable(_))));
}
