//! What could not be observed is unknown: never a fail, never a full score.

use std::collections::BTreeSet;

use lab_spec::{
    Evidence, Observation, Outcome, Report, Verdict,
    evidence::{Reason, Unavailable},
    experiment::ExperimentEnd,
};

use crate::course;

fn hole() -> Outcome {
    Outcome::Unavailable(Unavailable {
        reason: Reason::Forbidden,
        message: "the test took this answer away".to_owned(),
    })
}

/// Every answer of the evidence, of looks and of experiments' looks.
fn answers(evidence: &mut Evidence) -> impl Iterator<Item = (&String, &mut Observation)> {
    let looks = evidence.looks.iter_mut().flat_map(|look| &mut look.observations);
    looks.chain(evidence.experiments.values_mut().flat_map(|record| record.looks.values_mut()).flatten())
}

/// The evidence without the answer to one question, whenever it was asked.
fn without(evidence: &Evidence, key: &str) -> Evidence {
    let mut holed = evidence.clone();
    answers(&mut holed).filter(|(asked, _)| *asked == key).for_each(|(_, answer)| answer.outcome = hole());
    holed
}

fn ids(report: &Report, verdict: Verdict) -> BTreeSet<&str> {
    let with = report.checks().filter(|(_, check)| check.verdict == verdict);
    with.map(|(_, check)| check.id.as_str()).collect()
}

/// Holds for every report: with an unknown there is no score and no exit 0.
fn assert_ungraded(report: &Report, hole: &str) {
    assert_eq!(report.verdict, Verdict::Unknown, "without {hole}");
    assert_eq!(report.verdict.exit_code(), 3, "without {hole}");
    assert_eq!(report.earned, None, "without {hole} points were given");
}

#[test]
fn an_answer_taken_from_a_right_solution_never_fails_a_check() {
    for course in course::all() {
        let judge = course.judge();
        let states = course.states();
        let right = states.iter().filter(|state| state.fails.is_empty());
        for state in right {
            let mut evidence = course.evidence(&state.name);
            let keys: BTreeSet<String> = answers(&mut evidence).map(|(key, _)| key.clone()).collect();
            let mut unknown = BTreeSet::new();
            for key in &keys {
                let report = judge.report(&without(&evidence, key));
                for verdict in [Verdict::Fail, Verdict::Pending, Verdict::Blocked, Verdict::Skipped] {
                    let wrong = ids(&report, verdict);
                    assert!(wrong.is_empty(), "{}: without `{key}` {wrong:?} are {verdict:?}", state.name);
                }
                let reads: BTreeSet<&str> = report
                    .checks()
                    .filter(|(_, check)| check.evidence.contains(key))
                    .map(|(_, check)| check.id.as_str())
                    .collect();
                let lost = ids(&report, Verdict::Unknown);
                assert!(
                    reads.is_subset(&lost),
                    "{}: without `{key}` {:?} passed all the same",
                    state.name,
                    &reads - &lost
                );
                if !lost.is_empty() {
                    assert_ungraded(&report, key);
                }
                unknown.extend(lost.into_iter().map(str::to_owned));
            }
            // What rests on an experiment's results alone is taken away below.
            let report = judge.report(&evidence);
            let answered = report
                .checks()
                .map(|(_, check)| check)
                .filter(|check| check.evidence.iter().any(|key| !key.starts_with("experiment ")));
            let all = answered.map(|check| check.id.clone()).collect::<BTreeSet<_>>();
            assert!(!all.is_empty());
            let never: Vec<_> = all.difference(&unknown).collect();
            assert!(never.is_empty(), "{}: no answer can make {never:?} unknown", state.name);
        }
    }
}

#[test]
fn an_answer_taken_from_a_wrong_state_never_turns_a_pass_into_a_fail() {
    for course in course::all() {
        let judge = course.judge();
        let states = course.states();
        for state in states.iter().filter(|state| !state.fails.is_empty()) {
            let mut evidence = course.evidence(&state.name);
            let whole = judge.report(&evidence);
            let passed = ids(&whole, Verdict::Pass);
            let keys: BTreeSet<String> = answers(&mut evidence).map(|(key, _)| key.clone()).collect();
            for key in &keys {
                let report = judge.report(&without(&evidence, key));
                for (_, check) in report.checks().filter(|(_, check)| passed.contains(check.id.as_str())) {
                    assert!(
                        matches!(check.verdict, Verdict::Pass | Verdict::Unknown),
                        "{}: without `{key}` `{}` is {:?}: {}",
                        state.name,
                        check.id,
                        check.verdict,
                        check.message
                    );
                }
                let earned = |report: &Report| report.earned.map_or(0, |points| points.0);
                assert!(earned(&report) <= earned(&whole), "{}: without `{key}` more is earned", state.name);
            }
        }
    }
}

#[test]
fn without_any_answer_every_check_is_unknown() {
    for course in course::all() {
        let judge = course.judge();
        for state in course.states() {
            let mut evidence = course.evidence(&state.name);
            answers(&mut evidence).for_each(|(_, answer)| answer.outcome = hole());
            for record in evidence.experiments.values_mut() {
                record.ended = ExperimentEnd::Unavailable { why: "the test stopped it".to_owned() };
                record.results.clear();
            }
            let report = judge.report(&evidence);
            let all: BTreeSet<&str> = course.lab.checks().map(|(_, check)| check.id.as_str()).collect();
            assert_eq!(ids(&report, Verdict::Unknown), all, "{}", state.name);
            assert_ungraded(&report, "any answer");
            for (_, check) in report.checks().filter(|(_, check)| check.blocked_by.is_none()) {
                assert!(
                    check.message.contains("the test "),
                    "{}: `{}` does not say why it is unknown: {}",
                    state.name,
                    check.id,
                    check.message
                );
            }
        }
    }
}

/// A server that stops half-way: what was answered before is judged, what
/// would have come after is not.
#[test]
fn an_experiment_that_did_not_run_is_unknown() {
    for course in course::all() {
        let judge = course.judge();
        let evidence = course.evidence("solution");
        for name in course.lab.experiments.keys() {
            let mut stopped = evidence.clone();
            let record = stopped.experiments.get_mut(name).unwrap();
            record.ended = ExperimentEnd::Unavailable { why: "the test stopped it".to_owned() };
            record.results.clear();
            record.looks.clear();
            let report = judge.report(&stopped);
            assert_ungraded(&report, name);
            let key = format!("experiment {name}");
            for (_, check) in report.checks() {
                let reads = check.evidence.contains(&key);
                let expected = if reads { Verdict::Unknown } else { Verdict::Pass };
                let after = check.blocked_by.is_some();
                assert!(
                    check.verdict == expected || (after && check.verdict == Verdict::Unknown),
                    "without experiment `{name}` `{}` is {:?}",
                    check.id,
                    check.verdict
                );
            }
        }
    }
}

/// `all()` of nothing is true; a lab must not live on that.
#[test]
fn empty_lists_pass_no_check_that_reads_one() {
    for course in course::all() {
        let judge = course.judge();
        let mut evidence = course.evidence("solution");
        for (key, answer) in answers(&mut evidence) {
            if key.starts_with("list ") {
                answer.outcome = Outcome::Present(serde_json::json!([]));
            }
        }
        let report = judge.report(&evidence);
        for (_, check) in report.checks() {
            if check.evidence.iter().any(|key| key.starts_with("list ")) {
                assert_ne!(check.verdict, Verdict::Pass, "`{}` passes on nothing", check.id);
            }
        }
    }
}
