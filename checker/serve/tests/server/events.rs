//! What pages are told.

use std::{
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use lab_serve::Trouble;
use serde_json::{Value, json};

use crate::place::{Place, Seen, lab, recorded};

fn task<'s>(state: &'s Value, id: &str) -> &'s Value {
    state["tasks"].as_array().unwrap().iter().find(|task| task["id"] == id).unwrap()
}

fn check<'s>(state: &'s Value, id: &str) -> &'s Value {
    let tasks = state["tasks"].as_array().unwrap().iter();
    tasks.flat_map(|task| task["checks"].as_array().unwrap()).find(|check| check["id"] == id).unwrap()
}

fn seen(state: &Value) -> bool {
    !state["tasks"].as_array().unwrap().is_empty()
}

#[test]
fn the_labs_their_hints_and_the_progress_are_told() {
    let place = Place::new(false);
    let cookie = place.enter();
    let labs = place.ask("GET", "/api/labs", &cookie);
    assert_eq!(labs.header("cache-control"), "no-store");
    let labs = labs.json();
    assert_eq!((&labs["format"], &labs["experiments"]), (&json!(1), &json!(false)));
    let one = &labs["labs"][0];
    assert_eq!(
        (&one["id"], &one["points"], &one["best"]["earned"]),
        (&json!("lab01"), &json!(100), &json!(4550))
    );
    assert_eq!(one["tasks"].as_array().unwrap().len(), lab().tasks.len());
    let hint = place.ask("GET", "/api/labs/lab01/tasks/image/hints/2", &cookie).json();
    let image = lab().tasks.iter().find(|task| task.id == "image").unwrap().hints[1].clone();
    assert_eq!((&hint["hint"], &hint["of"]), (&json!(image), &json!(3)));
    assert_eq!(place.ask("GET", "/api/progress", &cookie).json()["labs"]["lab01"]["points"], 100);
    // Nobody has a lab's page open: nothing is looked at.
    assert_eq!(place.told.begun.load(Ordering::SeqCst), 0);
}

#[test]
fn a_change_reaches_every_tab_through_one_watcher() {
    let place = Place::new(false);
    let cookie = place.enter();
    let mut tabs: Vec<_> = (0..5).map(|_| place.listen(&cookie)).collect();
    for tab in &mut tabs {
        let state = tab.until("a first look", seen);
        assert_eq!(state["format"], 1);
        assert_eq!(task(&state, "report")["verdict"], "fail");
        assert_eq!(check(&state, "image-name")["verdict"], "fail");
        assert!(check(&state, "image-name")["message"].as_str().unwrap().contains("expected `ms:v1`"));
    }
    let told = Instant::now();
    place.told.seen.send_replace(Seen::Report(Box::new(recorded("solution"))));
    for tab in &mut tabs {
        let state = tab.until("a pass", |state| task(state, "report")["verdict"] == "pass");
        assert_eq!(check(&state, "image-name")["message"], "");
    }
    assert!(told.elapsed() < Duration::from_millis(150), "{:?}", told.elapsed());
    assert_eq!(place.told.begun.load(Ordering::SeqCst), 1);
    assert_eq!(place.working(), 1);
}

#[test]
fn what_looking_cannot_tell_is_told_apart() {
    let place = Place::new(false);
    let mut tab = place.listen(&place.enter());
    let state = tab.until("a first look", seen);
    // `answers` asks the API, `answered-by-api` comes after it.
    for (id, experiment) in [("answers", true), ("answered-by-api", true), ("endpoints", false)] {
        assert_eq!(check(&state, id)["experiment"], experiment, "{id}");
    }
    assert_eq!((&task(&state, "serve")["toRun"], &task(&state, "cluster")["toRun"]), (&json!(2), &json!(0)));
    assert_eq!(task(&state, "logs")["verdict"], Value::Null);
}

#[test]
fn trouble_is_told_and_what_was_seen_stays() {
    let place = Place::new(false);
    let mut tab = place.listen(&place.enter());
    tab.until("a first look", seen);
    place.told.seen.send_replace(Seen::Trouble("no connection"));
    let state = tab.until("trouble", |state| state["trouble"] != Value::Null);
    assert_eq!(state["trouble"], json!({"message": "no connection", "next": "wait"}));
    assert!(seen(&state));
    place.told.seen.send_replace(Seen::Report(Box::new(recorded("solution"))));
    tab.until("no trouble", |state| {
        state["trouble"] == Value::Null && task(state, "report")["verdict"] == "pass"
    });
}

#[test]
fn a_watcher_that_fails_is_begun_anew() {
    let place = Place::new(false);
    let mut tab = place.listen(&place.enter());
    tab.until("a first look", seen);
    place.told.seen.send_replace(Seen::Panic);
    tab.until("trouble", |state| state["trouble"]["message"] == "looking at the lab has failed");
    place.told.seen.send_replace(Seen::Report(Box::new(recorded("solution"))));
    tab.until("a pass", |state| task(state, "report")["verdict"] == "pass");
    assert!(place.told.begun.load(Ordering::SeqCst) >= 2);
    assert_eq!(place.working(), 1);
}

#[test]
fn looking_ends_a_while_after_the_last_page_was_closed() {
    let place = Place::new(false);
    let cookie = place.enter();
    let mut tab = place.listen(&cookie);
    tab.until("a first look", seen);
    drop(tab);
    // A reload in between: the same watcher goes on.
    thread::sleep(Duration::from_secs(1));
    let mut again = place.listen(&cookie);
    again.until("what is known already", seen);
    assert_eq!(place.told.begun.load(Ordering::SeqCst), 1);
    drop(again);
    let closed = Instant::now();
    while place.working() > 0 {
        assert!(closed.elapsed() < Duration::from_secs(30), "nobody listens, and it goes on looking");
        // The server notices a closed page when it writes to it.
        place.told.seen.send_replace(Seen::Report(Box::new(recorded("solution"))));
        thread::sleep(Duration::from_millis(100));
        place.told.seen.send_replace(Seen::Report(Box::new(recorded("starter"))));
        thread::sleep(Duration::from_millis(100));
    }
    let mut later = place.listen(&cookie);
    later.until("a new first look", seen);
    assert_eq!(place.told.begun.load(Ordering::SeqCst), 2);
}

#[test]
fn a_check_is_told_while_it_runs_and_its_result_stays() {
    let place = Place::new(true);
    let cookie = place.enter();
    let mut tab = place.listen(&cookie);
    tab.until("a first look", seen);
    *place.told.grade.lock().unwrap() = Some(Ok(recorded("solution")));
    let post = format!("{cookie}labcheck-request: x\n");
    assert_eq!(place.ask("POST", "/api/labs/lab01/check", &post).status, 202);
    let state = tab.until("a grade", |state| state["graded"] != Value::Null);
    assert_eq!(state["checking"], Value::Null);
    assert_eq!((&state["graded"]["verdict"], &state["graded"]["earned"]), (&json!("pass"), &json!(10_000)));
    assert_eq!(check(&state, "answers")["graded"], "pass");
    // What was graded is not what is seen now.
    assert_eq!(check(&state, "image-name")["verdict"], "fail");
    place.told.seen.send_replace(Seen::Report(Box::new(recorded("mutants-no-service"))));
    let state = tab.until("a change", |state| check(state, "image-name")["verdict"] == "pass");
    assert_eq!(check(&state, "answers")["graded"], "pass");

    *place.told.grade.lock().unwrap() = Some(Err(Trouble { message: "no cluster".to_owned(), next: None }));
    assert_eq!(place.ask("POST", "/api/labs/lab01/check", &post).status, 202);
    let state = tab.until("a failure", |state| state["failed"] != Value::Null);
    assert_eq!(state["failed"]["message"], "no cluster");
}

#[test]
fn one_check_at_a_time_and_it_is_undone_before_the_server_ends() {
    let mut place = Place::new(true);
    let cookie = place.enter();
    let mut tab = place.listen(&cookie);
    let post = format!("{cookie}labcheck-request: x\n");
    // No outcome is set: it runs until it is stopped.
    assert_eq!(place.ask("POST", "/api/labs/lab01/check", &post).status, 202);
    tab.until("what it is at", |state| state["checking"] == "experiment `ask`");
    place.ask("POST", "/api/labs/lab01/check", &post).refused(409, "`lab01` is being checked");
    let undone = std::sync::Arc::clone(&place.told.undone);
    let stopped = Instant::now();
    place.stop();
    assert_eq!(undone.load(Ordering::SeqCst), 1, "the server ended before the experiment was undone");
    assert!(
        stopped.elapsed() < Duration::from_secs(5),
        "an open page kept the server: {:?}",
        stopped.elapsed()
    );
    while tab.next().is_some() {}
}
