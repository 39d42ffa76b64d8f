//! `labcheck serve` up to its first page, and what it says when it cannot.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use crate::place::Place;

/// A server that a test started; ended with it.
struct Serving {
    child: Child,
    port: u16,
    entrance: String,
}

impl Serving {
    fn begin(place: &Place, args: &[&str]) -> Self {
        let mut child = place.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("open http://127.0.0.1:").unwrap_or_else(|| {
            let mut err = String::new();
            child.stderr.as_mut().unwrap().read_to_string(&mut err).unwrap();
            panic!("{line:?}, {err}");
        });
        let (port, entrance) = address.trim_end().split_once('/').unwrap();
        let (port, entrance) = (port.parse().unwrap(), format!("/{entrance}"));
        Self { child, port, entrance }
    }

    fn get(&self, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let host = format!("Host: 127.0.0.1:{}", self.port);
        write!(stream, "GET {path} HTTP/1.1\r\n{host}\r\nConnection: close\r\n{headers}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Ends it as Ctrl-C does: exit code, what is left of stdout, stderr.
    fn stop(mut self) -> (Option<i32>, String, String) {
        let killed = std::process::Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(killed.unwrap().success());
        let (mut out, mut err) = (String::new(), String::new());
        self.child.stdout.as_mut().unwrap().read_to_string(&mut out).unwrap();
        self.child.stderr.as_mut().unwrap().read_to_string(&mut err).unwrap();
        (self.child.wait().unwrap().code(), out, err)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn book(place: &Place) -> String {
    place.write("book/404.html", "none");
    let index = place.write("book/index.html", "<title>a small book</title>");
    index.parent().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_built_book_is_served_until_ctrl_c() {
    let place = Place::new();
    let book = book(&place);
    let began = Instant::now();
    let serving = Serving::begin(&place, &["serve", "--port", "0", "--book", &book]);
    let page = serving.get("/", "");
    println!("first page after {:?}, bound 300 ms for a release build", began.elapsed());
    assert!(
        page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("<title>a small book</title>"),
        "{page}"
    );
    assert!(began.elapsed() < Duration::from_secs(3));

    let entered = serving.get(&serving.entrance, "");
    assert!(entered.starts_with("HTTP/1.1 303 "), "{entered}");
    let cookie = entered.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    assert!(serving.get("/api/labs", &cookie).contains(r#""id":"lab01""#));
    assert!(serving.get("/api/labs", "").starts_with("HTTP/1.1 401 "));

    // Nobody else than this machine is answered.
    let elsewhere = format!("127.0.0.2:{}", serving.port);
    assert!(TcpStream::connect(&elsewhere).is_err(), "{elsewhere} answers");

    let (code, out, err) = serving.stop();
    assert_eq!((code, out.as_str()), (Some(0), ""));
    let lines: Vec<&str> = err.lines().collect();
    assert_eq!(lines.len(), 3, "{err}");
    assert_eq!(lines[0], "this address works once; press Ctrl-C to stop");
    assert!(lines[1].starts_with("a browser was let in; for another one: http://127.0.0.1:"), "{err}");
    assert_eq!(lines[2], "stopping");
}

#[test]
fn a_lab_that_is_not_started_is_said_to_be() {
    let place = Place::new();
    let book = book(&place);
    let serving = Serving::begin(&place, &["serve", "--port", "0", "--book", &book]);
    let entered = serving.get(&serving.entrance, "");
    let cookie = entered.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", serving.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let host = format!("127.0.0.1:{}", serving.port);
    write!(stream, "GET /api/labs/lab01/events HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n")
        .unwrap();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let said = lines.find(|line| line.contains("not started")).unwrap();
    assert!(
        said.contains(r#""trouble":{"message":"lab01 is not started yet","next":"labcheck start lab01"}"#),
        "{said}"
    );
}

#[test]
fn a_port_in_use_is_named_with_the_next_step() {
    let place = Place::new();
    let book = book(&place);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    place.run(&["serve", "--port", &port.to_string(), "--book", &book]).is_usage(&format!(
        "error: port `{port}` of 127.0.0.1 is in use\nnext: perhaps another `labcheck serve` is at work: open its \
         page; `--port 0` takes a free port\n"
    ));
    for port in ["65536", "-1", "http"] {
        let said = place.run(&["serve", &format!("--port={port}"), "--book", &book]);
        assert_eq!((said.code, said.out.as_str()), (2, ""));
        assert!(said.err.starts_with(&format!("error: invalid value '{port}' for '--port ")), "{}", said.err);
    }
}

#[test]
fn a_book_that_is_not_built_is_told_from_one_that_is_not_there() {
    let place = Place::new();
    place.write("source/book.toml", "[book]");
    place.write("empty/note.txt", "");
    let serve = |book: &str| {
        let path = place.path(book);
        place.run(&["serve", "--port", "0", "--book", path.to_str().unwrap()])
    };
    serve("nowhere").is_usage(
        "error: `HOME/nowhere` is not a directory\nnext: `cargo xtask book` builds one and says where\n",
    );
    serve("empty").is_usage(
        "error: `HOME/empty` has no `index.html`: it is no built book\nnext: `cargo xtask book` builds one and says \
         where\n",
    );
    serve("source").is_usage(
        "error: `HOME/source` is the source of a book, expected a built one\nnext: `cargo xtask book` builds it and \
         says where; or leave `--book` out in a checkout\n",
    );
}

#[test]
fn an_installed_labcheck_finds_the_book_it_came_with() {
    let place = Place::new();
    let program = place.path("bin/labcheck");
    std::fs::create_dir_all(place.path("bin")).unwrap();
    // By another program: a file this one has open for writing cannot be run.
    let binary = assert_cmd::cargo::cargo_bin!("labcheck");
    assert!(std::process::Command::new("cp").arg(binary).arg(&program).status().unwrap().success());
    let output = place.elsewhere(&program, &["serve", "--port", "0"]).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), err.as_str()),
        (
            Some(2),
            "error: no built book lies beside this labcheck\nnext: `--book DIR` names one; `cargo xtask book` builds it \
             in a checkout\n"
        )
    );
    for folder in ["bin/book", "share/labcheck/book"] {
        place.write(&format!("{folder}/index.html"), folder);
        let mut child = place.elsewhere(&program, &["serve", "--port", "0"]);
        let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(line.starts_with("open http://127.0.0.1:"), "{folder}: {line}");
        std::fs::remove_dir_all(place.path(folder)).unwrap();
    }
}

#[test]
fn a_broken_lab_stops_the_server_before_it_begins() {
    let place = Place::new();
    let book = book(&place);
    place.write("labs/01-broken/lab.yaml", "format: 1\nid: lab01\n");
    let labs = place.path("labs");
    let said = place.run(&["serve", "--port", "0", "--book", &book, "--labs", labs.to_str().unwrap()]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(
        said.err.starts_with("error: the lab is broken, 1 problem:\nHOME/labs/01-broken/lab.yaml"),
        "{}",
        said.err
    );
}

#[test]
fn quickstart_for_scripts_ends_without_serving() {
    let place = Place::new();
    let output = place
        .command(&["quickstart", "--no-serve"])
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((output.status.code(), err.as_str()), (Some(0), ""));
    assert!(out.starts_with("No Docker here, so there is no cluster to look at:\n"), "{out}");
    assert!(out.ends_with("`labcheck quickstart` does this on a cluster of your own.\n"), "{out}");
}
