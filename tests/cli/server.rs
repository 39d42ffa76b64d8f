//! Servers that do not let us look. What needs them is unknown and the exit
//! code is 3; nothing is a fail that was not seen to be wrong.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use lab_spec::{Report, Verdict};

use crate::{
    kubeconfig::TWO,
    place::{Place, Said},
};

/// Checks that read the learner's kubeconfig and no server.
const LOCAL: [&str; 2] = ["context-current", "context-namespace"];

fn grade(server: &str, more: &[&str]) -> Said {
    let place = Place::new();
    let path = place.write("config", TWO.replace("@SERVER@", server));
    place.run(&[&["lab01", "--kubeconfig", path.to_str().unwrap()], more].concat())
}

/// All that needs the server is unknown and says why; the rest passes.
#[track_caller]
fn assert_unknown(report: &Report, why: &str) {
    assert_eq!((report.verdict, report.earned), (Verdict::Unknown, None));
    assert_eq!(report.checks().count(), 17);
    for (_, check) in report.checks() {
        if LOCAL.contains(&check.id.as_str()) {
            assert_eq!(check.verdict, Verdict::Pass, "{}", check.id);
            continue;
        }
        assert_eq!(check.verdict, Verdict::Unknown, "{}: {}", check.id, check.message);
        assert!(check.blocked_by.is_some() || check.message.contains(why), "{}: {}", check.id, check.message);
    }
}

/// A server on this machine that treats every connection as told.
fn serve(each: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let each = std::sync::Arc::new(each);
    // Ends with the test's process.
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let each = each.clone();
            thread::spawn(move || each(stream));
        }
    });
    format!("http://{address}")
}

/// Answers every request with this status and body.
fn answering(status: &'static str, body: &'static str) -> String {
    serve(move |stream| {
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        let mut stream = stream;
        // A request ends with an empty line: GETs have no body.
        while lines.by_ref().any(|line| line.is_empty()) {
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            );
            if stream.write_all(answer.as_bytes()).is_err() {
                break;
            }
        }
    })
}

#[test]
fn a_server_that_is_not_there() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for scheme in ["http", "https"] {
        let server = format!("{scheme}://127.0.0.1:{port}");
        let begun = Instant::now();
        let said = grade(&server, &["-o", "json"]);
        assert!(begun.elapsed() < Duration::from_secs(5), "waited {:?} for nobody", begun.elapsed());
        assert_eq!((said.code, said.err.as_str()), (3, "looking at `here`\n"));
        assert_unknown(&said.report(), &format!("no connection to `{server}`: Connection refused"));
        let text = grade(&server, &[]);
        assert_eq!((text.code, text.err.as_str()), (3, "looking at `here`\n"));
        let end = "2 passed, 15 unknown\nungraded: 15 checks could not be observed\n\
                   next: kubectl get nodes -o wide\nthen: labcheck doctor\n";
        assert!(text.out.ends_with(end), "{}", text.out);
    }
}

#[test]
fn a_server_that_never_answers_is_waited_for_once() {
    let server = serve(|stream| {
        thread::sleep(Duration::from_secs(60));
        drop(stream);
    });
    let begun = Instant::now();
    let said = grade(&server, &["-o", "json"]);
    let took = begun.elapsed();
    assert_eq!((said.code, said.err.as_str()), (3, "looking at `here`\n"));
    assert_unknown(&said.report(), &format!("`{server}` did not answer within 10 s"));
    assert!((10..18).contains(&took.as_secs()), "one request's time is 10 s, it took {took:?}");
}

#[test]
fn a_server_that_forbids_everything() {
    let server = answering(
        "403 Forbidden",
        r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"pods is forbidden: User \"me\" cannot list resource \"pods\"","reason":"Forbidden","code":403}"#,
    );
    let said = grade(&server, &["-o", "json"]);
    assert_eq!((said.code, said.err.as_str()), (3, "looking at `here`\n"));
    assert_unknown(&said.report(), "User \"me\" cannot list resource \"pods\"");
}

#[test]
fn a_server_that_does_not_know_us() {
    let server = answering(
        "401 Unauthorized",
        r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}"#,
    );
    let said = grade(&server, &["-o", "json"]);
    assert_eq!(said.code, 3, "{}", said.err);
    assert_unknown(&said.report(), "Unauthorized");
    assert!(!said.out.contains("not-to-be-shown"), "the token is in the report");
}

#[test]
fn servers_that_answer_nonsense() {
    for (status, body) in [
        ("200 OK", "<html>a login page</html>"),
        ("200 OK", "{}"),
        ("200 OK", "[]"),
        ("200 OK", r#"{"kind":"PodList","items":"#),
        ("200 OK", r#"{"items":{"not":"a list"}}"#),
        ("500 Internal Server Error", "etcd is gone"),
        ("503 Service Unavailable", ""),
        ("302 Found", ""),
    ] {
        let said = grade(&answering(status, body), &["-o", "json"]);
        assert_eq!(said.code, 3, "{status} {body}: {}", said.err);
        let report = said.report();
        assert_eq!((report.verdict, report.earned), (Verdict::Unknown, None), "{status} {body}");
        let failed: Vec<_> = report.checks().filter(|(_, check)| check.verdict == Verdict::Fail).collect();
        assert!(failed.is_empty(), "{status} {body}: {failed:#?}");
    }
}

#[test]
fn a_server_that_hangs_up() {
    for begin in
        ["", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{\"items\":[", "not HTTP at all\r\n\r\n"]
    {
        let server = serve(move |mut stream| {
            let mut line = String::new();
            let _ = BufReader::new(stream.try_clone().unwrap()).read_line(&mut line);
            let _ = stream.write_all(begin.as_bytes());
        });
        let said = grade(&server, &["-o", "json"]);
        assert_eq!(said.code, 3, "{begin:?}: {}", said.err);
        assert_unknown(&said.report(), "");
    }
}

#[test]
fn start_says_that_the_cluster_cannot_be_used() {
    let place = Place::new();
    let path = place.write("config", TWO.replace("@SERVER@", "http://127.0.0.1:1"));
    let said = place.run(&["start", "lab01", "--yes", "--kubeconfig", path.to_str().unwrap()]);
    said.is(
        3,
        "",
        "error: `http://127.0.0.1:1` cannot be used: no connection to `http://127.0.0.1:1`: Connection refused \
         (os error 111)\nnext: labcheck doctor\n",
    );
}
