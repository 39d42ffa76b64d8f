//! `ms load`: the report, the schedule, and that nothing is sent twice.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use support::{Process, free_port, proof, serve};

struct Report {
    header: Value,
    lines: Vec<Value>,
    summary: Value,
}

/// Runs `ms load` to its end, which is exit code 0 whatever the answers were.
fn load(args: &str) -> Report {
    let (code, out, err) = support::run(&format!("load {args}"));
    assert_eq!(code, 0, "{err}");
    let mut lines: Vec<Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    let summary = lines.pop().expect("a summary");
    let header = lines.remove(0);
    Report { header, lines, summary }
}

#[test]
fn one_request_asks_once_and_carries_the_proof() {
    let server = serve("");
    let address = server.ready();
    let report = load(&format!("--url http://{address}/predict --count 1 --nonce abc"));
    assert!(report.header["start"].as_str().is_some_and(|start| start.ends_with('Z')));
    let [line] = &report.lines[..] else {
        panic!("expected one line, found {:?}", report.lines);
    };
    let digest = line["digest"].as_str().expect("a digest");
    assert_eq!(line["proof"], proof("abc", "setosa", digest));
    assert_eq!((&line["status"], &line["error"]), (&json!(200), &Value::Null));
    assert_eq!((&line["pod"], &line["version"]), (&json!("pod-under-test"), &json!("v1")));
    assert_eq!((&line["nonce"], &line["class"]), (&json!("abc"), &json!("setosa")));
    assert_eq!(server.event("request")["nonce"], "abc");
    let summary = &report.summary;
    assert_eq!((&summary["sent"], &summary["ok"], &summary["failed"]), (&json!(1), &json!(1), &json!(0)));
}

#[test]
fn compact_lines_hold_what_judging_needs() {
    let server = serve("");
    let address = server.ready();
    let report =
        load(&format!("--url http://{address}/predict --count 3 --rate 50 --nonce n --lines compact"));
    let mut lines = report.lines;
    lines.sort_by_key(|line| line[0].as_u64());
    for (seq, line) in lines.iter().enumerate() {
        assert_eq!((&line[0], &line[2], &line[3]), (&json!(seq), &json!(200), &Value::Null), "{line}");
        assert!(line[1].is_number() && line[4].is_number(), "{line}");
        assert_eq!((&line[5], &line[6], &line[7]), (&json!("pod-under-test"), &json!("v1"), &json!(true)));
    }
    let refused = load(&format!("--url http://{}/ --count 1 --lines compact", free_port()));
    assert_eq!(refused.lines[0][3], "refused");
    assert_eq!(refused.lines[0][7], false);
}

#[test]
fn nothing_is_stopped_where_pid_1_is_not_ours() {
    let (code, _, err) = support::run("stop");
    assert_eq!(code, 2);
    assert!(err.contains("PID 1"), "{err}");
}

#[test]
fn body_and_features_reach_the_model() {
    let server = serve("");
    let address = server.ready();
    let mut ms = support::ms();
    let url = format!("http://{address}/predict");
    ms.args(["load", "--count", "2", "--rate", "100", "--method", "post", "--nonce", "n"]);
    ms.args(["--body", r#"{"features":[6.3,3.3,6.0,2.5],"nonce":"{nonce}"}"#, "--url", &url]);
    let output = ms.output().expect("a run");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(text.matches(r#""class":"virginica""#).count(), 2, "{text}");
    assert!(text.contains(r#""nonce":"n-0""#) && text.contains(r#""nonce":"n-1""#), "{text}");
}

#[test]
fn schedule_does_not_wait_for_answers() {
    let server = serve("--latency 1s");
    let address = server.ready();
    for connections in ["fresh", "keep-alive"] {
        let report = load(&format!(
            "--url http://{address}/predict --rate 50 --duration 400ms --connections {connections} --timeout 20s"
        ));
        assert_eq!(report.summary["ok"], 20, "{}", report.summary);
        // One after the other they would take 20 s.
        assert!(report.summary["elapsed_ms"].as_f64() < Some(10_000.0), "{}", report.summary);
        let mut offsets: Vec<f64> = report.lines.iter().filter_map(|line| line["at_ms"].as_f64()).collect();
        offsets.sort_by(f64::total_cmp);
        let expected: Vec<f64> = (0..20).map(|seq| f64::from(seq) * 20.0).collect();
        assert_eq!(offsets, expected);
        for line in &report.lines {
            assert!(line["latency_ms"].as_f64() >= Some(1000.0), "{line}");
        }
        assert!(report.summary["lag_p99_ms"].is_f64() && report.summary["p99_ms"].is_f64());
    }
}

#[test]
fn a_closed_port_is_refused_and_counted() {
    let report = load(&format!("--url http://{}/ --count 3 --rate 100", free_port()));
    assert_eq!(report.summary["errors"], json!({"refused": 3}));
    for line in &report.lines {
        assert_eq!((&line["status"], &line["error"]), (&Value::Null, &json!("refused")));
    }
    assert_eq!(report.summary["p50_ms"], Value::Null);
}

/// A server that does `answer` with each connection and counts them.
fn server(answer: fn(std::net::TcpStream)) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("its address");
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            counter.fetch_add(1, Ordering::SeqCst);
            std::thread::spawn(move || answer(stream));
        }
    });
    (address, count)
}

/// Reads one request head.
fn head(stream: &mut std::net::TcpStream) -> bool {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return false,
        }
    }
    true
}

#[test]
fn a_dropped_connection_is_a_failure_and_never_tried_again() {
    let (address, connections) = server(|mut stream| {
        head(&mut stream);
    });
    let report = load(&format!("--url http://{address}/ --count 5 --rate 100"));
    assert_eq!(report.summary["errors"], json!({"closed": 5}));
    assert_eq!(connections.load(Ordering::SeqCst), 5);
}

/// What a server that closes its listener at SIGTERM does to the clients it
/// has not accepted yet.
#[test]
fn a_closed_listener_resets_those_who_wait() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("its address");
    let load = Process::ms(&format!("load --url http://{address}/ --count 1 --timeout 20s"));
    load.line();
    let established = format!(":{:04X} 0100007F:", address.port());
    support::eventually(|| {
        let sockets = std::fs::read_to_string("/proc/net/tcp").expect("the sockets");
        let ours = |line: &str| line.contains(&established) && line.contains(" 01 ");
        sockets.lines().any(ours).then_some(())
    });
    drop(listener);
    let line: Value = serde_json::from_str(&load.line()).expect("a JSON line");
    assert_eq!(line["error"], "reset", "{line}");
}

#[test]
fn a_kept_connection_that_drops_a_request_is_a_failure_too() {
    static REQUESTS: AtomicUsize = AtomicUsize::new(0);
    // Answers the first request of a connection and drops the second.
    let (address, _) = server(|mut stream| {
        for answered in [true, false] {
            if !head(&mut stream) {
                return;
            }
            REQUESTS.fetch_add(1, Ordering::SeqCst);
            if answered {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            }
        }
    });
    let report = load(&format!("--url http://{address}/ --count 8 --rate 10 --connections keep-alive"));
    assert_eq!(REQUESTS.load(Ordering::SeqCst), 8);
    assert_eq!(report.summary["sent"], 8);
    assert!(report.summary["errors"]["closed"].as_u64() >= Some(1), "{}", report.summary);
}

#[test]
fn silence_is_a_timeout_and_a_5xx_a_status() {
    let (address, _) = server(|mut stream| {
        head(&mut stream);
        std::thread::sleep(Duration::from_secs(20));
    });
    let report = load(&format!("--url http://{address}/ --count 2 --rate 100 --timeout 300ms"));
    assert_eq!(report.summary["errors"], json!({"timeout": 2}));

    let bad = serve("--model-version v2-bad");
    let report = load(&format!("--url http://{}/predict --count 1", bad.ready()));
    assert_eq!(report.summary["errors"], json!({"status": 1}));
    assert_eq!(report.lines[0]["status"], 500);
}

#[test]
fn unknown_names_and_other_protocols_are_told_apart() {
    let report = load("--url http://no-such-name.invalid/ --count 1");
    assert_eq!(report.summary["errors"], json!({"dns": 1}), "{:?}", report.lines);
    let (address, _) = server(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH\r\n");
        head(&mut stream);
    });
    let report = load(&format!("--url http://{address}/ --count 1"));
    assert_eq!(report.summary["errors"], json!({"protocol": 1}), "{:?}", report.lines);
}

#[test]
fn max_requests_is_a_hard_bound() {
    let args = format!("--url http://{}/ --rate 1000 --duration 10s --max-requests 7", free_port());
    let report = load(&args);
    assert_eq!(report.summary["sent"], 7);
    assert_eq!((&report.header["planned"], &report.header["capped"]), (&json!(7), &json!(true)));
}

#[test]
fn sigterm_ends_with_a_summary() {
    let args = format!("load --url http://{}/ --rate 50 --duration 60s", free_port());
    let mut load = Process::ms(&args);
    for _ in 0..4 {
        load.line();
    }
    load.terminate();
    let summary: Value = loop {
        let line: Value = serde_json::from_str(&load.line()).expect("a JSON line");
        if line.get("sent").is_some() {
            break line;
        }
    };
    assert_eq!(summary["interrupted"], true);
    assert_eq!(summary["sent"], summary["failed"]);
    assert_eq!(load.ended().code(), Some(0));
}

#[test]
fn wrong_urls_and_numbers_are_usage_errors() {
    for args in [
        "load --url api --count 1",
        "load --url https://127.0.0.1/ --count 1",
        "load --url http://127.0.0.1/ --rate 0",
        "load --url http://127.0.0.1/ --count 0",
        "load --url http://127.0.0.1/ --nonce <b>",
        "load",
    ] {
        let (code, out, err) = support::run(args);
        assert_eq!((code, out.as_str()), (2, ""), "{args}: {err}");
        assert!(!err.is_empty());
    }
}
