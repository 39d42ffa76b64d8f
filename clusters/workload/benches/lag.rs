//! How far `ms load` falls behind its schedule at 2,000 requests a second
//! against `ms serve` on loopback: `cargo bench -p ms`.
//!
//! Prints the summary of `ms load` for fresh and for kept connections. It
//! reports and does not assert: the number depends on what else runs.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const RATE: &str = "2000";
const DURATION: &str = "10s";

fn main() {
    let ms = env!("CARGO_BIN_EXE_ms");
    let mut server = Command::new(ms)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("ms serve");
    let mut lines = BufReader::new(server.stdout.take().expect("its stdout")).lines();
    let first = lines.next().expect("a line").expect("text");
    let event: serde_json::Value = serde_json::from_str(&first).expect("a JSON line");
    let address = event["address"].as_str().expect("an address").to_owned();
    // The log must be read, or the server stops when the pipe is full.
    let reader = std::thread::spawn(move || lines.map_while(Result::ok).count());

    let url = format!("http://{address}/predict");
    for connections in ["fresh", "keep-alive"] {
        let output = Command::new(ms)
            .args(["load", "--url", &url, "--rate", RATE, "--duration", DURATION])
            .args(["--connections", connections])
            .output()
            .expect("ms load");
        let report = String::from_utf8_lossy(&output.stdout).into_owned();
        let summary = report.lines().last().unwrap_or("no summary");
        println!("{RATE}/s for {DURATION}, {connections}: {summary}");
    }
    server.kill().expect("the server ends");
    server.wait().expect("the server ended");
    let logged = reader.join().expect("the reader");
    println!("log lines read: {logged}");
}
