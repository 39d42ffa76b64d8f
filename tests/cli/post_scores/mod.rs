//! `labcheck post-scores`: scores into a platform's grade book, against one
//! that takes nothing the specification does not allow.

mod faults;
mod platform;

use std::fs;

use platform::{CLIENT, KEY, Platform};
use serde_json::Value;

use crate::{
    grading::{grade, place, submission},
    place::{Place, Said},
};

const ROSTER: &str =
    "id,name,lti_user_id\nada,Ada,u-ada\nbob,Bob,u-bob\ncyd,Cyd,\ndan,Dan,u-dan\neve,Eve,u-eve\n";
/// What is said first.
const FIRST: &str = "posting the scores of lab01\n";

/// A graded class: ada and bob have scores, cyd has one and no user id, dan
/// handed in nothing, and eve something that is no submission.
fn class() -> Place {
    let place = place(&[
        ("a.tar.zst", submission("solution", "ada", |_| {})),
        ("b.tar.zst", submission("starter", "bob", |_| {})),
        ("c.tar.zst", submission("solution", "cyd", |_| {})),
    ]);
    place.write("roster.csv", ROSTER);
    place.write("in/eve/eve.tar.zst", "%PDF-1.7\n");
    place.write("received.csv", "file,received\na.tar.zst,2026-12-01T12:00:00+01:00\n");
    place.write("key.pem", KEY);
    graded(&place, &[]);
    place
}

fn graded(place: &Place, more: &[&str]) {
    let said = grade(place, &[&["--received", "received.csv"], more].concat());
    assert_eq!(said.code, 3, "{said:?}");
}

/// Posts, and sees that no secret was said.
fn post(place: &Place, platform: &Platform, more: &[&str]) -> Said {
    let options = platform.options();
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let args = [&["post-scores", "out", "--key", "key.pem", "--key-id", "k1"], &options[..], more].concat();
    let said = place.run(&args);
    for text in [&said.out, &said.err] {
        assert!(!text.contains("secret-token") && !text.contains("PRIVATE KEY"), "{said:?}");
        assert!(!text.contains("eyJ"), "a signed assertion was said: {said:?}");
    }
    said
}

fn summary(posted: usize, before: usize) -> String {
    format!(
        "{posted} posted, {before} posted before, 2 without a score, 1 without a user id, 0 refused, 0 not answered\n"
    )
}

/// What is said of those who have nothing to post.
fn held(stays: &str) -> String {
    format!(
        "cyd: not posted: no `lti_user_id` in the roster\n\
         dan: not posted: no score, missing\n\
         eve: not posted: no score, ungradable: is a PDF, expected a submission; `labcheck submit LAB --as ID` writes one{stays}\n"
    )
}

#[test]
fn scores_are_posted_once_and_again_when_they_change() {
    let (place, platform) = (class(), Platform::strict());
    post(&place, &platform, &[]).is(3, &(held("") + &summary(2, 0)), FIRST);
    let scores = platform.scores();
    assert_eq!(scores.len(), 2);
    assert_eq!((&scores[0]["userId"], &scores[0]["scoreGiven"]), (&"u-ada".into(), &Value::from(100)));
    assert_eq!(
        (&scores[0]["activityProgress"], &scores[0]["gradingProgress"]),
        (&"Completed".into(), &"FullyGraded".into())
    );
    assert_eq!(scores[0]["submission"]["submittedAt"], "2026-12-01T11:00:00.000Z");
    assert_eq!((&scores[1]["userId"], &scores[1]["submission"]), (&"u-bob".into(), &Value::Null));
    assert!(scores[1]["scoreGiven"].as_f64() < Some(100.0), "{}", scores[1]);
    assert!(scores[1]["comment"].as_str().unwrap().contains("fail: "), "{}", scores[1]);
    // One token for all.
    assert_eq!(platform.lines().iter().filter(|line| line.contains("/token")).count(), 1);

    post(&place, &platform, &[]).is(3, &(held("") + &summary(0, 2)), FIRST);
    assert_eq!(platform.lines().len(), 3, "nothing has changed, and something was sent");

    // A decision at the desk changes one; it is in the record of a grade before it is exported.
    place.write("out/decisions.csv", "student,score,reason,author\nbob,42.5,it was ours,kim\n");
    post(&place, &platform, &[]).is(3, &(held("") + &summary(1, 1)), FIRST);
    let scores = platform.scores();
    assert_eq!(
        (scores.len(), &scores[2]["userId"], &scores[2]["scoreGiven"]),
        (3, &"u-bob".into(), &42.5.into())
    );
}

#[test]
fn a_score_that_is_gone_takes_nothing_back() {
    let (place, platform) = (class(), Platform::strict());
    place.write("out/decisions.csv", "student,score,reason,author\neve,10,by hand,kim\n");
    let said = post(&place, &platform, &[]);
    assert!(
        said.out.ends_with(
            "3 posted, 0 posted before, 1 without a score, 1 without a user id, 0 refused, 0 not answered\n"
        ),
        "{said:?}"
    );
    fs::remove_file(place.path("out/decisions.csv")).unwrap();
    post(&place, &platform, &[]).is(3, &(held("; what was posted before stays") + &summary(0, 2)), FIRST);
    assert_eq!(platform.scores().len(), 3);
}

#[test]
fn a_dry_run_shows_what_would_be_sent_and_sends_nothing() {
    let (place, platform) = (class(), Platform::strict());
    let said = post(&place, &platform, &["--dry-run"]);
    assert_eq!((said.code, said.err.as_str()), (3, ""));
    assert!(said.out.ends_with(&(held("") + "dry run: nothing was sent\n")), "{said:?}");
    assert_eq!(platform.lines(), Vec::<String>::new());
    assert!(!place.path("out/lti-posted.jsonl").exists());
    post(&place, &platform, &[]);
    // Each request, but for secrets and the moment, is what was shown.
    let blocks: Vec<_> = said.out.split("POST ").skip(1).collect();
    let asked = platform.state.lock().unwrap().asked.clone();
    assert_eq!(blocks.len(), asked.len());
    for (block, asked) in blocks.iter().zip(&asked) {
        let (head, rest) = block.split_once("\n\n").unwrap();
        let mut lines = head.lines();
        let to = lines.next().unwrap().strip_prefix(&platform.address).unwrap();
        assert_eq!(format!("POST {to} HTTP/1.1"), asked.line);
        let shown: Vec<_> = lines.map(|line| line.split_once(": ").unwrap()).collect();
        for (name, value) in &asked.headers {
            let shown = shown.iter().find(|(other, _)| other == name).map(|(_, value)| *value);
            match name.as_str() {
                "host" | "content-length" => assert_eq!(shown, None),
                "authorization" => assert_eq!(shown, Some("Bearer TOKEN")),
                _ => assert_eq!(shown, Some(value.as_str()), "{name}"),
            }
        }
        let body = rest.lines().next().unwrap();
        match serde_json::from_str::<Value>(body) {
            Ok(mut shown) => {
                let mut sent: Value = serde_json::from_str(&asked.body).unwrap();
                assert!(shown["timestamp"].as_str() < sent["timestamp"].as_str());
                shown["timestamp"] = Value::Null;
                sent["timestamp"] = Value::Null;
                assert_eq!(shown, sent);
            }
            Err(_) => {
                let (before, after) = body.split_once("HEADER.CLAIMS.SIGNATURE").unwrap();
                assert!(asked.body.starts_with(before) && asked.body.ends_with(after));
                assert!(rest.contains("\nHEADER {\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}\nCLAIMS {\"iss\":\"client-7\",\"sub\":\"client-7\",\"aud\":\""), "{rest}");
            }
        }
    }
}

#[test]
fn a_run_that_was_killed_is_gone_on_with_and_times_only_grow() {
    let (place, platform) = (class(), Platform::strict());
    let item = platform.options()[1].clone();
    // It was killed after ada's score was sent and before it was answered, by a
    // clock that was ahead; the last line is half.
    let line = |user: &str, time: &str, state: &str| {
        format!(
            "{{\"lineItem\":\"{item}\",\"userId\":\"{user}\",\"timestamp\":\"{time}\",\"score\":\"00\",\"state\":\"{state}\"}}\n"
        )
    };
    let record =
        line("u-ada", "2099-01-01T00:00:00.5Z", "sending") + &line("u-bob", "2020-01-01T00:00:00Z", "posted");
    place.write(
        "out/lti-posted.jsonl",
        format!("{record}{}", &line("u-dan", "2030-01-01T00:00:00Z", "posted")[..40]),
    );
    post(&place, &platform, &[]).is(3, &(held("") + &summary(2, 0)), FIRST);
    let scores = platform.scores();
    assert_eq!(scores[0]["timestamp"], "2099-01-01T00:00:00.501Z");
    assert!(scores[1]["timestamp"].as_str() > Some("2026"), "{}", scores[1]);
    post(&place, &platform, &[]).is(3, &(held("") + &summary(0, 2)), FIRST);
    // Another line item has another grade book.
    let other =
        platform.options().iter().map(|word| word.replace("/items/7", "/items/8")).collect::<Vec<_>>();
    assert!(!fs::read_to_string(place.path("out/lti-posted.jsonl")).unwrap().contains(&other[1]));
    place.write("out/lti-posted.jsonl", "{}\n");
    post(&place, &platform, &[]).is(3, "", "error: `out/lti-posted.jsonl`, line 1: is no line of a record of posted scores; move the file away\n");
}

#[test]
fn two_runs_do_not_post_at_once() {
    let (place, platform) = (class(), Platform::strict());
    let held = fs::File::create(place.path("out/lti-posted.jsonl")).unwrap();
    held.lock().unwrap();
    post(&place, &platform, &[]).is(3, "", "error: another labcheck is posting from `out`; wait for it\n");
    assert_eq!(platform.lines(), Vec::<String>::new());
}

#[test]
fn keys_come_from_a_file_or_the_environment() {
    let (place, platform) = (class(), Platform::strict());
    let options = platform.options();
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let args = [&["post-scores", "out", "--key-id", "k1"], &options[..]].concat();
    place.run(&args).is_usage(
        "error: no private key\nnext: name its file with `--key`, or put the key itself into `LABCHECK_LTI_KEY`\n",
    );
    let mut command = place.command(&args);
    command.env("LABCHECK_LTI_KEY", KEY);
    place.said(command).is(3, &(held("") + &summary(2, 0)), FIRST);
    platform.scores();
    let next =
        "next: make one with `openssl genrsa -out key.pem 2048`, and give the platform its public half\n";
    for (key, holds) in [
        ("no key".to_owned(), "no private key in PEM"),
        (KEY.replace("MII", "AAA"), "a private key that cannot be used"),
        (
            rcgen::KeyPair::generate().unwrap().serialize_pem(),
            "a private key that is not RSA; LTI signs with RS256",
        ),
    ] {
        place.write("other.pem", key);
        place
            .run(&[&args[..], &["--key", "other.pem"]].concat())
            .is_usage(&format!("error: `other.pem` holds {holds}\n{next}"));
    }
    place
        .run(&[&args[..], &["--key", "nowhere.pem"]].concat())
        .is_usage("error: cannot read `nowhere.pem`: No such file or directory (os error 2)\n");
}

#[test]
fn secrets_go_to_https_or_to_this_machine() {
    let place = class();
    for (address, why) in [
        ("http://platform.example/7", "expected `https`; only this machine itself is reached without"),
        ("http://127.0.0.1.evil.example/7", "expected `https`; only this machine itself is reached without"),
        ("ftp://127.0.0.1/7", "expected `https`; only this machine itself is reached without"),
        ("https://user:word@platform.example/7", "an address holds no user or password"),
        ("/items/7", "expected a whole address, as in `https://host/path`"),
    ] {
        let rest =
            ["--client-id", CLIENT, "--key", "key.pem", "--token-url", "https://platform.example/token"];
        let said = place.run(&[&["post-scores", "out", "--line-item", address], &rest[..]].concat());
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert!(
            said.err
                .starts_with(&format!("error: invalid value '{address}' for '--line-item <URL>': {why}\n")),
            "{}",
            said.err
        );
    }
}
