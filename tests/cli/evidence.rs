//! Saved evidence: judged the same every time, and refused where it is not
//! what it should be.

use std::fs;

use crate::place::{Place, recorded, repository};

const STATES: [(&str, i32); 3] = [("solution", 0), ("starter", 1), ("mutants-two-faults", 1)];

#[test]
fn the_same_evidence_gives_the_same_bytes() {
    let place = Place::new();
    for (state, code) in STATES {
        let evidence = recorded(state);
        for more in [[].as_slice(), &["--explain"], &["-o", "json"], &["-o", "junit"], &["-o", "html"]] {
            let args = [&["lab01", "--evidence", &evidence], more].concat();
            let first = place.run(&args);
            assert_eq!((first.code, first.err.as_str()), (code, ""), "{state} {more:?}");
            assert!(!first.out.is_empty());
            let second = Place::new().run(&args);
            second.is(code, &first.out, "");
        }
    }
}

#[test]
fn json_is_the_report_and_replay_keeps_no_result() {
    let place = Place::new();
    let said = place.run(&["lab01", "--evidence", &recorded("solution"), "-o", "json"]);
    let report = said.report();
    assert_eq!((report.format, report.lab.as_str(), report.points), (1, "lab01", 100));
    assert_eq!(report.earned.map(|points| points.0), Some(10_000));
    // Somebody else's evidence is no result of this learner.
    assert!(!place.path("state").exists(), "a replay wrote state");
    place.run(&["progress"]).is(0, "nothing graded yet; begin with `labcheck start lab01`\n", "");
}

#[test]
fn text_fits_80_columns_but_for_commands_and_urls() {
    for (state, code) in STATES {
        let said = Place::new().run(&["lab01", "--evidence", &recorded(state)]);
        assert_eq!(said.code, code);
        let wide = said.out.lines().filter(|line| line.chars().count() > 80);
        for line in wide {
            let line = line.trim_start();
            let is_command = ["look: ", "next: "].iter().any(|name| line.starts_with(name));
            assert!(is_command || !line.contains(' '), "{state}: {line}");
        }
    }
}

#[test]
fn evidence_and_a_cluster_exclude_each_other() {
    let evidence = recorded("solution");
    for more in
        [["--context", "x"].as_slice(), &["--kubeconfig", "x"], &["-n", "x"], &["--watch"], &["--save", "x"]]
    {
        let said = Place::new().run(&[&["lab01", "--evidence", &evidence], more].concat());
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{more:?}");
        assert!(said.err.contains("cannot be used with"), "{more:?}: {}", said.err);
        assert!(said.err.contains("--evidence <FILE>"), "{more:?}: {}", said.err);
    }
}

#[test]
fn what_is_no_bundle_is_refused_with_the_next_step() {
    let place = Place::new();
    let whole = fs::read(recorded("solution")).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x20;
    let cases: [(&str, Vec<u8>, &str); 8] = [
        ("empty", Vec::new(), "is damaged: it is cut off"),
        ("short", b"x".to_vec(), "is damaged: it is cut off"),
        (
            "text",
            b"not evidence at all\n".to_vec(),
            "is no labcheck bundle; `labcheck LAB --save FILE` writes one",
        ),
        ("zip", b"PK\x03\x04rest".to_vec(), "is no labcheck bundle"),
        ("half", whole[..whole.len() / 2].to_vec(), "is damaged: it is cut off"),
        ("last", whole[..whole.len() - 1].to_vec(), "is damaged: it is cut off"),
        ("flipped", flipped, "is damaged: "),
        ("more", [whole.as_slice(), b"more"].concat(), "is damaged: something follows its evidence"),
    ];
    for (name, bytes, why) in cases {
        let path = place.write(name, bytes);
        let said = place.run(&["lab01", "--evidence", path.to_str().unwrap()]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{name}: {said:?}");
        assert!(said.err.starts_with(&format!("error: bundle `HOME/{name}`: {why}")), "{name}: {}", said.err);
    }
    let said = place.run(&["lab01", "--evidence", place.path("gone").to_str().unwrap()]);
    assert_eq!(said.code, 2);
    assert!(said.err.starts_with("error: bundle `HOME/gone`: cannot be read: "), "{}", said.err);
    let said = place.run(&["lab01", "--evidence", place.path("").to_str().unwrap()]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("is not a regular file"), "{}", said.err);
}

#[test]
fn evidence_of_another_lab_is_refused() {
    let place = Place::new();
    let mut evidence = lab_bundle::read(recorded("solution").as_ref()).unwrap();
    evidence.lab.id = "lab02".to_owned();
    let path = place.path("other.labcheck");
    lab_bundle::write(&path, &evidence).unwrap();
    place
        .run(&["lab01", "--evidence", path.to_str().unwrap()])
        .is_usage("error: `HOME/other.labcheck` is evidence of `lab02`, expected `lab01`\n");
}

#[test]
fn what_a_cluster_lacks_is_not_the_learners_fault() {
    let place = Place::new();
    let mut evidence = lab_bundle::read(recorded("solution").as_ref()).unwrap();
    evidence.images.clear();
    let path = place.path("no-image.labcheck");
    lab_bundle::write(&path, &evidence).unwrap();
    let said = place.run(&["lab01", "--evidence", path.to_str().unwrap()]);
    said.is(
        3,
        "",
        "error: lab `lab01` cannot be judged here: no record says that image `ms:v1` was loaded; run `labcheck up`\n",
    );
    let namespace = std::mem::replace(&mut evidence.cluster.namespace, "gone".to_owned());
    assert_eq!(namespace, "lab01-solution");
    let path = place.path("no-namespace.labcheck");
    lab_bundle::write(&path, &evidence).unwrap();
    let said = place.run(&["lab01", "--evidence", path.to_str().unwrap()]);
    assert_eq!((said.code, said.out.as_str()), (3, ""));
    assert!(
        said.err.contains("the cluster has no namespace `gone`; run `labcheck start lab01`"),
        "{}",
        said.err
    );
}

/// A name that a student chose reaches no output as markup or as a command to
/// the terminal.
#[test]
fn hostile_names_stay_text() {
    let place = Place::new();
    let mut evidence = lab_bundle::read(recorded("starter").as_ref()).unwrap();
    evidence.cluster.context = "\u{1b}[2J<script>alert(1)</script>\u{202e}\n::error::x".to_owned();
    let path = place.path("hostile.labcheck");
    lab_bundle::write(&path, &evidence).unwrap();
    for format in ["text", "json", "junit", "html"] {
        // `run` refuses escape sequences itself.
        let said = place.run(&["lab01", "--evidence", path.to_str().unwrap(), "-o", format]);
        assert_eq!((said.code, said.err.as_str()), (1, ""), "{format}");
        assert!(!said.out.lines().any(|line| line.starts_with("::")), "{format}");
        if format != "json" {
            assert!(!said.out.contains('\u{202e}'), "{format}");
        }
        if ["html", "junit"].contains(&format) {
            assert!(!said.out.contains("<script>alert"), "{format}");
        }
    }
}

#[test]
fn the_binary_has_the_labs_of_this_repository() {
    let labs = repository().join("labs");
    let evidence = recorded("starter");
    let place = Place::new();
    let own = place.run(&["lab01", "--evidence", &evidence]);
    let from_disk = place.run(&["--labs", labs.to_str().unwrap(), "lab01", "--evidence", &evidence]);
    from_disk.is(own.code, &own.out, &own.err);
}
