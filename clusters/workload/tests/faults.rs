//! How `ms serve` stops, and how it breaks.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use support::{Answer, eventually, get, serve};

/// Starts a request that takes a while and returns once it is in flight.
fn slow_request(address: SocketAddr, delay: &str) -> JoinHandle<Option<Answer>> {
    let path = format!("/predict?delay={delay}");
    let text = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    let handle = std::thread::spawn(move || {
        let answer = support::raw(address, &text).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some(Answer {
            status: head.split(' ').nth(1)?.parse().ok()?,
            head: head.to_owned(),
            body: body.to_owned(),
        })
    });
    eventually(|| {
        let metrics = get(address, "/metrics").body;
        metrics.contains("ms_inflight 2").then_some(())
    });
    handle
}

#[test]
fn sigterm_closes_the_listener_at_once_and_finishes_what_is_in_flight() {
    let mut server = serve("");
    let address = server.ready();
    let slow = slow_request(address, "2s");
    let asked = Instant::now();
    server.terminate();
    let closed = server.event("listener closed");
    assert_eq!(closed["inflight"], 1);
    let refused = TcpStream::connect(address).expect_err("a closed port");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(asked.elapsed() < Duration::from_secs(2), "closed late");
    let answer = slow.join().expect("the slow request").expect("its answer");
    assert_eq!(answer.status, 200);
    assert_eq!(server.event("stopped")["dropped"], 0);
    assert_eq!(server.ended().code(), Some(0));
}

#[test]
fn finish_0s_drops_what_is_in_flight() {
    let mut server = serve("--finish 0s");
    let slow = slow_request(server.ready(), "20s");
    server.terminate();
    assert_eq!(server.event("stopped")["dropped"], 1);
    assert_eq!(server.ended().code(), Some(0));
    assert!(slow.join().expect("the slow request").is_none());
}

#[test]
fn drain_keeps_serving_while_not_ready() {
    let mut server = serve("--drain 2s");
    let address = server.ready();
    assert_eq!(get(address, "/readyz").status, 200);
    let asked = Instant::now();
    server.terminate();
    server.event("stopping");
    let ready = get(address, "/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("draining"), "{}", ready.body);
    let answer = get(address, "/predict");
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("connection: close"), "{}", answer.head);
    assert_eq!(get(address, "/healthz").status, 200);
    server.event("listener closed");
    assert!(asked.elapsed() >= Duration::from_secs(2), "drained too short");
    assert!(TcpStream::connect(address).is_err());
    assert_eq!(server.ended().code(), Some(0));
}

#[test]
fn idle_connections_do_not_keep_the_server() {
    let mut server = serve("");
    let mut idle = TcpStream::connect(server.ready()).expect("a connection");
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n").expect("a request");
    let mut byte = [0];
    idle.read_exact(&mut byte).expect("an answer");
    server.terminate();
    let asked = Instant::now();
    assert_eq!(server.ended().code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(10), "waited for an idle connection");
}

#[test]
fn hang_stops_every_answer_but_not_the_process() {
    let mut server = serve("--hang-after 500ms");
    let address = server.ready();
    server.event("hanging as asked");
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n").expect("a request");
    let limit = Duration::from_secs(1);
    stream.set_read_timeout(Some(limit)).expect("a time-out");
    let silence = stream.read(&mut [0]).expect_err("no answer");
    assert_eq!(silence.kind(), std::io::ErrorKind::WouldBlock);
    let (code, out, _) = support::run(&format!("health http://{address}/healthz --timeout 300ms"));
    assert_eq!(code, 1);
    assert!(out.contains("no answer in 300ms"), "{out}");
    assert!(server.running());
    server.terminate();
    assert_eq!(server.ended().code(), Some(0));
}

#[test]
fn crash_exits_with_1() {
    let mut server = serve("--crash-after 200ms");
    assert_eq!(server.event("crashing as asked")["exit_code"], 1);
    assert_eq!(server.ended().code(), Some(1));
}

#[test]
fn injected_errors_and_latency_hit_predictions_only() {
    let server = serve("--error-rate 1 --latency 300ms");
    let address = server.ready();
    let asked = Instant::now();
    let answer = get(address, "/predict");
    assert!(asked.elapsed() >= Duration::from_millis(300));
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains("--error-rate"), "{}", answer.body);
    assert_eq!(get(address, "/readyz").status, 200);
}

#[test]
fn leak_becomes_resident_memory() {
    let server = serve("--leak 64MiB/s");
    server.ready();
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.id()));
        let status = status.expect("the process's status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kib.and_then(|kib| kib.trim().parse::<u64>().ok()).expect("a size")
    };
    let before = resident();
    eventually(|| (resident() > before + 32 * 1024).then_some(()));
}
