//! Hostile inputs 54 to 56: runs that are killed or have no room, a submission
//! that ends the process which judges it, and checks that cannot be judged.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use assert_cmd::cargo::cargo_bin;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    forge::{self, parts},
    place::Place,
    room::Class,
};

const WRITTEN: [&str; 3] = ["grades.json", "grades.csv", "junit.xml"];

/// A class in which some are right, some wrong, and some no submissions.
fn class(students: usize) -> Place {
    let place = Place::new();
    let mut roster = "id\n".to_owned();
    for at in 0..students {
        let id = format!("s{at}");
        roster.push_str(&format!("{id}\n"));
        let bytes = match at % 5 {
            0 => forge::good(&id),
            4 => b"%PDF-1.7".to_vec(),
            _ => forge::submission(&id, &forge::attempt("starter", &id)),
        };
        place.write(&format!("in/{id}/{id}.tar.zst"), bytes);
    }
    place.write("roster.csv", roster);
    place
}

fn args(out: &str) -> [&str; 11] {
    [
        "grade",
        "in",
        "--lab",
        "lab01",
        "--roster",
        "roster.csv",
        "--out",
        out,
        "--threads",
        "2",
        "--write=csv,json,junit",
    ]
}

/// What was written, by name.
fn written(place: &Place, out: &str) -> BTreeMap<&'static str, Vec<u8>> {
    WRITTEN.into_iter().map(|name| (name, fs::read(place.path(out).join(name)).unwrap())).collect()
}

#[test]
fn a_run_that_is_killed_goes_on_to_the_same_result() {
    // 54. Where it is killed is a matter of luck; what comes out is not.
    let place = class(20);
    assert_eq!(place.run(&args("whole")).code, 3);
    let mut killed = 0;
    for wait in [5, 20, 60, 120, 250, 500] {
        let mut command = place.command(&args("killed"));
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(wait));
        killed += usize::from(run.try_wait().unwrap().is_none());
        run.kill().unwrap();
        run.wait().unwrap();
        // Nothing half is ever seen under its own name.
        for name in WRITTEN {
            if let Ok(bytes) = fs::read(place.path("killed").join(name)) {
                assert_eq!(bytes, written(&place, "whole")[name], "{name} after {wait} ms");
            }
        }
    }
    assert!(killed >= 2, "only {killed} runs were killed");
    assert_eq!(place.run(&args("killed")).code, 3);
    assert_eq!(written(&place, "killed"), written(&place, "whole"));
    let left = fs::read_dir(place.path("killed")).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with(".labcheck-")).collect();
    assert_eq!(left, Vec::<std::ffi::OsString>::new());
}

/// `labcheck` with as much room as `ulimit` says.
fn limited(place: &Place, limit: &str, args: &[&str]) -> Command {
    let script = format!("trap '' XFSZ; ulimit {limit} || exit 77; exec \"$0\" \"$@\"");
    let program: PathBuf = cargo_bin!("labcheck").to_path_buf();
    let mut words = vec!["-c".to_owned(), script, program.to_str().unwrap().to_owned()];
    words.extend(args.iter().map(|word| (*word).to_owned()));
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    place.elsewhere("/bin/sh", &words)
}

#[test]
fn without_room_nothing_half_is_left_and_the_next_run_goes_on() {
    // 54. No file may grow beyond this, as on a disk that is full.
    let place = class(20);
    assert_eq!(place.run(&args("whole")).code, 3);
    let said = place.said(limited(&place, "-f 60", &args("full")));
    assert_eq!((said.code, said.out.as_str()), (3, ""), "{said:?}");
    assert!(said.err.contains("\nerror: ") && said.err.contains("`full"), "{said:?}");
    for name in WRITTEN {
        assert!(!place.path("full").join(name).exists(), "{name}");
    }
    assert_eq!(place.run(&args("full")).code, 3);
    assert_eq!(written(&place, "full"), written(&place, "whole"));
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let place = class(2);
    place.write("file", "");
    let said = place.run(&args("file/out"));
    assert_eq!(
        (said.code, said.out.as_str(), said.err.as_str()),
        (3, "", "error: cannot write to `file/out`: Not a directory (os error 20)\n")
    );
}

#[test]
fn a_read_only_directory_is_named_and_left_as_it_is() {
    let place = class(2);
    let mode = |path: &str, mode: u32| {
        fs::set_permissions(place.path(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    fs::create_dir(place.path("read-only")).unwrap();
    fs::copy(cargo_bin!("labcheck"), place.path("labcheck")).unwrap();
    mode("", 0o755);
    mode("read-only", 0o555);
    let mut command = place.elsewhere(place.path("labcheck"), &args("read-only"));
    // To root no directory is read-only.
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    let said = place.said(command);
    let error = "error: cannot write to `read-only`: Permission denied (os error 13)\n\
        next: make it writable, or choose another `--out`\n";
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (3, "", error));
    assert_eq!(fs::read_dir(place.path("read-only")).unwrap().count(), 0);
}

/// Eve's submission, which takes long enough to judge to be met at it.
fn heavy() -> Vec<u8> {
    let mut evidence = forge::evidence("eve");
    let long: Vec<_> = (0..60_000).map(|at| json!({ "a": format!("{at:0200}") })).collect();
    let last = evidence.looks.last_mut().unwrap();
    let lab_spec::Outcome::Present(context) = &mut last.observations["context"].outcome else {
        panic!("no context")
    };
    context["more"] = json!(long);
    parts(&serde_json::to_vec(&evidence).unwrap()).packed()
}

/// The process that judges for this one.
fn worker(of: u32) -> Option<Pid> {
    let children = fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap();
    Pid::from_raw(children.split_whitespace().next()?.parse().unwrap())
}

#[test]
fn a_submission_that_ends_the_process_costs_nobody_else_anything() {
    // 55. It is ended from outside here, as the kernel ends what takes too much memory, whenever it
    // has eve's in hand; a panic and a stack that runs over are `checker/bulk/tests/crash.rs`.
    let class = Class::new();
    let bytes = heavy();
    let eve = lab_bundle::hex(&Sha256::digest(&bytes));
    class.put("eve.tar.zst", bytes);
    let args = ["grade", "in", "--lab", "lab01", "--roster", "roster.csv", "--out", "out", "--threads", "2"];
    let mut run = class.place.command(&args);
    let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut killed = BTreeSet::new();
    let code = loop {
        if let Some(status) = run.try_wait().unwrap() {
            break status.code();
        }
        // First who, then what: the file outlives the process that wrote it.
        let judging = worker(run.id());
        let in_hand = fs::read_to_string(class.place.path("out/.in-hand")).unwrap_or_default();
        if let Some(judging) = judging.filter(|_| in_hand.contains(&eve)) {
            let _ = kill_process(judging, Signal::KILL);
            killed.insert(judging.as_raw_nonzero());
        }
        thread::sleep(Duration::from_millis(1));
    };
    // Once beside others, once alone; a third time nobody tries.
    assert_eq!((code, killed.len()), (Some(3), 2));
    let document: Value =
        serde_json::from_slice(&fs::read(class.place.path("out/grades.json")).unwrap()).unwrap();
    let grade = |at: usize| &document["grades"][at];
    assert_eq!((&grade(0)["student"]["id"], &grade(0)["score"]), (&json!("ada"), &json!(10_000)));
    assert_eq!((&grade(2)["student"]["id"], &grade(2)["score"]), (&json!("eve"), &Value::Null));
    assert_eq!(grade(2)["standing"]["is"], "ungradable");
    assert_eq!(grade(2)["standing"]["why"], "judging it failed; this is a defect of labcheck, not yours");
    // Left alone it is as good as any.
    fs::remove_dir_all(class.place.path("out")).unwrap();
    class.grade(&[]).is_full("eve");
}

#[test]
fn a_check_that_cannot_be_judged_still_counts() {
    // 56: points come from the rubric. One check divides by zero, one does more work than it may.
    let class = Class::new();
    let hidden = |id: &str, expect: &str| {
        format!(
            "- id: {id}\n  title: Beyond\n  points: 10\n  text: unseen\n  hints: [a, b, c]\n  checks:\n  \
             - id: {id}\n    title: it\n    expect: \"{expect}\"\n    wrong: no\n"
        )
    };
    let work = "[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, \
                [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, a + b + c + d + e > 0)))))";
    for expect in ["1 / (api.spec.replicas - api.spec.replicas) == 1", work] {
        class
            .place
            .write("rubric.yaml", format!("format: 1\nlab: lab01\nhidden:\n{}", hidden("broken", expect)));
        let graded = class.grade(&["--rubric", "rubric.yaml"]);
        let ada = graded.of("ada");
        assert_eq!(ada["points"], 110, "{ada}");
        assert!(ada["score"].is_null() || ada["score"].as_u64() <= Some(10_000), "{}", ada["score"]);
        assert_ne!(ada["report"]["verdict"], "pass", "{expect}");
    }
}
