//! Commands that read labs and no cluster.

use std::fs;

use crate::place::{Place, lab_ids, repository};

#[test]
fn list_shows_every_lab() {
    let said = Place::new().run(&["list"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let lines: Vec<_> =
        said.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(lines[0], "LAB TITLE MINUTES POINTS BEST");
    assert_eq!(lines[1], "lab01 Environment setup 30 100 -");
    let ids: Vec<_> = lines[1..].iter().map(|line| line[..5].to_owned()).collect();
    assert_eq!(ids, lab_ids());
}

#[test]
fn progress_begins_with_nothing_and_keeps_the_best() {
    let place = Place::new();
    place.run(&["progress"]).is(0, "nothing graded yet; begin with `labcheck start lab01`\n", "");
    place.write(
        "state/progress.json",
        r#"{"format":1,"labs":{"lab01":{"earned":8250,"points":100,"at":"2026-11-21T10:00:00Z"}}}"#,
    );
    place.run(&["progress"]).is(
        0,
        &format!(
            "lab01  82.5 of 100 points  Environment setup\nall labs: 82.5 of {} points\n",
            100 * lab_ids().len()
        ),
        "",
    );
    let said = place.run(&["list"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let line = said.out.lines().find(|line| line.trim_start().starts_with("lab01")).unwrap();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>().join(" "), "lab01 Environment setup 30 100 82.5");
}

#[test]
fn a_broken_record_is_named_and_not_overwritten() {
    for text in ["{", "{\"format\":2,\"labs\":{}}", "[]", ""] {
        let place = Place::new();
        let path = place.write("state/progress.json", text);
        for command in ["progress", "list"] {
            let said = place.run(&[command]);
            assert_ne!(said.code, 0, "{text:?}");
            assert_eq!(said.out, "", "{text:?}");
            assert!(said.err.contains("HOME/state/progress.json"), "{text:?}: {}", said.err);
        }
        assert_eq!(fs::read_to_string(path).unwrap(), text);
    }
}

#[test]
fn hint_lists_tasks_then_tells_one_hint_at_a_time() {
    let place = Place::new();
    place.run(&["hint", "lab01"]).is(
        0,
        "cluster  The cluster is healthy\ncontext  Your commands reach this cluster and namespace\n\
         report  You know what you run on\nimage  The API runs the image that is already there\n\
         serve  The API answers\nheal  You know what comes back\nlogs  Its logs can be found by label\n",
        "",
    );
    let first = place.run(&["hint", "lab01", "image"]);
    first.is(
        0,
        "`kubectl get events --sort-by=.lastTimestamp` says what the kubelet tried and\nwhat it was told.\n",
        "the next hint: labcheck hint lab01 image 2\n",
    );
    let again = place.run(&["hint", "1", "image", "1"]);
    again.is(0, &first.out, &first.err);
    let second = place.run(&["hint", "lab01", "image", "2"]);
    assert_eq!((second.code, second.err.as_str()), (0, "the next hint: labcheck hint lab01 image 3\n"));
    assert!(second.out.contains("An image name without a tag means `:latest`"), "{}", second.out);
    place.run(&["hint", "lab01", "image", "3"]).is(
        0,
        "`image: ms:____` and `imagePullPolicy: ____`\n",
        "the solution: labcheck solution lab01\n",
    );
}

#[test]
fn hints_that_do_not_exist_are_refused() {
    let place = Place::new();
    for number in ["0", "4", "256", "three"] {
        let said = place.run(&["hint", "lab01", "image", number]);
        assert_eq!((said.code, said.out.as_str()), (2, ""));
        assert!(
            said.err.starts_with(&format!("error: invalid value '{number}' for '[NUMBER]': ")),
            "{}",
            said.err
        );
    }
    place.run(&["hint", "lab01", "imgae"]).is_usage(
        "error: `lab01` has no task `imgae`; there is `cluster`, `context`, `report`, `image`, `serve`, `heal`, `logs`\n",
    );
    let ids = lab_ids().iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    place
        .run(&["hint", "lab99"])
        .is_usage(&format!("error: there is no lab `lab99`; there is {ids}\nnext: labcheck list\n"));
}

#[test]
fn the_solution_is_not_shown_without_being_asked_for() {
    Place::new()
        .run(&["solution", "lab01"])
        .is_usage("error: this needs an answer, and there is no terminal to ask at\n");
}

/// The diff is what `patch` takes: the starter, patched, is the solution.
#[test]
fn the_solution_is_a_diff_from_what_the_learner_was_given() {
    let said = Place::new().run(&["solution", "lab01", "--yes"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let lab = repository().join("labs/01-environment");
    let mut left = said.out.lines().peekable();
    let mut files = Vec::new();
    while let Some(header) = left.next() {
        let name = header.strip_prefix("--- starter/").unwrap_or_else(|| panic!("no header: {header}"));
        assert_eq!(left.next(), Some(format!("+++ solution/{name}").as_str()));
        files.push(name.to_owned());
        let mut lines = Vec::new();
        while let Some(line) = left.next_if(|line| !line.starts_with("--- ")) {
            lines.push(line);
        }
        let text = |folder: &str| fs::read_to_string(lab.join(folder).join(name)).unwrap_or_default();
        let (old, new) = (text("starter"), text("solution"));
        for line in lines {
            match line.split_at(1) {
                ("-", removed) => assert!(old.lines().any(|line| line == removed), "{removed}"),
                ("+", added) => assert!(new.lines().any(|line| line == added), "{added}"),
                (" ", kept) => {
                    assert!(old.lines().any(|line| line == kept) && new.lines().any(|line| line == kept));
                }
                ("@", _) => {}
                _ => panic!("no line of a diff: {line}"),
            }
        }
    }
    assert_eq!(files, ["deployment.yaml", "setup.yaml", "solo.yaml"]);
}

#[test]
fn labs_of_a_directory_are_found_and_a_missing_one_is_named() {
    let place = Place::new();
    let gone = place.path("gone");
    for command in [["list"].as_slice(), &["lab01"], &["author", "lint"]] {
        let args = [&["--labs", gone.to_str().unwrap()], command].concat();
        place.run(&args).is_usage("error: `HOME/gone` is not a directory of labs\n");
    }
    let labs = repository().join("labs");
    let said = place.run(&["--labs", labs.to_str().unwrap(), "list"]);
    assert_eq!((said.code, said.out), (0, place.run(&["list"]).out));
}
