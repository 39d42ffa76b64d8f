//! Grading where nothing can be written: a disk that fills up, and one that is
//! read-only. Both are file systems of a mount namespace of the test's own.

use std::{fs, process::Command};

use assert_cmd::cargo::cargo_bin;

use crate::{
    grading::{nonce, submission},
    place::Place,
};

const STUDENTS: usize = 10;
/// Grades into `small/out` four times: one student, then all on a disk with
/// $1 KiB left, then read-only, then with room. What there is after each of the
/// first two is kept.
const SCRIPT: &str = r#"
set -eu
room=$1
shift
mount -t tmpfs -o size=8m none small
mkdir -p small/out
run() { local name=$1; shift; code=0; "$@" > "$name.out" 2> "$name.err" || code=$?; echo "$code" > "$name.code"; }
run alone "$LABCHECK" grade in/s0.tar.zst "$@"
cp -r small/out kept-alone
left=$(($(stat -f -c '%a * %S / 1024' small)))
[ "$left" -le "$room" ] || head -c "$(((left - room) * 1024))" /dev/zero > small/filler
run full "$LABCHECK" grade in "$@"
cp -r small/out kept-full
mount -o remount,ro small
run readonly "$LABCHECK" grade in "$@"
mount -o remount,rw small
rm -f small/filler
run again "$LABCHECK" grade in "$@"
cp -r small/out kept-again
"#;

/// The home of a class, and what came of the script with so much room.
fn graded(room: u32) -> Place {
    let place = Place::new();
    let ids: Vec<_> = (0..STUDENTS).map(|at| format!("s{at}")).collect();
    place.write("roster.csv", format!("id\n{}\n", ids.join("\n")));
    for id in &ids {
        place.write(&format!("in/{id}.tar.zst"), submission("solution", id, nonce(&format!("of-{id}"))));
    }
    fs::create_dir(place.path("small")).unwrap();
    let args = ["--lab", "lab01", "--roster", "roster.csv", "--threads", "2", "--write", "csv,json,feedback"];
    // Root needs no user namespace; others are root in one of their own.
    let ended = Command::new("unshare")
        .args(if rustix::process::geteuid().is_root() {
            &["--mount"][..]
        } else {
            &["--mount", "--map-root-user"]
        })
        .args(["sh", "-c", SCRIPT, "sh", &room.to_string()])
        .args(args)
        .args(["--out", "small/out"])
        .env("LABCHECK", cargo_bin!("labcheck"))
        .env("HOME", place.path(""))
        .env("LABCHECK_STATE", place.path("state"))
        .current_dir(place.path(""))
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let undisturbed = place.run(&[&["grade", "in"], &args[..], &["--out", "whole"]].concat());
    assert_eq!(undisturbed.code, 0, "{undisturbed:?}");
    place
}

fn text(place: &Place, name: &str) -> String {
    fs::read_to_string(place.path(name)).unwrap_or_else(|error| panic!("`{name}`: {error}"))
}

/// Asserts that two directories hold the same grades, byte for byte.
fn same(place: &Place, one: &str, other: &str) {
    let feedback = fs::read_dir(place.path(one).join("feedback")).unwrap();
    let mut files: Vec<_> =
        feedback.map(|entry| format!("feedback/{}", entry.unwrap().file_name().to_str().unwrap())).collect();
    assert!(!files.is_empty());
    files.extend(["grades.csv", "grades.json"].map(str::to_owned));
    for file in files {
        let of = |dir: &str| fs::read(place.path(dir).join(&file)).unwrap();
        assert!(of(one) == of(other), "`{file}` differs between `{one}` and `{other}`");
    }
}

/// What was said where the disk was full, with so much room.
fn full(room: u32) -> String {
    let place = graded(room);
    let (code, said) = (text(&place, "full.code"), text(&place, "full.err"));
    assert_eq!(code, "3\n", "{room} KiB: {said}");
    assert!(said.contains("error: ") && said.contains("small/out"), "{room} KiB: {said}");
    assert!(said.contains("make room") && said.contains("run the same command again"), "{room} KiB: {said}");
    // What stood there before still does, whole.
    same(&place, "kept-alone", "kept-full");
    assert_eq!(text(&place, "readonly.code"), "3\n");
    let readonly = "error: cannot write to `small/out`: Read-only file system (os error 30)\n\
        next: make it writable, or choose another `--out`\n";
    assert_eq!(text(&place, "readonly.err"), readonly);
    assert_eq!(text(&place, "again.code"), "0\n", "{}", text(&place, "again.err"));
    same(&place, "kept-again", "whole");
    let left = fs::read_dir(place.path("kept-again")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!left.iter().any(|name| name.starts_with(".labcheck-")), "{left:?}");
    said
}

#[test]
fn a_full_disk_is_named_and_loses_nothing() {
    // Nothing can be written at all; the journal cannot; what comes out cannot.
    let (nothing, journal, outputs) = (full(0), full(16), full(400));
    println!("{nothing}\n{journal}\n{outputs}");
    assert!(journal.contains("journal `small/out/journal.sqlite`"), "{journal}");
    assert!(outputs.contains("what was judged is in the journal"), "{outputs}");
}
