//! `labcheck serve --grades`: the instructor's page, over real HTTP.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Stdio},
};

use crate::{
    grading::{grade, place, submission},
    place::Place,
};

/// A desk with the grades of two students, one of whom has a hostile name.
pub struct Desk {
    server: Child,
    address: String,
    cookie: String,
    pub place: Place,
}

impl Desk {
    fn open() -> Self {
        let place = place(&[
            ("a.tar.zst", submission("starter", "ada", |_| {})),
            ("b.tar.zst", submission("solution", "bob", |_| {})),
        ]);
        place.write(
            "roster.csv",
            "id,name,canvas_id\nada,\"<script>alert(1)</script>\u{202e}\",11\nbob,Bob,12\n",
        );
        let said = grade(&place, &["--write", "csv,json,canvas", "--canvas-assignment", "7"]);
        assert_eq!(said.code, 0, "{said:?}");
        Self::of(place)
    }

    /// The desk with the grades in `out`.
    pub fn of(place: Place) -> Self {
        let mut command = place.command(&["serve", "--grades", "out", "--port", "0"]);
        let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let entrance = line.trim().strip_prefix("open http://").unwrap();
        let (address, path) = entrance.split_once('/').unwrap();
        let mut desk = Self { server, address: address.to_owned(), cookie: String::new(), place };
        let entered = desk.ask(&format!("GET /{path}"), "", "");
        assert!(entered.starts_with("HTTP/1.1 303"), "{entered}");
        let cookie = entered.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
        desk.cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
        desk
    }

    /// The whole answer.
    fn ask(&self, what: &str, headers: &str, body: &str) -> String {
        let Self { address, .. } = self;
        let mut stream = TcpStream::connect(address).unwrap();
        let length = body.len();
        let request = format!(
            "{what} HTTP/1.1\r\nHost: {address}\r\n{headers}Content-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path}"), &self.cookie, "")
    }

    pub fn post(&self, path: &str, body: &str) -> String {
        self.ask(&format!("POST {path}"), &format!("{}labcheck-request: 1\r\n", self.cookie), body)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

#[test]
fn students_data_is_for_the_browser_that_was_let_in() {
    let desk = Desk::open();
    for what in
        ["GET /", "GET /students/0", "GET /desk.mjs", "POST /export", "POST /students/0", "GET /nothing"]
    {
        let answer = desk.ask(what, "", "");
        assert!(answer.starts_with("HTTP/1.1 401"), "{what}: {answer}");
        assert!(!answer.contains("ada"), "{what}: {answer}");
    }
    let rebound = desk.ask("GET /", &format!("{}Host: evil.example\r\n", desk.cookie), "");
    assert!(rebound.starts_with("HTTP/1.1 4"), "{rebound}");
    let foreign = desk.ask("GET /", &format!("{}Origin: http://evil.example\r\n", desk.cookie), "");
    assert!(foreign.starts_with("HTTP/1.1 403"), "{foreign}");
    // A form of another page can send the cookie's neighbour's path, but no header.
    let form = desk.ask("POST /students/0", &desk.cookie, r#"{"score":"1","reason":"r","author":"a"}"#);
    assert!(form.starts_with("HTTP/1.1 403"), "{form}");
    assert!(!desk.place.path("out/decisions.csv").exists());
}

#[test]
fn pages_show_verdicts_with_what_they_rest_on_and_no_markup_of_students() {
    let desk = Desk::open();
    let class = desk.get("/");
    assert!(
        class.starts_with("HTTP/1.1 200") && class.contains("<a href=\"/students/0\">ada</a>"),
        "{class}"
    );
    assert!(!class.contains("<script>alert") && class.contains("&#60;script&#62;alert(1)"), "{class}");
    assert!(class.contains("\\u{202e}") && !class.contains('\u{202e}'), "{class}");
    assert!(class.contains("default-src 'none'"));
    let ada = desk.get("/students/0");
    assert!(ada.contains("<span class=\"word fail\">fail</span>"), "{ada}");
    assert!(ada.contains("because "), "a cause names the object");
    assert!(ada.contains("GET /api/v1/namespaces/"), "evidence names the request");
    assert!(!ada.contains("<script>alert"));
    assert!(desk.get("/students/2").starts_with("HTTP/1.1 404"));
    assert!(desk.get("/?show=flagged").contains("Nobody."));
    assert!(desk.get("/?show=all&page=99").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_decision_is_kept_exported_and_holds_when_graded_again() {
    let desk = Desk::open();
    for (body, why) in [
        (r#"{"score":"8","reason":" ","author":"kim"}"#, "a decision has a reason and an author"),
        (r#"{"score":"eight","reason":"r","author":"kim"}"#, "`eight` is no score"),
        (r#"{"score":"-1","reason":"r","author":"kim"}"#, "`-1` is no score"),
    ] {
        let answer = desk.post("/students/0", body);
        assert!(answer.starts_with("HTTP/1.1 422") && answer.contains(why), "{answer}");
    }
    assert!(!desk.place.path("out/decisions.csv").exists());
    let answer = desk.post("/students/0", r#"{"score":"77.5","reason":"a, \"b\"","author":"kim"}"#);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let page = desk.get("/students/0");
    assert!(page.contains("score 77.5 of 100") && page.contains("Decided by kim: a, &#34;b&#34;"), "{page}");
    let before = fs::read_to_string(desk.place.path("out/grades.csv")).unwrap();
    assert!(!before.contains("77.5"));
    let answer = desk.post("/export", "");
    assert!(answer.contains(r#""says":"written: csv, json, canvas""#), "{answer}");
    let exported = fs::read(desk.place.path("out/grades.csv")).unwrap();
    assert!(String::from_utf8_lossy(&exported).contains("77.5"));
    let canvas = fs::read_to_string(desk.place.path("out/canvas.csv")).unwrap();
    assert!(canvas.lines().next().unwrap().ends_with("(7)") && canvas.contains("77.5"), "{canvas}");
    assert!(desk.get("/students/1").contains("score 100 of 100"), "places of lines are read anew");
    let said = grade(&desk.place, &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(fs::read(desk.place.path("out/grades.csv")).unwrap(), exported);
}

#[test]
fn what_are_no_grades_is_named() {
    let place = Place::new();
    let said = place.run(&["serve", "--grades", "nowhere"]);
    let err = "error: cannot read `nowhere/grades.json`: No such file or directory (os error 2); \
               `labcheck grade --write json` writes it\n";
    said.is(2, "", err);
    place.write("half/grades.json", "{\"format\":1,\"course\":{},\n");
    let said = place.run(&["serve", "--grades", "half"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.starts_with("error: `half/grades.json` is no `grades.json` as"), "{}", said.err);
    let said = place.run(&["serve", "--grades", "half", "--allow-experiments"]);
    assert!(said.err.contains("cannot be used with"), "{}", said.err);
}
