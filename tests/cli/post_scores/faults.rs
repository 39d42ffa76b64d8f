//! Platforms that refuse, are busy, lie, or never end.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use crate::tls::Tls;

use super::{
    FIRST, class,
    platform::{Asked, Platform, Reply, plain},
    post,
};

/// The summary line, where ada's and bob's scores are the only ones there are.
fn summary(posted: usize, refused: usize, lost: usize) -> String {
    format!(
        "cyd: not posted: no `lti_user_id` in the roster\n\
         dan: not posted: no score, missing\n\
         eve: not posted: no score, ungradable: is a PDF, expected a submission; `labcheck submit LAB --as ID` writes one\n\
         {posted} posted, 0 posted before, 2 without a score, 1 without a user id, {refused} refused, {lost} not answered\n"
    )
}

/// Of ada's score, which is the first.
fn of_ada(asked: &Asked) -> bool {
    asked.body.contains("\"u-ada\"")
}

const STOPPED: &str = "next: what was posted stands in `lti-posted.jsonl`; the same command posts the rest\n";
const NOTHING: &str =
    "0 posted, 0 posted before, 0 without a score, 0 without a user id, 0 refused, 0 not answered\n";

#[test]
fn a_score_that_is_refused_stops_nobody_elses() {
    for (status, body, says) in [
        ("404 Not Found", "", "answers 404"),
        (
            "422 Unprocessable Entity",
            "{\"errors\":{\"message\":\"User not found\u{1b}[31m\u{202e}\"}}",
            "answers 422: {\"errors\":{\"message\":\"User not found\\u{1b}[31m\\u{202e}\"}}",
        ),
    ] {
        let platform = Platform::scripted(move |asked, _| match of_ada(asked) {
            true => plain(status, body),
            false => Reply::Strict,
        });
        let place = class();
        let out = format!("ada: not posted: the platform {says}\n{}", summary(1, 1, 0));
        post(&place, &platform, &[]).is(3, &out, FIRST);
        assert_eq!(platform.scores().len(), 1);
        assert_eq!(platform.lines().len(), 3, "a refused score is not sent again in the same run");
        // The next run tries it again, and only it.
        let strict = post(&place, &platform, &[]);
        assert!(strict.out.contains("0 posted, 1 posted before"), "{strict:?}");
        assert_eq!(platform.lines().len(), 5);
    }
}

#[test]
fn what_concerns_all_scores_stops_the_run() {
    for (status, headers, says) in [
        ("403 Forbidden", "", "answers 403: no"),
        (
            "307 Temporary Redirect",
            "location: https://evil.example/\u{202e}x\r\n",
            "answers 307 and sends us to `https://evil.example/\\u{202e}x`; redirects are not followed",
        ),
        (
            "302 Found",
            "location: https://evil.example/\r\n",
            "answers 302 and sends us to `https://evil.example/`; redirects are not followed",
        ),
    ] {
        let platform = Platform::scripted(move |asked, _| match asked.line.contains("/scores") {
            true => Reply::Plain(status.to_owned(), headers.to_owned(), "no".to_owned()),
            false => Reply::Strict,
        });
        let said = post(&class(), &platform, &[]);
        said.is(3, NOTHING, &format!("{FIRST}error: the platform {says}\n{STOPPED}"));
        assert_eq!(platform.lines().len(), 2);
    }
}

#[test]
fn a_token_that_ended_is_got_anew_once() {
    let platform = Platform::scripted(|_, before| match before {
        1 => plain("401 Unauthorized", "{\"error\":\"expired\"}"),
        _ => Reply::Strict,
    });
    post(&class(), &platform, &[]).is(3, &summary(2, 0, 0), FIRST);
    assert_eq!(platform.scores().len(), 2);
    let tokens = platform.lines().iter().filter(|line| line.contains("/token")).count();
    assert_eq!((tokens, platform.lines().len()), (2, 5));

    let platform = Platform::scripted(|asked, _| match asked.line.contains("/scores") {
        // A platform may say our own token back.
        true => plain("401 Unauthorized", &asked.headers["authorization"]),
        false => Reply::Strict,
    });
    let err = format!("{FIRST}error: the platform answers 401: Bearer (secret)\n{STOPPED}");
    post(&class(), &platform, &[]).is(3, NOTHING, &err);
    assert_eq!(platform.lines().len(), 4);
}

#[test]
fn a_busy_platform_is_asked_again_a_few_times() {
    let platform = Platform::scripted(|_, before| match before {
        1 => Reply::Plain("429 Too Many Requests".into(), "retry-after: 1\r\n".into(), String::new()),
        2 => Reply::Hangup,
        _ => Reply::Strict,
    });
    let begun = Instant::now();
    post(&class(), &platform, &[]).is(3, &summary(2, 0, 0), FIRST);
    assert!(begun.elapsed() >= Duration::from_secs(1), "it asked us to wait");
    assert_eq!((platform.scores().len(), platform.lines().len()), (2, 5));

    let platform = Platform::scripted(|asked, _| match of_ada(asked) {
        true => plain("500 Internal Server Error", "oops"),
        false => Reply::Strict,
    });
    let out = format!("ada: not known to be posted: the platform answers 500: oops\n{}", summary(1, 0, 1));
    post(&class(), &platform, &[]).is(3, &out, FIRST);
    assert_eq!((platform.scores().len(), platform.lines().len()), (1, 5));

    // Nobody waits for an hour.
    let platform = Platform::scripted(|asked, _| match of_ada(asked) {
        true => Reply::Plain("503 Busy".into(), "retry-after: 3600\r\n".into(), String::new()),
        false => Reply::Strict,
    });
    let out = format!("ada: not known to be posted: the platform answers 503\n{}", summary(1, 0, 1));
    post(&class(), &platform, &[]).is(3, &out, FIRST);
    assert_eq!(platform.lines().len(), 3);
}

#[test]
fn answers_that_do_not_end_cost_their_time_and_no_more() {
    let platform = Platform::scripted(|asked, _| match of_ada(asked) {
        true => Reply::Never,
        false => Reply::Strict,
    });
    let begun = Instant::now();
    let out =
        format!("ada: not known to be posted: the platform did not answer within 2 s\n{}", summary(1, 0, 1));
    post(&class(), &platform, &["--timeout", "2s"]).is(3, &out, FIRST);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    // What was taken is taken, however its answer ends.
    let platform = Platform::scripted(|asked, _| match of_ada(asked) {
        true => Reply::Endless("200 OK".into()),
        false => Reply::Strict,
    });
    post(&class(), &platform, &["--timeout", "2s"]).is(3, &summary(2, 0, 0), FIRST);
    for (reply, says) in [
        (plain as fn(&str, &str) -> Reply, "answers 404 with more than 64 KiB"),
        (|status, _| Reply::Endless(status.to_owned()), "answers 404, and its answer does not end"),
    ] {
        let platform = Platform::scripted(move |asked, _| match of_ada(asked) {
            true => reply("404 Not Found", &"x".repeat(1 << 20)),
            false => Reply::Strict,
        });
        let out = format!("ada: not posted: the platform {says}\n{}", summary(1, 1, 0));
        post(&class(), &platform, &["--timeout", "2s"]).is(3, &out, FIRST);
    }
}

#[test]
fn without_a_token_nothing_is_posted() {
    let scope = "https://purl.imsglobal.org/spec/lti-ags/scope/score";
    for (status, body, says) in [
        (
            "401 Unauthorized",
            r#"{"error":"invalid_client"}"#.to_owned(),
            r#"platform gives no token: it answers 401: {"error":"invalid_client"}"#.to_owned(),
        ),
        (
            "400 Bad Request",
            r#"{"error":"invalid_scope"}"#.to_owned(),
            r#"platform gives no token: it answers 400: {"error":"invalid_scope"}"#.to_owned(),
        ),
        ("302 Found", String::new(), "platform gives no token: it answers 302".to_owned()),
        (
            "200 OK",
            "<html>log in</html>".to_owned(),
            "platform's token is none: expected JSON with `access_token` and `token_type`".to_owned(),
        ),
        (
            "200 OK",
            r#"{"access_token":"secret-token-x","token_type":"mac"}"#.to_owned(),
            "platform's token is of type `mac`, expected `bearer`".to_owned(),
        ),
        (
            "200 OK",
            r#"{"access_token":"a\r\nx: y","token_type":"bearer"}"#.to_owned(),
            "platform's token cannot stand in a header".to_owned(),
        ),
        (
            "200 OK",
            r#"{"access_token":"secret-token-x","token_type":"bearer","scope":"openid"}"#.to_owned(),
            format!("platform's token is for `openid`, expected `{scope}`"),
        ),
        (
            "200 OK",
            "x".repeat(1 << 20),
            "platform's token is longer than any token, or does not end".to_owned(),
        ),
    ] {
        let platform = Platform::scripted(move |_, _| plain(status, &body));
        let err = format!("{FIRST}error: the {says}\n{STOPPED}");
        post(&class(), &platform, &[]).is(3, NOTHING, &err);
        assert_eq!(platform.lines(), ["POST /token HTTP/1.1"]);
    }
}

#[test]
fn a_platform_that_is_gone_is_not_asked_for_everybody() {
    let platform = Platform::scripted(|asked, _| match asked.line.contains("/scores") {
        true => Reply::Hangup,
        false => Reply::Strict,
    });
    let place = class();
    // Cyd too has a user id.
    place.write("roster.csv", super::ROSTER.replace("cyd,Cyd,", "cyd,Cyd,u-cyd"));
    super::graded(&place, &[]);
    let said = post(&place, &platform, &[]);
    assert_eq!(said.code, 3, "{said:?}");
    let lost = said
        .out
        .lines()
        .filter(|line| line.contains(": not known to be posted: the platform cannot be reached: "))
        .count();
    assert_eq!(lost, 3, "{said:?}");
    assert!(
        said.err.ends_with(&format!("error: the platform has taken none of 3 scores in a row\n{STOPPED}")),
        "{said:?}"
    );
    // One token, and three tries for each of three.
    assert_eq!(platform.lines().len(), 10);
}

#[test]
fn https_is_for_those_whom_this_machine_trusts() {
    let server = Tls::serve(&["127.0.0.1"], |_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno");
        false
    });
    let place = class();
    place.write("ca.pem", &server.ca);
    let address = format!("https://127.0.0.1:{}", server.port);
    let args = ["post-scores", "out", "--key", "key.pem", "--client-id", "c", "--line-item", &address];
    let args = [&args[..], &["--token-url", &address]].concat();
    let mut command = place.command(&args);
    command.env("SSL_CERT_FILE", place.path("ca.pem"));
    let err = format!("{FIRST}error: the platform gives no token: it answers 401: no\n{STOPPED}");
    place.said(command).is(3, NOTHING, &err);
    assert_eq!(server.seen().len(), 1);
    let said = place.run(&args);
    assert_eq!((said.code, said.out.as_str()), (3, NOTHING));
    assert!(
        said.err
            .contains("error: the platform gives no token: it cannot be reached: invalid peer certificate"),
        "{said:?}"
    );
    assert_eq!(server.seen().len(), 1, "an assertion went to a stranger");
}
