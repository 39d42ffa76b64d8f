//! From `start` to full marks, and back.

use super::home::{Home, NAMESPACE, OTHER};

#[test]
fn a_lab_is_started_graded_solved_and_reset() {
    let home = Home::new();
    home.kubectl(&["delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=90s"]);
    not_started_is_no_failure(&home);

    home.labcheck(&["start", "lab01"]).exits(0).says("Environment setup").says("next: labcheck lab01");
    broken(&home);
    assert_eq!(home.kubeconfig("config")["current-context"], OTHER, "grading changed the current context");
    home.labcheck(&["progress"]).exits(0);

    home.solve();
    let solved = home.labcheck(&["lab01"]);
    solved.exits(0).says("100 of 100 points").says("17 passed");
    assert!(!solved.out.contains("fail "), "{}", solved.out);
    assert_eq!(home.journals(), 0, "experiments left a journal");
    home.labcheck(&["progress"]).exits(0).says("lab01").says("100 of 100");

    saved_evidence_says_the_same(&home);

    let reset = home.labcheck(&["reset", "lab01", "--yes"]);
    reset.exits(0).says("next: labcheck lab01");
    let image = home.kubectl(&[
        "-n",
        NAMESPACE,
        "get",
        "deployment",
        "api",
        "-o",
        "jsonpath={.spec.template.spec.containers[0].image}",
    ]);
    assert_eq!(image, "ms", "the starter is not back");
    home.kubectl_may_fail(&["-n", NAMESPACE, "get", "pod", "solo"]).exits(1).says("not found");
    let current = &home.kubeconfig("config")["current-context"];
    assert_eq!(current, home.context(), "reset changed the current context");
    home.labcheck(&["progress"]).exits(0).says("100 of 100");
}

/// Without the lab's namespace nothing can be judged, and the next step says
/// how to get one.
fn not_started_is_no_failure(home: &Home) {
    let run = home.labcheck(&["lab01"]);
    run.exits(3).says("namespace `lab01`").says("labcheck start lab01");
    assert!(!run.out.contains("fail "), "{}", run.out);
}

fn broken(home: &Home) {
    let run = home.labcheck(&["lab01"]);
    run.exits(1).says(&format!("looking at `{}`", home.context()));
    // Several faults, each with its own words and none hidden by another.
    run.says("10 of 100 points");
    run.says("the current context `elsewhere` leads to `https://127.0.0.1:1`");
    // What the learner wrote, as the kubelet reads it.
    run.says("[\"docker.io/library/ms:latest\"], expected `ms:v1`");
    run.says("have imagePullPolicy").says("`Always`, expected `IfNotPresent` or `Never`");
    run.says("because deployment/api").says("`api`, image `ms`: ");
    run.says("follows from `image-digest`").says("not judged: check `answers` did not pass");
    run.says("pod `solo` does not exist").says("next: ");
}

/// The report of saved evidence is the live one, byte for byte, in every
/// format.
fn saved_evidence_says_the_same(home: &Home) {
    for format in ["text", "json", "junit", "html"] {
        let file = home.file(&format!("{format}.labcheck"));
        let live = home.labcheck(&["lab01", "-o", format, "--explain", "--save", &file]);
        live.exits(0).says("saved evidence to");
        let replayed = home.labcheck(&["lab01", "-o", format, "--explain", "--evidence", &file]);
        replayed.exits(0);
        assert!(live.out == replayed.out, "{format}: live\n{}\nreplayed\n{}", live.out, replayed.out);
        assert!(live.out.len() > 500, "{format}: {}", live.out);
    }
}
