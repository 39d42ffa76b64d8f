//! What findings cost, against judging. Run it alone, on a quiet machine:
//! `cargo test --release -p lab-bulk --test consistency -- --ignored --nocapture`.

use std::{
    collections::BTreeMap,
    fs,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use lab_bulk::{Rubric, consistency};
use lab_bundle::Submission;
use lab_spec::Lab;

use super::{bundles, submitted};

const ROUNDS: u32 = 5;

#[test]
#[ignore = "measures time"]
fn findings_take_a_tenth_of_judging() {
    let mut labs = BTreeMap::<_, Vec<Submission>>::new();
    for bundle in bundles() {
        let lab = bundle.ancestors().nth(2).unwrap().join("lab.yaml");
        labs.entry(lab).or_default().push(submitted(lab_bundle::read(&bundle).unwrap()));
    }
    let (mut judged, mut checked) = (Duration::ZERO, Duration::ZERO);
    for (file, submissions) in &labs {
        let (judging, checking) = of_lab(file, submissions);
        println!("{}: judging {judging:?}, findings {checking:?}", submissions[0].card.lab.id);
        judged += judging;
        checked += checking;
    }
    println!("all: {:.1} % of judging", 100.0 * checked.as_secs_f64() / judged.as_secs_f64());
    assert!(checked * 10 <= judged, "judging {judged:?}, findings {checked:?}");
}

/// The time of one submission, judged and checked.
fn of_lab(file: &Path, submissions: &[Submission]) -> (Duration, Duration) {
    let shown = file.display().to_string();
    let lab = Lab::parse(&shown, &fs::read_to_string(file).unwrap()).unwrap();
    let rubric = Rubric::plain(lab, "test");
    let judge = rubric.judge(&shown).unwrap();
    let each = u32::try_from(submissions.len()).unwrap() * ROUNDS;
    let time = |work: &dyn Fn(&Submission)| {
        let begun = Instant::now();
        (0..ROUNDS).for_each(|_| submissions.iter().for_each(work));
        begun.elapsed() / each
    };
    let judging = time(&|submission| drop(black_box(rubric.report(&judge, &submission.evidence))));
    let checking = time(&|submission| drop(black_box(consistency::findings(submission))));
    (judging, checking)
}
