//! What findings cost, against reading and judging. Run it alone, on a quiet machine:
//! `cargo test --release -p lab-bulk --test consistency -- --ignored --nocapture`.

use std::{
    collections::BTreeMap,
    fs,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use lab_bulk::{Rubric, consistency};
use lab_bundle::submission::{self, Draft, Key};
use lab_spec::Lab;

use super::bundles;

const ROUNDS: u32 = 5;

#[test]
#[ignore = "measures time"]
fn findings_take_a_tenth_of_grading() {
    let mut labs = BTreeMap::<_, Vec<Vec<u8>>>::new();
    for bundle in bundles() {
        let lab = bundle.ancestors().nth(2).unwrap().join("lab.yaml");
        let evidence = lab_bundle::read(&bundle).unwrap();
        let draft = Draft {
            tool: "labcheck test".to_owned(),
            student: "ada".to_owned(),
            cluster: None,
            made: "2026-11-21T18:00:00Z".to_owned(),
        };
        let bytes = submission::write(draft, &evidence, &Key::from_secret(&[7; 32])).unwrap();
        labs.entry(lab).or_default().push(bytes);
    }
    let mut all = [Duration::ZERO; 3];
    for (file, submissions) in &labs {
        let each = of_lab(file, submissions);
        println!("{}: {}", file.display(), told(&each));
        all.iter_mut().zip(each).for_each(|(all, each)| *all += each);
    }
    println!("all: {}", told(&all));
    let [reading, judging, finding] = all;
    assert!(finding * 10 <= reading + judging, "{}", told(&all));
}

fn told(&[reading, judging, finding]: &[Duration; 3]) -> String {
    let share = |of: Duration| 100.0 * finding.as_secs_f64() / of.as_secs_f64();
    let (grading, judged) = (share(reading + judging), share(judging));
    format!(
        "reading {reading:?}, judging {judging:?}, findings {finding:?}: {grading:.1} % of both, {judged:.1} % of judging"
    )
}

/// The time of one submission, read, judged and held against itself, one after
/// the other as in a batch.
fn of_lab(file: &Path, submissions: &[Vec<u8>]) -> [Duration; 3] {
    let shown = file.display().to_string();
    let lab = Lab::parse(&shown, &fs::read_to_string(file).unwrap()).unwrap();
    let rubric = Rubric::plain(lab, "test");
    let judge = rubric.judge(&shown).unwrap();
    let mut sums = [Duration::ZERO; 3];
    for bytes in (0..ROUNDS).flat_map(|_| submissions) {
        let begun = Instant::now();
        let submission = black_box(submission::read(bytes).unwrap());
        let read = Instant::now();
        drop(black_box(rubric.report(&judge, &submission.evidence)));
        let judged = Instant::now();
        drop(black_box(consistency::findings(&submission)));
        sums[2] += judged.elapsed();
        sums[1] += judged - read;
        sums[0] += read - begun;
    }
    sums.map(|sum| sum / (u32::try_from(submissions.len()).unwrap() * ROUNDS))
}
