//! A PostgreSQL server of Debian's, for one test: on a loopback port, in a
//! directory that goes when the test ends.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// What no message may ever show.
pub const PASSWORD: &str = "kl4wtw0rt";
/// Whom the server runs as where root starts it, which it refuses to be.
const USER: &str = "postgres";

pub struct Server {
    dir: tempfile::TempDir,
    child: Child,
    port: u16,
    options: Vec<String>,
}

impl Server {
    /// A server with a superuser `grader` and a database `class`.
    pub fn start() -> Self {
        Self::with(|_| Vec::new())
    }

    /// The same with options that may name files in its directory.
    pub fn with(options: impl FnOnce(&Path) -> Vec<String>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("password");
        fs::write(&secret, PASSWORD).unwrap();
        let options = options(dir.path());
        own(dir.path());
        let made = as_nobody("initdb")
            .args(["--username=grader", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"])
            .arg(format!("--pwfile={}", secret.display()))
            .arg(dir.path().join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = serve(dir.path(), port, &options);
        let server = Self { dir, child, port, options };
        server.wait();
        server.sql("postgres", "CREATE DATABASE class");
        server
    }

    /// The address of one of its databases.
    pub fn address(&self, database: &str) -> String {
        format!("postgres://grader:{PASSWORD}@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What a statement says, one row to a line.
    pub fn sql(&self, database: &str, statement: &str) -> String {
        let output = self.psql(database, statement);
        assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn psql(&self, database: &str, statement: &str) -> std::process::Output {
        Command::new(program("psql"))
            .env("PGPASSWORD", PASSWORD)
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "grader", "-d", database])
            .args(["-p", &self.port.to_string(), "-c", statement])
            .output()
            .unwrap()
    }

    /// Judgements in a database; none where there are no tables yet.
    pub fn judged(&self, database: &str) -> usize {
        let output = self.psql(database, "SELECT count(*) FROM labcheck_judged");
        String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0)
    }

    /// Waits until a database holds so many judgements.
    pub fn until_judged(&self, database: &str, least: usize) {
        self.until(database, &format!("SELECT 1 FROM labcheck_judged OFFSET {} LIMIT 1", least - 1));
    }

    /// Waits until a statement finds something.
    pub fn until(&self, database: &str, statement: &str) {
        let begun = Instant::now();
        while self.psql(database, statement).stdout.is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(120), "`{statement}` never found anything");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the server wrote of itself.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    /// Ends it, as its machine would: connections are cut off.
    pub fn stop(&mut self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::INT).unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again with what it held.
    pub fn again(&mut self) {
        self.child = serve(self.dir.path(), self.port, &self.options);
        self.wait();
    }

    fn wait(&self) {
        let begun = Instant::now();
        while !self.psql("postgres", "SELECT 1").status.success() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the server does not answer: {}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

/// Gives everything in a directory to whom the server runs as.
fn own(dir: &Path) {
    let Some((user, group)) = other_user() else { return };
    chown(dir, Some(user), Some(group)).unwrap();
    for entry in fs::read_dir(dir).unwrap() {
        chown(entry.unwrap().path(), Some(user), Some(group)).unwrap();
    }
}

fn serve(dir: &Path, port: u16, options: &[String]) -> Child {
    let log = fs::File::options().create(true).append(true).open(dir.join("log")).unwrap();
    let mut command = as_nobody("postgres");
    command.arg("-D").arg(dir.join("data")).args(["-p", &port.to_string()]);
    for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"] {
        command.args(["-c", setting]);
    }
    for option in options {
        command.args(["-c", option]);
    }
    command.stderr(log).spawn().unwrap()
}

/// A program of the server's, as a user it agrees to be.
fn as_nobody(name: &str) -> Command {
    let program = program(name);
    let mut command = match other_user() {
        None => Command::new(program),
        Some((user, group)) => {
            let mut command = Command::new("setpriv");
            command
                .arg(format!("--reuid={user}"))
                .arg(format!("--regid={group}"))
                .arg("--clear-groups")
                .arg(program);
            command
        }
    };
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// User and group of Debian's `postgres`, if we are root.
fn other_user() -> Option<(u32, u32)> {
    if !rustix::process::getuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find_map(|line| line.strip_prefix(&format!("{USER}:x:")));
    let mut numbers = line.expect("Debian's package `postgresql` makes a user").split(':');
    let mut number = || numbers.next().unwrap().parse().unwrap();
    Some((number(), number()))
}

/// Where Debian has it: not on the PATH, and by version.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("apt-get install postgresql");
    let programs = versions.map(|version| version.unwrap().path().join("bin").join(name));
    programs.filter(|path| path.exists()).max().expect("apt-get install postgresql")
}
