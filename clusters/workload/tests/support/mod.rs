//! Starts `ms` as a process and talks to it as the outside does.

// Every test binary uses a part of this.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Everything waited for comes in this time or never.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The binary under test.
pub fn ms() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ms"));
    command.env_remove("MS_VERSION").env("MS_POD", "pod-under-test");
    command
}

/// A running process whose stdout is JSON lines; it ends with the test.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    /// Starts `ms ARGS`, the arguments separated by spaces.
    pub fn ms(args: &str) -> Self {
        let mut command = ms();
        command.args(args.split_whitespace());
        Self::start(&mut command)
    }

    /// Starts any command.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("a process");
        let stdout = BufReader::new(child.stdout.take().expect("its stdout"));
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of stdout.
    pub fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line in time")
    }

    /// The next logged event with this message.
    pub fn event(&self, msg: &str) -> Value {
        loop {
            let event: Value = serde_json::from_str(&self.line()).expect("a JSON line");
            if event["msg"] == msg {
                return event;
            }
        }
    }

    /// Waits for the `listening` event and returns its address.
    pub fn address(&self) -> SocketAddr {
        let event = self.event("listening");
        let address = event["address"].as_str().expect("an address");
        address.parse().expect("an address")
    }

    /// Waits until the model is loaded and returns the address.
    pub fn ready(&self) -> SocketAddr {
        let address = self.address();
        self.event("model loaded");
        address
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status();
        assert!(status.expect("a shell").success());
    }

    /// Whether it still runs.
    pub fn running(&mut self) -> bool {
        self.child.try_wait().expect("a status").is_none()
    }

    /// Waits for the end.
    pub fn ended(&mut self) -> ExitStatus {
        eventually(|| self.child.try_wait().expect("a status"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts `ms serve` on a free port with these further arguments.
pub fn serve(args: &str) -> Process {
    Process::ms(&format!("serve --listen 127.0.0.1:0 {args}"))
}

/// Asks again until there is an answer.
pub fn eventually<T>(mut probe: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "it never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One request on a connection of its own, as bytes; the whole answer.
pub fn raw(address: SocketAddr, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Status, head and body of an answer.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Status line and headers in lower case.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

/// Sends a request and reads the answer.
pub fn request(address: SocketAddr, method: &str, path: &str, body: &str) -> Answer {
    let text = format!(
        "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = raw(address, &text).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Answer { status: status.expect("a status"), head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// GET.
pub fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, "GET", path, "")
}

/// A port nobody listens on.
pub fn free_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}

/// The proof as README.md documents it, computed without the code under test.
pub fn proof(nonce: &str, class: &str, digest: &str) -> String {
    let hash = Sha256::digest(format!("{nonce}\n{class}\n{digest}").as_bytes());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs `ms ARGS` to its end: exit code, stdout, stderr.
pub fn run(args: &str) -> (i32, String, String) {
    let output = ms().args(args.split_whitespace()).output().expect("a run");
    (
        output.status.code().expect("an exit code"),
        String::from_utf8(output.stdout).expect("UTF-8"),
        String::from_utf8(output.stderr).expect("UTF-8"),
    )
}
