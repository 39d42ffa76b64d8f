//! A lab proves itself: the starter fails, the solution passes, every mutant
//! fails exactly where it says, every accept passes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use lab_spec::{Report, Verdict};

use crate::course::{self, State};

fn failed(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Fail | Verdict::Pending | Verdict::Blocked)
}

#[test]
fn a_replayed_report_is_the_recorded_one_byte_for_byte() {
    for course in course::all() {
        for state in course.states() {
            let path = course.recorded(&state.name, "json");
            // The evidence stays as it was recorded; what is said of it may change.
            if std::env::var_os("UPDATE_GOLDENS").is_some_and(|value| !value.is_empty()) {
                fs::write(&path, lab_render::json(&course.report(&state.name))).unwrap();
            }
            let recorded =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let replayed = lab_render::json(&course.report(&state.name));
            if replayed != recorded {
                let line = replayed.lines().zip(recorded.lines()).position(|(a, b)| a != b);
                let line = line.unwrap_or_else(|| replayed.lines().count().min(recorded.lines().count()));
                panic!(
                    "{} of {} differs in line {}:\nrecorded {:?}\nreplayed {:?}",
                    state.name,
                    course.lab.id,
                    line + 1,
                    recorded.lines().nth(line),
                    replayed.lines().nth(line)
                );
            }
        }
    }
}

#[test]
fn every_state_fails_where_it_says_and_nowhere_else() {
    for course in course::all() {
        for state in course.states() {
            let report = course.report(&state.name);
            let problems = differences(&state, &report);
            assert!(problems.is_empty(), "{} of {}:\n{}", state.name, course.lab.id, problems.join("\n"));
            let fails = !state.fails.is_empty();
            assert_eq!(report.verdict.exit_code(), u8::from(fails), "exit code of {}", state.name);
            let full = report.earned.unwrap().0 == u64::from(report.points) * 100;
            assert_eq!(full, !fails, "{} earned {:?}", state.name, report.earned);
        }
    }
}

fn differences(state: &State, report: &Report) -> Vec<String> {
    report
        .checks()
        .filter(|(_, check)| !state.either.contains(&check.id))
        .filter(|(_, check)| match state.fails.contains(&check.id) {
            true => !failed(check.verdict),
            false => check.verdict != Verdict::Pass,
        })
        .map(|(_, check)| format!("`{}` is {}: {}", check.id, check.verdict.word(), check.message))
        .collect()
}

#[test]
fn groups_are_what_they_are_called() {
    for course in course::all() {
        for state in course.states() {
            let wrong = state.name == "starter" || state.name.starts_with("mutants/");
            assert_eq!(!state.fails.is_empty(), wrong, "{}", state.name);
            assert!(state.fails.is_disjoint(&state.either), "{}", state.name);
        }
    }
}

#[test]
fn every_state_has_evidence_and_no_evidence_is_an_orphan() {
    for course in course::all() {
        let files = |names: &mut dyn Iterator<Item = String>| names.collect::<BTreeSet<_>>();
        let found = files(
            &mut fs::read_dir(course.dir.join("evidence"))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap()),
        );
        let states = course.states();
        let mut expected = files(&mut states.iter().flat_map(|state| {
            ["json", "labcheck"].map(|extension| {
                let path = course.recorded(&state.name, extension);
                path.file_name().unwrap().to_str().unwrap().to_owned()
            })
        }));
        expected.insert("digests.json".to_owned());
        assert_eq!(found, expected, "{}", course.lab.id);
        let digests = fs::read_to_string(course.dir.join("evidence/digests.json")).unwrap();
        let digests: BTreeMap<String, String> = serde_json::from_str(&digests).unwrap();
        let names: BTreeSet<_> = states.iter().map(|state| &state.name).collect();
        assert_eq!(digests.keys().collect::<BTreeSet<_>>(), names, "{}", course.lab.id);
    }
}

#[test]
fn evidence_is_of_this_lab_file() {
    for course in course::all() {
        for state in course.states() {
            let evidence = course.evidence(&state.name);
            assert_eq!(evidence.lab.id, course.lab.id, "{}", state.name);
            assert_eq!(evidence.lab.digest, course.lab.digest, "{} is older than lab.yaml", state.name);
        }
    }
}

#[test]
fn every_check_with_weight_was_seen_to_fail() {
    for course in course::all() {
        let unprovable = course.unprovable();
        let mut seen = BTreeSet::new();
        for state in course.states() {
            let report = course.report(&state.name);
            seen.extend(
                report.checks().filter(|(_, check)| failed(check.verdict)).map(|(_, check)| check.id.clone()),
            );
        }
        for (_, check) in course.lab.checks().filter(|(_, check)| check.weight > 0) {
            match unprovable.get(&check.id) {
                None => assert!(seen.contains(&check.id), "no state fails `{}`", check.id),
                Some(why) => {
                    assert!(!seen.contains(&check.id), "`{}` does fail; it is not unprovable", check.id);
                    assert!(!why.is_empty(), "`{}` is unprovable without a reason", check.id);
                }
            }
        }
        let known = |id: &String| course.lab.checks().any(|(_, check)| check.id == *id);
        let unknown: Vec<_> = unprovable.keys().filter(|id| !known(id)).collect();
        assert!(unknown.is_empty(), "unprovable.yaml names {unknown:?}, which are no checks");
    }
}
