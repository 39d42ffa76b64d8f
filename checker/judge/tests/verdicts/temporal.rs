//! `within`, `for` and `never` over a series of looks.

use lab_judge::{Judge, Limits, Next};
use lab_spec::{Ended, Evidence, Verdict};
use serde_json::{Value, json};

use crate::literal::{evidence, lab, look, verdicts};

const MAPS: &str = "list v1 configmaps -n lab90";

/// A look at so many ConfigMaps.
fn maps(at_ms: u64, count: usize) -> Value {
    let one = json!({"kind": "ConfigMap", "metadata": {"name": "m"}});
    look(at_ms, &[(MAPS, json!({"present": vec![one; count]}))])
}

/// The same, after time without a watch.
fn gap(mut look: Value) -> Value {
    look["gap"] = json!(true);
    look
}

fn seen(check: &str, looks: &[Value], ended: Option<Ended>) -> Verdict {
    let lab = lab("{maps: {configmaps: {}}}", &format!("[{{id: a, title: A, wrong: w, {check}}}]"));
    let evidence = Evidence { ended, ..evidence(looks) };
    verdicts(&lab, &evidence)[0]
}

const SETTLED: Option<Ended> = Some(Ended::Settled);

#[test]
fn within_is_met_by_one_look_in_time() {
    let check = "within: 20s, expect: maps.size() == 1";
    assert_eq!(seen(check, &[maps(0, 0), maps(9_000, 1), maps(12_000, 0)], SETTLED), Verdict::Pass);
    assert_eq!(seen(check, &[maps(0, 0), maps(9_000, 0)], None), Verdict::Pending, "there is time left");
    assert_eq!(seen(check, &[maps(0, 0), maps(20_000, 0)], SETTLED), Verdict::Fail);
    assert_eq!(seen(check, &[maps(0, 0), maps(25_000, 1)], SETTLED), Verdict::Fail, "too late");
}

#[test]
fn for_must_hold_throughout_its_window() {
    let check = "for: 10s, expect: maps.size() == 1";
    assert_eq!(seen(check, &[maps(0, 1), maps(5_000, 1), maps(10_000, 1)], SETTLED), Verdict::Pass);
    assert_eq!(seen(check, &[maps(0, 1), maps(5_000, 1)], None), Verdict::Pending, "not long enough yet");
    assert_eq!(seen(check, &[maps(0, 1), maps(5_000, 0)], SETTLED), Verdict::Fail);
    let dipped = [maps(0, 1), maps(5_000, 0), maps(6_000, 1), maps(11_000, 1)];
    assert_eq!(seen(check, &dipped, None), Verdict::Pending, "the window starts again");
    let blind = [maps(0, 1), gap(maps(9_000, 1)), maps(12_000, 1)];
    assert_eq!(seen(check, &blind, SETTLED), Verdict::Unknown, "what was not watched is not known");
}

#[test]
fn never_is_broken_by_one_look() {
    let check = "never: maps.size() == 1";
    assert_eq!(seen(check, &[maps(0, 0), maps(5_000, 0)], SETTLED), Verdict::Pass);
    assert_eq!(seen(check, &[maps(0, 0), maps(5_000, 1), maps(6_000, 0)], SETTLED), Verdict::Fail);
    let blind = [maps(0, 0), maps(1_000, 0), gap(maps(9_000, 0))];
    assert_eq!(seen(check, &blind, SETTLED), Verdict::Unknown);
    let caught = [maps(0, 0), maps(1_000, 1), gap(maps(9_000, 0))];
    assert_eq!(seen(check, &caught, SETTLED), Verdict::Fail, "a gap does not hide what was seen");
}

#[test]
fn a_check_that_must_hold_longer_than_the_limit_is_given_its_time() {
    let lab =
        lab("{maps: {configmaps: {}}}", "[{id: a, title: A, for: 40s, expect: maps.size() == 0, wrong: w}]");
    let none = json!({"present": []});
    let first = look(0, &[("list v1 configmaps -n lab90", none.clone()), ("list v1 events -n lab90", none)]);
    let judge = Judge::new("lab.yaml", &lab).unwrap_or_else(|problems| panic!("{problems:?}"));
    let next = |looks: &[Value]| judge.next(&evidence(looks), Limits::default());
    assert_eq!(next(&[first.clone(), look(35_000, &[])]), Next::Watch { until_ms: 36_000 });
    assert!(matches!(next(&[first, look(40_000, &[])]), Next::Done(_)));
}
