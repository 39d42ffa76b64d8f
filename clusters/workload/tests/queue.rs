//! `ms queue` under the real redis-cli, `ms worker` with `ms queue` and with
//! the real Redis.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{PATIENCE, Process, eventually, free_port, proof};

fn queue() -> (Process, SocketAddr) {
    let queue = Process::ms("queue --listen 127.0.0.1:0");
    let address = queue.address();
    (queue, address)
}

/// Runs redis-cli with these words and returns what it prints.
fn cli(address: SocketAddr, words: &[&str]) -> String {
    let output = Command::new("redis-cli")
        .args(["-h", &address.ip().to_string(), "-p", &address.port().to_string()])
        .args(words)
        .output()
        .expect("redis-cli (Debian package redis-tools)");
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

fn job(id: usize) -> String {
    json!({"id": format!("job-{id}"), "features": [6.3, 3.3, 6.0, 2.5], "nonce": format!("n{id}")})
        .to_string()
}

fn worker(address: SocketAddr, args: &str) -> Process {
    Process::ms(&format!("worker --queue {address} --retry 50ms {args}"))
}

#[test]
fn redis_cli_finds_the_commands_it_knows() {
    let (_queue, address) = queue();
    for (words, expected) in [
        (&["PING"][..], "PONG"),
        (&["PING", "hello"], "hello"),
        (&["RPUSH", "k", "b", "c"], "2"),
        (&["LPUSH", "k", "a"], "3"),
        (&["LLEN", "k"], "3"),
        (&["LRANGE", "k", "0", "-1"], "a\nb\nc"),
        (&["LPOP", "k"], "a"),
        (&["RPOP", "k"], "c"),
        (&["BLPOP", "none", "k", "1"], "k\nb"),
        (&["BLPOP", "k", "0.1"], ""),
        (&["LPOP", "k"], ""),
        (&["SET", "s", "text with spaces"], "OK"),
        (&["GET", "s"], "text with spaces"),
        (&["INCR", "n"], "1"),
        (&["INCR", "n"], "2"),
        (&["INCR", "s"], "ERR value is not an integer or out of range"),
        (&["EXISTS", "s", "k"], "1"),
        (&["DEL", "s", "n"], "2"),
        (&["GET", "s"], ""),
        (&["GET"], "ERR wrong number of arguments for 'get' command"),
        (&["FLY"], "ERR unknown command 'FLY'"),
        (&["BLPOP", "k", "-1"], "ERR timeout is not a float or out of range"),
    ] {
        assert_eq!(cli(address, words), expected, "{words:?}");
    }
    cli(address, &["RPUSH", "k", "x"]);
    let wrong = cli(address, &["GET", "k"]);
    assert!(wrong.starts_with("WRONGTYPE"), "{wrong}");
    let info = cli(address, &["INFO"]);
    assert!(info.contains("db0:keys=1"), "{info}");
}

/// Sends bytes and reads until the other side is silent or closes.
fn talk(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream.write_all(bytes).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer, then the end");
    answer
}

#[test]
fn malformed_bytes_get_an_error_and_the_server_lives() {
    let (_queue, address) = queue();
    assert_eq!(talk(address, b"PING\r\nQUIT\r\n"), "+PONG\r\n+OK\r\n");
    // Short enough to be read at once: bytes left unread turn the close into
    // a reset, which may overtake the reply.
    let deep = b"*1\r\n".repeat(64);
    for bytes in [&b"*x\r\n"[..], b"*1\r\n$99999999\r\n", b"*1\r\n:1\r\n", &deep] {
        let answer = talk(address, bytes);
        assert!(answer.starts_with("-ERR"), "{answer}");
    }
    assert_eq!(cli(address, &["PING"]), "PONG");
}

#[test]
fn a_value_is_not_popped_for_a_client_that_left() {
    let (_queue, address) = queue();
    let mut waiting = TcpStream::connect(address).expect("a connection");
    waiting.write_all(b"*3\r\n$5\r\nBLPOP\r\n$4\r\njobs\r\n$1\r\n0\r\n").expect("a request");
    std::thread::sleep(Duration::from_millis(200));
    drop(waiting);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(cli(address, &["RPUSH", "jobs", "x"]), "1");
    assert_eq!(cli(address, &["LLEN", "jobs"]), "1");
}

/// Thirty jobs and a broken one: all come back, each once, with their proof.
fn works_off_the_jobs(address: SocketAddr) {
    let mut worker = worker(address, "");
    worker.event("connected");
    for id in 0..30 {
        cli(address, &["RPUSH", "jobs", &job(id)]);
    }
    cli(address, &["RPUSH", "jobs", "{\"features\":[1]}"]);
    eventually(|| (cli(address, &["LLEN", "results"]) == "31").then_some(()));
    let results = cli(address, &["LRANGE", "results", "0", "-1"]);
    let results: Vec<Value> =
        results.lines().map(|line| serde_json::from_str(line).expect("a JSON result")).collect();
    for (id, result) in results[..30].iter().enumerate() {
        assert_eq!(result["id"], format!("job-{id}"));
        assert_eq!(result["class"], "virginica");
        let digest = result["digest"].as_str().expect("a digest");
        assert_eq!(result["proof"], proof(&format!("n{id}"), "virginica", digest));
    }
    assert!(results[30]["error"].is_string(), "{}", results[30]);
    let single: Value = serde_json::from_str(&cli(address, &["GET", "result:job-7"])).expect("JSON");
    assert_eq!(single, results[7]);
    assert_eq!(worker.event("job done")["nonce"], "n0");
    worker.terminate();
    assert_eq!(worker.event("stopped")["jobs"], 31);
    assert_eq!(worker.ended().code(), Some(0));
}

#[test]
fn worker_and_queue_work_off_the_jobs() {
    let (_queue, address) = queue();
    works_off_the_jobs(address);
}

#[test]
fn worker_works_with_the_real_redis() {
    let address = free_port();
    let port = address.port().to_string();
    let dir = assert_fs::TempDir::new().expect("a directory");
    let redis = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"])
        .args(["--daemonize", "no", "--dir"])
        .arg(dir.path())
        .stdout(Stdio::null())
        .spawn();
    let mut redis = redis.expect("redis-server (Debian package redis-server)");
    let outcome = std::panic::catch_unwind(|| {
        eventually(|| (cli(address, &["PING"]) == "PONG").then_some(()));
        let (code, out, _) = support::run(&format!("health --ping tcp://{address}"));
        assert_eq!(code, 0, "{out}");
        works_off_the_jobs(address);
    });
    redis.kill().expect("redis ends");
    redis.wait().expect("redis ended");
    if let Err(failure) = outcome {
        std::panic::resume_unwind(failure);
    }
}

#[test]
fn sigterm_finishes_the_job_in_hand_and_takes_no_other() {
    let (_queue, address) = queue();
    for id in 0..5 {
        cli(address, &["RPUSH", "jobs", &job(id)]);
    }
    let mut worker = worker(address, "--job-time 1s");
    eventually(|| (cli(address, &["LLEN", "jobs"]) == "4").then_some(()));
    worker.terminate();
    assert_eq!(worker.event("stopped")["jobs"], 1);
    assert_eq!(worker.ended().code(), Some(0));
    assert_eq!(cli(address, &["LLEN", "jobs"]), "4");
    assert_eq!(cli(address, &["LLEN", "results"]), "1");
}

#[test]
fn worker_logs_connect_errors_and_gives_up_when_told() {
    let address = free_port();
    let mut worker = worker(address, "--give-up-after 300ms");
    let event = worker.event("cannot connect");
    assert_eq!((&event["attempt"], &event["queue"]), (&json!(1), &json!(address.to_string())));
    assert!(event["error"].as_str().is_some_and(|why| why.contains("refused")));
    assert_eq!(worker.ended().code(), Some(2));
}

#[test]
fn worker_returns_when_the_queue_does() {
    let address = free_port();
    let start = || {
        let queue = Process::ms(&format!("queue --listen {address}"));
        queue.address();
        queue
    };
    let first = start();
    let worker = worker(address, "");
    worker.event("connected");
    drop(first);
    worker.event("connection lost");
    let _second = start();
    worker.event("connected");
    cli(address, &["RPUSH", "jobs", &job(1)]);
    assert_eq!(worker.event("job done")["id"], "job-1");
}

#[test]
fn started_is_not_healthy() {
    let address = free_port();
    let begun = Instant::now();
    let mut queue = Process::ms(&format!("queue --listen {address} --start-delay 2s"));
    queue.event("starting");
    let health = || support::run(&format!("health --ping tcp://{address}"));
    let (code, out, _) = health();
    assert_eq!(code, 1, "{out}");
    queue.address();
    assert!(begun.elapsed() >= Duration::from_secs(2));
    let (code, out, _) = health();
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("PONG"), "{out}");
    queue.terminate();
    assert_eq!(queue.ended().code(), Some(0));
}
