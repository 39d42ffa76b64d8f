//! Who may ask: every rule, and that what it refuses is not done.

use std::sync::atomic::Ordering;

use crate::place::Place;

const LABS: &str = "/api/labs";
const CHECK: &str = "/api/labs/lab01/check";
const EVENTS: &str = "/api/labs/lab01/events";

#[test]
fn the_book_is_read_without_a_key() {
    let place = Place::new(false);
    for (path, title) in [("/", "the course"), ("/index.html", "the course"), ("/labs/lab01.html", "lab 01")]
    {
        let page = place.ask("GET", path, "");
        assert_eq!(page.status, 200, "{page:?}");
        assert!(page.body.contains(title));
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("content-security-policy"), "frame-ancestors 'self'");
        assert_eq!(page.header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(page.header("cache-control"), "no-cache");
        assert_eq!(page.maybe("access-control-allow-origin"), None);
        let mark = format!("labcheck-live={}; Path=/; SameSite=Strict", place.port);
        assert_eq!(page.header("set-cookie"), mark);
    }
    let script = place.ask("GET", "/course.mjs", "");
    assert_eq!((script.status, script.maybe("set-cookie")), (200, None));
    assert!(script.header("content-type").ends_with("/javascript"));
    let missing = place.ask("GET", "/no-such-page.html", "");
    assert_eq!(missing.status, 404);
    assert!(missing.body.contains("not in the book"));
}

#[test]
fn nothing_outside_of_the_book_is_read() {
    let place = Place::new(false);
    for path in [
        "/../Cargo.toml",
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/labs/../../x",
    ] {
        let answer = place.ask("GET", path, "");
        assert!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
        assert!(!answer.body.contains("root:"));
    }
}

#[test]
fn the_token_is_exchanged_once_for_a_cookie_that_scripts_cannot_read() {
    let place = Place::new(false);
    let first = place.ask("GET", &format!("/enter?token={}", place.token), "");
    assert_eq!((first.status, first.header("location")), (303, "/"));
    assert_eq!(first.header("cache-control"), "no-store");
    assert_eq!(first.header("referrer-policy"), "no-referrer");
    let cookie = first.header("set-cookie");
    assert!(cookie.ends_with("; Path=/api; HttpOnly; SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains(&place.token));

    let second = place.ask("GET", &format!("/enter?token={}", place.token), "");
    second.refused(403, "used before");
    assert_eq!(second.maybe("set-cookie"), None);

    // The next address lets the next browser in.
    let next = place.entered.lock().unwrap().clone();
    assert_eq!(next.len(), 1);
    let path = next[0].strip_prefix(&format!("http://127.0.0.1:{}", place.port)).unwrap().to_owned();
    assert_eq!(place.ask("GET", &path, "").status, 303);
    assert_eq!(place.ask("GET", &path, "").status, 403);
}

#[test]
fn a_wrong_token_opens_nothing_and_uses_nothing_up() {
    let place = Place::new(false);
    let half = &place.token[..16];
    for query in ["", "?token=", "?token=0", "?other=1", &format!("?token={half}")] {
        place.ask("GET", &format!("/enter{query}"), "").refused(403, "never was one");
    }
    let entrance = format!("/enter?token={}", place.token);
    assert_eq!(place.ask("HEAD", &entrance, "").status, 405);
    assert_eq!(place.ask("POST", &entrance, "").status, 405);
    // From a page of another site, an image or a script would use it up.
    let image = "Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: no-cors\nSec-Fetch-Dest: image\n";
    assert_eq!(place.ask("GET", &entrance, image).status, 403);
    place.enter();
}

#[test]
fn the_api_wants_the_cookie() {
    let place = Place::new(false);
    let cookie = place.enter();
    let (rest, last) = cookie.trim_end().split_at(cookie.trim_end().len() - 1);
    let wrong = format!("{rest}{}\n", if last == "0" { '1' } else { '0' });
    let other_port = cookie.replace(&format!("-{}=", place.port), "-1=");
    for path in [LABS, "/api/progress", EVENTS, "/api/labs/lab01/tasks/image/hints/1", "/api/nothing"] {
        for headers in ["", "Cookie: labcheck-session=1\n", wrong.as_str(), other_port.as_str()] {
            place.ask("GET", path, headers).refused(401, "open the address that `labcheck serve` printed");
        }
    }
    assert_eq!(place.ask("GET", LABS, &cookie).status, 200);
    // Nobody was let in, so nobody looked.
    assert_eq!(place.told.begun.load(Ordering::SeqCst), 0);
}

#[test]
fn a_rebound_name_is_refused_with_and_without_the_cookie() {
    let place = Place::new(true);
    let cookie = place.enter();
    let port = place.port;
    for host in [
        format!("evil.example:{port}"),
        "evil.example".to_owned(),
        "127.0.0.1".to_owned(),
        format!("127.0.0.1:{}", port ^ 1),
        format!("127.0.0.1.evil.example:{port}"),
        format!("localhost.evil.example:{port}"),
        format!("[::1]:{port}"),
        format!("0.0.0.0:{port}"),
        format!("127.1:{port}"),
        format!("user@127.0.0.1:{port}"),
        String::new(),
    ] {
        for (path, cookie) in [("/", ""), (LABS, cookie.as_str()), (EVENTS, &cookie), ("/enter?token=x", "")]
        {
            let request = format!("GET {path} HTTP/1.1\nHost: {host}\nConnection: close\n{cookie}\n");
            let answer = place.send(&request);
            // What is no host at all is refused by the HTTP server itself.
            assert!(matches!(answer.status, 421 | 400), "{host} {path}: {answer:?}");
            assert!(!answer.body.contains("the course"));
        }
    }
    for request in [
        format!("GET {LABS} HTTP/1.1\nConnection: close\n{cookie}\n"),
        format!("GET {LABS} HTTP/1.1\nHost: {{host}}\nHost: evil.example\nConnection: close\n{cookie}\n"),
        format!("GET http://evil.example{LABS} HTTP/1.1\nHost: {{host}}\nConnection: close\n{cookie}\n"),
        format!("GET {LABS} HTTP/1.0\n{cookie}\n"),
    ] {
        let answer = place.send(&request);
        assert!(matches!(answer.status, 421 | 400), "{request}: {answer:?}");
    }
    let named = format!("GET {LABS} HTTP/1.1\nHost: localhost:{port}\nConnection: close\n{cookie}\n");
    assert_eq!(place.send(&named).status, 200);
}

#[test]
fn a_page_of_another_origin_is_refused_with_the_cookie() {
    let place = Place::new(true);
    let cookie = place.enter();
    let port = place.port;
    for origin in [
        "http://evil.example".to_owned(),
        "null".to_owned(),
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{}", port ^ 1),
        format!("http://localhost:{port}"),
        format!("http://127.0.0.1:{port}/"),
        String::new(),
    ] {
        let headers = format!("{cookie}Origin: {origin}\nlabcheck-request: x\n");
        for (method, path) in [("GET", LABS), ("GET", EVENTS), ("POST", CHECK), ("OPTIONS", LABS)] {
            place.ask(method, path, &headers).refused(403, "another origin");
        }
    }
    for site in ["cross-site", "same-site", "what"] {
        let mode = if site == "what" { "navigate" } else { "cors" };
        let headers =
            format!("{cookie}Sec-Fetch-Site: {site}\nSec-Fetch-Mode: {mode}\nlabcheck-request: x\n");
        for (method, path) in [("GET", LABS), ("GET", EVENTS), ("POST", CHECK), ("GET", "/")] {
            place.ask(method, path, &headers).refused(403, "another site");
        }
    }
    // A link to the API is no way in either, a link to the book is.
    let link = "Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document\n";
    place.ask("GET", LABS, &format!("{cookie}{link}")).refused(403, "another site");
    assert_eq!(place.ask("GET", "/labs/lab01.html", link).status, 200);
    let frame = link.replace("document", "iframe");
    place.ask("GET", "/labs/lab01.html", &frame).refused(403, "another site");
    assert_eq!(place.told.begun.load(Ordering::SeqCst), 0);
    assert!(place.told.grade.lock().unwrap().is_none());
    // Ours, as a browser sends it.
    let ours = format!("{cookie}Origin: http://127.0.0.1:{port}\nSec-Fetch-Site: same-origin\n");
    assert_eq!(place.ask("GET", LABS, &ours).status, 200);
}

#[test]
fn a_change_needs_the_header_and_a_server_that_allows_it() {
    let reads = Place::new(false);
    let cookie = reads.enter();
    reads.ask("POST", CHECK, &format!("{cookie}labcheck-request: x\n")).refused(403, "only reads");
    let place = Place::new(true);
    let cookie = place.enter();
    place.ask("POST", CHECK, &cookie).refused(403, "needs the header `labcheck-request`");
    place.ask("POST", CHECK, "labcheck-request: x\n").refused(401, "not been let in");
    let form = format!("{cookie}Content-Type: application/x-www-form-urlencoded\n");
    place.ask("POST", CHECK, &form).refused(403, "needs the header");
    let with = format!("{cookie}labcheck-request: x\n");
    for (method, path) in [("GET", CHECK), ("PUT", CHECK), ("DELETE", LABS), ("POST", LABS)] {
        assert_eq!(place.ask(method, path, &with).status, 405, "{method} {path}");
    }
    assert_eq!(place.ask("POST", CHECK, &with).status, 202);
}

#[test]
fn what_is_not_there_is_said_in_json() {
    let place = Place::new(true);
    let with = format!("{}labcheck-request: x\n", place.enter());
    place.ask("GET", "/api", &with).refused(404, "nothing here");
    place.ask("GET", "/api/labs/lab99/events", &with).refused(404, "no such lab; there is `lab01`");
    place.ask("POST", "/api/labs/lab99/check", &with).refused(404, "no such lab");
    place.ask("GET", "/api/labs/lab01/tasks/none/hints/1", &with).refused(404, "no such task");
    for number in ["0", "4", "-1", "x", "18446744073709551616"] {
        let path = format!("/api/labs/lab01/tasks/image/hints/{number}");
        place.ask("GET", &path, &with).refused(404, "hints 1 to 3");
    }
}
