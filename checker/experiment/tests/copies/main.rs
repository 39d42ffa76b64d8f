//! Tests on copies of a compose project, with a real `docker compose`: `cargo
//! test --workspace --test live_copies`.
//!
//! Needs a Docker daemon that has `ms:v1` and `labcheck/probe:0.1.0`, as after
//! `labcheck up --compose`, and Compose with buildx where
//! `clusters/offline/build compose` leaves them, or in the directory
//! LABCHECK_TEST_DOCKER_CONFIG.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[path = "../killed/mod.rs"]
mod killed;
mod support;

use std::{process::Command, time::Duration};

use lab_experiment::run;
use lab_spec::{Experiment, experiment::ExperimentEnd};
use serde_json::json;

use crate::{
    killed::kill_after,
    support::{Bench, traces},
};

/// Directory of the run; set in the child only.
const DIR: &str = "LABCHECK_TEST_COMPOSE_RUN";

fn watched() -> Experiment {
    let steps = json!([
        {"compose": {"up": {"within": "90s", "watch": true}}, "as": "up"},
        {"compose": {"edit": {"path": "src/version.txt", "with": "{nonce}\n"}}, "as": "edit"},
        {"compose": {"answered": {"http": "http://api:8080/predict", "within": "20s"}}, "as": "answer"},
        {"compose": {"quiet": {"for": "1s", "within": "20s"}}, "as": "synced"},
        {"compose": {"edit": {"path": "README.md", "with": "{nonce}\n"}}},
        {"compose": {"quiet": {"for": "2s", "within": "20s"}}, "as": "ignored"},
        {"compose": {"edit": {"path": "lock.txt", "with": "{nonce}\n"}}},
        {"compose": {"changed": {"service": "api", "within": "60s"}}, "as": "rebuilt"},
    ]);
    serde_json::from_value(json!({"budget": {"requests": 10, "time": "150s"}, "steps": steps})).unwrap()
}

const RULES: &str = "[{path: src, action: sync, target: /app/src}, {path: lock.txt, action: rebuild}]";

#[tokio::test(flavor = "multi_thread")]
async fn what_watch_does_is_recorded_and_nothing_is_left() {
    let bench = Bench::new(tempfile::tempdir().unwrap().keep(), RULES).await;
    let record = run(&bench.setting(&|_| {}), "watched", &watched()).await;
    assert_eq!(record.ended, ExperimentEnd::Completed, "{record:#?}");
    let said = |name: &str| record.results[name]["said"].as_str().unwrap_or_default().to_owned();
    assert_eq!(record.results["up"]["watch"], json!({"ok": true, "said": ""}));
    assert_eq!(record.results["answer"]["ok"], true);
    assert_eq!(record.results["answer"]["version"], record.results["edit"]["nonce"]);
    assert!(said("synced").contains("Syncing"), "{record:#?}");
    assert_eq!(said("ignored"), "");
    assert_eq!(record.results["rebuilt"]["ok"], true);
    assert_eq!(traces(&bench).await, Vec::<String>::new());
    bench.remove();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_without_rules_is_the_learners_and_ends_the_experiment() {
    let bench = Bench::new(tempfile::tempdir().unwrap().keep(), "[]").await;
    let record = run(&bench.setting(&|_| {}), "watched", &watched()).await;
    assert_eq!(record.results["up"]["watch"]["ok"], false);
    let ExperimentEnd::Stopped { step: 1, why } = &record.ended else { panic!("{record:#?}") };
    assert!(why.contains("nothing watches the copy") && why.contains("configured for watch"), "{why}");
    assert_eq!(traces(&bench).await, Vec::<String>::new());
    bench.remove();
}

/// A Compose that is too old, a machine that has no room, or a watch that ends
/// for a reason of its own, is never the learner's failure.
#[tokio::test(flavor = "multi_thread")]
async fn a_compose_that_cannot_start_or_watch_makes_it_unavailable() {
    for (script, expected) in [
        ("[ \"$1\" = version ] && echo 2.21.0 && exit; exec REAL \"$@\"", "Compose 2.21.0, which is too old"),
        (
            "case \"$*\" in *\" up \"*) echo 'write /x: no space left on device' >&2; exit 1;; esac; exec REAL \"$@\"",
            "this machine could not start a copy of the project: write /x: no space",
        ),
        (
            "case \"$*\" in *\" watch \"*) echo 'hit OS limits creating a watcher'; exit 1;; esac; exec REAL \"$@\"",
            "ended at once: hit OS limits",
        ),
        (
            "case \"$*\" in *\" watch \"*) echo 'Watch enabled'; sleep 3; exit 0;; esac; exec REAL \"$@\"",
            "ended before the experiment did",
        ),
    ] {
        let mut bench = Bench::new(tempfile::tempdir().unwrap().keep(), RULES).await;
        bench.wrap(script);
        let record = run(&bench.setting(&|_| {}), "watched", &watched()).await;
        let ExperimentEnd::Unavailable { why } = &record.ended else { panic!("{record:#?}") };
        assert!(why.contains(expected), "{why}");
        assert_eq!(traces(&bench).await, Vec::<String>::new());
        bench.remove();
    }
}

/// The child: the experiment, each line of progress on stdout.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `killed_at_any_step_nothing_is_left_after_recover` in a process of its own"]
async fn child() {
    let bench = Bench::open(std::env::var_os(DIR).expect("the directory of the run").into()).await;
    let progress = |line: &str| println!("\nprogress: {line}");
    let record = run(&bench.setting(&progress), "watched", &watched()).await;
    assert_eq!(record.ended, ExperimentEnd::Completed, "{record:#?}");
}

/// What a database keeps on a bind mount is its own user's. An ordinary user may
/// neither copy it nor remove what the copy's database wrote; root without the
/// capabilities that override permissions is such a user.
#[tokio::test(flavor = "multi_thread")]
async fn what_only_a_container_may_read_is_empty_in_the_copy_and_goes_with_it() {
    let keeps = "mkdir -m 700 /data/base && touch /data/base/1 && chown -R 999 /data && chmod 700 /data && exec sleep 60";
    let needs = "test -e /data/base/1 && exec sleep 60";
    for (script, why) in [(keeps, ""), (needs, "did not come up without what lies in `DIR/project/data`")] {
        let bench = Bench::new(tempfile::tempdir().unwrap().keep(), RULES).await;
        bench.keep_in_data(script);
        let dir = bench.dir.clone();
        let output = Command::new("setpriv")
            .arg("--bounding-set=-dac_override,-dac_read_search,-fowner")
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "ordinary", "--ignored", "--nocapture"])
            .env(DIR, &dir)
            .output()
            .unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let ended = said.lines().find_map(|line| line.strip_prefix("ended: ")).expect(&said);
        match why {
            "" => assert_eq!(ended, "Completed", "{said}"),
            why => assert!(ended.contains(&why.replace("DIR", dir.to_str().unwrap())), "{said}"),
        }
        assert_eq!(traces(&bench).await, Vec::<String>::new());
        bench.remove();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `what_only_a_container_may_read_is_empty_in_the_copy_and_goes_with_it` as another user"]
async fn ordinary() {
    let bench = Bench::open(std::env::var_os(DIR).expect("the directory of the run").into()).await;
    let data = bench.dir.join("project/data");
    assert!(std::fs::read_dir(data).is_err(), "this user may read all");
    let steps = json!([{"compose": {"up": {"within": "60s"}}, "as": "up"}]);
    let experiment = json!({"budget": {"requests": 1, "time": "90s"}, "steps": steps});
    let experiment = serde_json::from_value(experiment).unwrap();
    let record = run(&bench.setting(&|_| {}), "kept", &experiment).await;
    println!("\nended: {:?}\nup: {:?}", record.ended, record.results.get("up"));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_step_nothing_is_left_after_recover() {
    let mut killed = 0;
    for line in 0.. {
        let later = Duration::from_millis(if line % 2 == 0 { 0 } else { 600 });
        let bench = Bench::new(tempfile::tempdir().unwrap().keep(), RULES).await;
        let dir = bench.dir.clone();
        let reached =
            tokio::task::block_in_place(|| kill_after("child", (DIR, dir.as_os_str()), line, later));
        let recovery = bench.recover().await;
        assert!(recovery.left.is_empty(), "{recovery:#?}");
        let found = traces(&bench).await;
        assert_eq!(found, Vec::<String>::new(), "killed {later:?} after {reached:?}: {recovery:#?}");
        bench.remove();
        if reached.is_none() {
            break;
        }
        killed += 1;
    }
    assert!(killed >= 8, "killed {killed} times in the middle of a run");
}
