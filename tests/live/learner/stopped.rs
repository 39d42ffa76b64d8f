//! labcheck stopped in the middle of an experiment.

use std::time::Duration;

use super::home::{Home, NAMESPACE, end, eventually, signal};

/// How long labcheck takes to come to the experiment and delete the pod.
const SOON: Duration = Duration::from_secs(60);

fn solo(home: &Home) -> Option<String> {
    let uid = [
        "-n",
        NAMESPACE,
        "get",
        "pod",
        "solo",
        "-o",
        "jsonpath={.metadata.uid}{.metadata.deletionTimestamp}",
    ];
    let run = home.kubectl_may_fail(&uid);
    (run.code == Some(0)).then_some(run.out)
}

fn probers(home: &Home) -> String {
    let pods = home.kubectl(&["-n", NAMESPACE, "get", "pods", "-o", "name"]);
    pods.lines().filter(|name| name.contains("labcheck-probe")).collect()
}

/// A grading that has just deleted `solo`.
fn in_the_middle(home: &Home) -> std::process::Child {
    let before = solo(home).expect("`solo` runs");
    let mut child = home.spawn(&["lab01"]);
    eventually("`solo` is being deleted", SOON, || {
        assert!(child.try_wait().unwrap().is_none(), "labcheck ended before it deleted `solo`");
        solo(home).as_deref() != Some(&before)
    });
    child
}

#[test]
fn killed_it_is_undone_by_the_next_one() {
    for next in [&["start", "lab01"][..], &["lab01"]] {
        let home = Home::solved();
        let child = in_the_middle(&home);
        signal(&child, "KILL");
        let killed = end(child);
        assert_eq!(killed.code, None, "{killed:?}");
        assert_eq!(home.journals(), 1, "a killed experiment leaves its journal");

        let run = home.labcheck(next);
        run.says("undone what the killed experiment `stay` left in namespace `lab01`")
            .says("created pod/solo again");
        assert!(solo(&home).is_some(), "`solo` is not back");
        assert_eq!(probers(&home), "");
        assert_eq!(home.journals(), 0, "the journal is left");
        if next == ["lab01"] {
            run.exits(0).says("100 of 100 points");
        }
    }
}

#[test]
fn killed_while_asking_no_prober_is_left() {
    let home = Home::solved();
    let child = home.spawn(&["lab01"]);
    eventually("a prober pod", SOON, || !probers(&home).is_empty());
    signal(&child, "KILL");
    end(child);
    home.labcheck(&["lab01", "--no-experiments"]).says("undone what the killed experiment `ask` left");
    eventually("no prober pod", Duration::from_secs(10), || probers(&home).is_empty());
    assert_eq!(home.journals(), 0);
}

#[test]
fn ctrl_c_undoes_before_the_end() {
    let home = Home::solved();
    let child = in_the_middle(&home);
    signal(&child, "INT");
    let stopped = end(child);
    stopped.says("what an experiment changed is being undone").in_time(Duration::from_secs(60));
    stopped.exits(3);
    assert!(solo(&home).is_some(), "`solo` is not back");
    assert_eq!(probers(&home), "");
    assert_eq!(home.journals(), 0, "the journal is left");
}

#[test]
fn ctrl_c_in_an_authors_proof_removes_what_was_made_for_it() {
    let home = Home::new();
    let labs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../labs");
    let child = home.spawn(&["--labs", labs, "author", "test", "lab01", "--only", "starter", "--no-record"]);
    let ends = || {
        let namespace = ["get", "namespace", "lab01-starter", "-o", "jsonpath={.metadata.deletionTimestamp}"];
        let run = home.kubectl_may_fail(&namespace);
        (run.code == Some(0)).then_some(run.out)
    };
    eventually("the state stands", SOON, || ends().is_some_and(|ends| ends.is_empty()));
    signal(&child, "INT");
    let stopped = end(child);
    stopped.exits(3).says("error: interrupted").in_time(Duration::from_secs(60));
    assert_eq!(stopped.out, "", "nothing was proven");
    assert!(ends().is_none_or(|ends| !ends.is_empty()), "the state's namespace stays");
    assert_eq!(home.journals(), 0);
}
