//! What reports on traffic say, and what they do not.

use lab_spec::{Evidence, Report, Verdict, report::CheckReport, sample::Sample};

use crate::course;

fn check<'r>(report: &'r Report, id: &str) -> &'r CheckReport {
    report.checks().map(|(_, check)| check).find(|check| check.id == id).unwrap()
}

fn text(report: &Report) -> String {
    lab_render::text(report, &lab_render::TextOptions::default())
}

#[test]
fn a_dropped_request_stands_next_to_the_pod_that_went() {
    let report = course::one("lab08").report("mutants/no-prestop");
    let dropped = check(&report, "no-drops");
    assert_eq!(dropped.verdict, Verdict::Fail);
    let moments = &dropped.timeline.as_ref().expect("a line of time").moments;
    let failed = moments.iter().position(|moment| moment.failed > 0).expect("failed requests");
    let terminating = |says: &str| says.starts_with("pod/api-") && says.ends_with("is terminating");
    // What is heard of a deletion may come after the first refused request.
    let beside = moments
        .iter()
        .find(|moment| terminating(&moment.says) && moment.at_ms.abs_diff(moments[failed].at_ms) < 1_500);
    assert!(beside.is_some(), "no pod goes beside the failures: {moments:#?}");
    assert!(text(&report).contains("is terminating"));
}

#[test]
fn a_pass_says_how_much_it_proves() {
    let report = course::one("lab08").report("solution");
    let note = check(&report, "no-drops").note.clone().expect("a note");
    assert!(note.contains("95 % confidence") && note.contains("none of"), "{note}");
    // Wherever the line ends.
    let words: Vec<_> = text(&report).split_whitespace().map(str::to_owned).collect();
    assert!(words.join(" ").contains("95 % confidence"));
}

fn change(evidence: &mut Evidence, change: impl Fn(&mut lab_spec::sample::Load)) {
    for sample in evidence.experiments["friday"].samples.values_mut() {
        if let Sample::Load(load) = sample {
            change(load);
        }
    }
}

/// Whatever the prober saw while it lagged, slept or fell silent is nobody's
/// fault and nobody's merit.
#[test]
fn a_prober_in_trouble_makes_checks_unknown_and_never_failed() {
    let course = course::one("lab08");
    for state in ["solution", "mutants/no-prestop"] {
        let whole = course.evidence(state);
        let mut late = whole.clone();
        change(&mut late, |load| load.lag_p99_ms = 5_000.0);
        let mut asleep = whole.clone();
        change(&mut asleep, |load| load.pause_max_ms = 5_000.0);
        let mut torn = whole.clone();
        change(&mut torn, |load| load.latency.truncate(10));
        let mut lost = whole.clone();
        for sample in lost.experiments["friday"].samples.values_mut() {
            *sample = Sample::Unavailable { why: "the prober was evicted".to_owned() };
        }
        for evidence in [late, asleep, torn, lost] {
            let report = course.judge().report(&evidence);
            for id in ["no-drops", "in-flight", "v2-serves", "bad-answered"] {
                assert_eq!(check(&report, id).verdict, Verdict::Unknown, "{id} of {state}");
            }
            assert_eq!(report.earned, None, "nobody is graded on what was not seen");
            assert_eq!(report.verdict.exit_code(), 3);
        }
    }
}

#[test]
fn one_lost_request_among_thousands_is_a_fail() {
    let course = course::one("lab08");
    let mut evidence = course.evidence("solution");
    change(&mut evidence, |load| {
        let at = load.answers.len() as u32;
        let mut refused = load.answers[0].clone();
        (refused.status, refused.error, refused.proven) = (None, Some("refused".to_owned()), false);
        load.answers.push(refused);
        let middle = load.answer.len() / 2;
        load.answer[middle] = at;
    });
    let report = course.judge().report(&evidence);
    assert_eq!(check(&report, "no-drops").verdict, Verdict::Fail);
    assert_eq!(check(&report, "in-flight").verdict, Verdict::Pass, "refused is not cut off");
}

#[test]
fn too_few_requests_prove_nothing() {
    let course = course::one("lab08");
    let mut evidence = course.evidence("solution");
    change(&mut evidence, |load| {
        load.answer.truncate(4_999);
        load.latency.truncate(4_999);
    });
    let report = course.judge().report(&evidence);
    assert_ne!(check(&report, "no-drops").verdict, Verdict::Pass);
}
