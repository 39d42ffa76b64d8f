//! `--watch`: a change is on screen as soon as it is known.

use std::{
    io::{BufRead, BufReader},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::home::{Home, end, signal};

/// How late the line of a changed verdict may be, kubectl's own time and a busy
/// machine included.
const LATE: Duration = Duration::from_secs(2);

#[test]
fn a_changed_verdict_is_shown_at_once_until_ctrl_c() {
    let home = Home::started();
    let mut child = home.spawn(&["lab01", "--watch"]);
    let (told, lines) = mpsc::channel();
    let out = child.stdout.take().unwrap();
    let reader = thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let _ = told.send((Instant::now(), line));
        }
    });
    let next = |wanted: &str| loop {
        let (at, line) = lines
            .recv_timeout(Duration::from_secs(20))
            .unwrap_or_else(|_| panic!("no line with {wanted:?} within 20 s"));
        if line.contains(wanted) {
            return at;
        }
    };
    next("points");
    // The watches are open once the first report is out and a moment has passed.
    thread::sleep(Duration::from_secs(1));
    let setup = |version: &str| {
        let setup = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "setup"}, "data": {"kubernetes": version},
        });
        home.apply(&setup.to_string());
        Instant::now()
    };
    let version: serde_json::Value =
        serde_json::from_str(&home.kubectl(&["get", "--raw", "/version"])).unwrap();
    let right = version["gitVersion"].as_str().unwrap().to_owned();
    let mut late = Vec::new();
    for (said, verdict) in
        [(right.as_str(), "pass  the ConfigMap has the API"), ("v0.0.1", "fail  the ConfigMap has the API")]
            .repeat(3)
    {
        let applied = setup(said);
        late.push(next(verdict).saturating_duration_since(applied));
    }
    let worst = late.iter().max().copied().unwrap_or_default();
    println!(
        "from the end of `kubectl apply` to the line on screen: {late:?}, expected 50 ms from the event"
    );
    assert!(worst < LATE, "a line came {worst:?} late");

    signal(&child, "INT");
    let begun = Instant::now();
    let ended = end(child);
    reader.join().unwrap();
    ended.exits(0).says("watching; press Ctrl-C to stop");
    assert!(begun.elapsed() < LATE, "stopping took {:?}", begun.elapsed());
}
