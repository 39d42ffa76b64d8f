//! Hostile inputs 41 and 42: compose files that name this machine's files, and a
//! Docker that the student chose. Nothing of either is asked while grading.

use std::{
    fs,
    io::Read as _,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use lab_bundle::submission::{self, Draft, Key};
use lab_spec::Outcome;
use serde_json::{Value, json};

use crate::{
    forge,
    place::{Place, repository},
};

/// What a student may write to have a grader's files read or run.
const HOSTILE: &str = "services:\n  web:\n    image: nginx:1.27-alpine\n    env_file: /etc/passwd\n    \
                       secrets: [s]\nsecrets:\n  s: {file: /etc/passwd}\ninclude: [/etc/passwd]\n";

/// A submission of lab02 whose compose file is this one.
fn submission() -> Vec<u8> {
    let path = repository().join("labs/02-sticky-note/evidence/solution.labcheck");
    let mut evidence = lab_bundle::read(&path).unwrap();
    let mut replaced = 0;
    for look in &mut evidence.looks {
        for (key, seen) in &mut look.observations {
            let Outcome::Present(value) = &mut seen.outcome else { continue };
            if key.starts_with("compose") && value.is_object() {
                value["hostile"] = json!({"text": HOSTILE, "host": "tcp://127.0.0.1:1", "context": "evil"});
                replaced += 1;
            }
        }
    }
    assert!(
        replaced > 0,
        "no look at compose in {:?}",
        evidence.looks[0].observations.keys().collect::<Vec<_>>()
    );
    let draft = Draft {
        tool: "labcheck 0.1.0".to_owned(),
        student: "eve".to_owned(),
        cluster: None,
        made: forge::made(&evidence),
    };
    submission::write(draft, &evidence, &Key::from_secret(&[3; 32])).unwrap()
}

#[test]
fn no_program_is_run_and_no_daemon_asked_while_grading() {
    let place = Place::new();
    place.write("roster.csv", "id\neve\n");
    place.write("in/eve.tar.zst", submission());
    // Files beside the submission are not looked at either.
    place.write("in/compose.yaml", HOSTILE);
    place.write("compose.yaml", HOSTILE);
    let program = format!("#!/bin/sh\necho \"$0 $*\" >> {}\n", place.path("ran").display());
    for name in ["docker", "docker-compose", "kubectl", "kind", "sh", "env"] {
        let path = place.write(&format!("bin/{name}"), &program);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("tcp://{}", listener.local_addr().unwrap());
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 64]);
        }
    });
    let args = [
        "grade",
        "in",
        "--lab",
        "lab02",
        "--roster",
        "roster.csv",
        "--out",
        "out",
        "--write",
        "csv,json,feedback,dashboard",
    ];
    let mut command = place.command(&args);
    command
        .env("PATH", format!("{}:/usr/bin:/bin", place.path("bin").display()))
        .env("DOCKER_HOST", &host)
        .env("DOCKER_CONTEXT", "evil")
        .env("COMPOSE_FILE", place.path("compose.yaml"));
    let said = place.said(command);
    assert!(!place.path("ran").exists(), "{}", fs::read_to_string(place.path("ran")).unwrap());
    assert_eq!(calls.load(Ordering::SeqCst), 0, "a daemon was asked: {said:?}");
    let document: Value = serde_json::from_slice(&fs::read(place.path("out/grades.json")).unwrap()).unwrap();
    let grade = &document["grades"][0];
    assert_eq!(
        (&grade["standing"]["is"], grade["score"].as_u64()),
        (&json!("graded"), Some(10_000)),
        "{said:?}: {grade}"
    );
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().next().unwrap();
    for file in ["out/grades.json", "out/grades.csv", "out/dashboard.html"] {
        assert!(
            !fs::read_to_string(place.path(file)).unwrap().contains(line),
            "{file} holds a file of this machine"
        );
    }
}
