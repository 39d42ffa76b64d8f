//! Downloads of learning platforms, as archives and unpacked.

use std::fs;

use serde_json::Value;

use crate::{
    forge::{self, zip},
    room::{Class, Graded},
};

/// Submissions that say nothing true of whose they are, under these names.
fn members(names: &[&str]) -> Vec<(String, Vec<u8>)> {
    let made = |(at, name): (usize, &&str)| {
        let student = format!("nobody {at}");
        ((*name).to_owned(), forge::good(&student))
    };
    names.iter().enumerate().map(made).collect()
}

/// Grades an export as the archive that was downloaded, and unpacked, as a
/// folder and folder by folder.
fn each(members: &[(String, Vec<u8>)], more: &[&str], check: impl Fn(&Graded)) {
    let list: Vec<_> = members.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    let packed = Class::new();
    packed.place.write("submissions.zip", zip(&list));
    check(&packed.grade_paths(&["in", "submissions.zip"], more));
    let unpacked = Class::new();
    for (name, bytes) in members {
        unpacked.place.write(&format!("export/{name}"), bytes);
    }
    check(&unpacked.grade_paths(&["in", "export"], more));
    let mut paths: Vec<_> = fs::read_dir(unpacked.place.path("export")).unwrap().collect();
    let paths: Vec<_> = paths.drain(..).map(|entry| entry.unwrap().file_name()).collect();
    let paths: Vec<_> = paths.iter().map(|name| format!("export/{}", name.to_str().unwrap())).collect();
    let paths: Vec<_> = paths.iter().map(String::as_str).chain(["in"]).collect();
    check(&unpacked.grade_paths(&paths, more));
}

#[test]
fn moodle_downloads_tell_students_by_participant_and_by_name() {
    let members = members(&[
        "Wrong Name_18_assignsubmission_file_/lab01.tar.zst",
        // Of a roster without this participant.
        "Eve Adams_999_assignsubmission_file_/lab01.tar.zst",
        "Eve Adams_999_assignsubmission_file_/again.tar.zst",
        "Stranger_998_assignsubmission_file_/lab01.tar.zst",
    ]);
    each(&members, &[], |graded| {
        graded.is_full("bob");
        graded.is_full("eve");
        assert_eq!(graded.flags("bob"), ["other-student"]);
        assert_eq!(graded.of("eve")["attempts"].as_array().unwrap().len(), 2);
        assert_eq!(graded.unmatched.len(), 1, "{:?}", graded.unmatched);
        assert!(graded.unmatched[0].0.contains("Stranger_998_"));
        assert_eq!(graded.unmatched[0].1, "it says it is of `nobody 3`, who is not in the roster");
        assert_eq!(graded.said.code, 3);
    });
}

#[test]
fn text_that_was_typed_in_is_no_submission_and_takes_nothing_away() {
    let mut all = members(&["Eve Adams_19_assignsubmission_file_/lab01.tar.zst"]);
    let text = b"<p>I could not upload it</p>".to_vec();
    for student in ["Eve Adams_19", "Bob Noyce_18"] {
        all.push((format!("{student}_assignsubmission_onlinetext_/onlinetext.html"), text.clone()));
    }
    for rule in ["best", "last", "average"] {
        each(&all, &["--attempts", rule], |graded| {
            graded.is_full("eve");
            let bob = &graded.of("bob")["standing"];
            assert_eq!((&bob["is"], graded.unmatched.len()), (&Value::from("ungradable"), 0));
            assert!(bob["why"].as_str().unwrap().starts_with("is a web page or XML"), "{bob}");
        });
    }
}

#[test]
fn canvas_downloads_tell_students_by_id_and_who_is_late() {
    let members = members(&[
        "adamseve_119_4711_lab01-eve.tar.zst",
        "adamseve_LATE_119_4712_lab01_1-2.tar.zst",
        "noycebob_LATE_118_4713_lab01-bob.tar.zst",
    ]);
    let deadline = ["--deadline", "2026-12-01T00:00:00Z", "--late-per-day", "10"];
    each(&members, &deadline, |graded| {
        graded.is_full("eve");
        graded.is_full("bob");
        assert_eq!(graded.of("eve")["attempts"].as_array().unwrap().len(), 2);
        let bob = graded.of("bob")["flags"].as_array().unwrap();
        let says = bob.iter().find(|flag| flag["code"] == "receipt-unknown").unwrap();
        assert_eq!(says["says"], "the platform calls it late and not how late; nothing was taken off");
        assert_eq!(graded.said.code, 0);
    });
}

/// What Gradescope writes, with what graders printed in it.
const METADATA: &str = "---
submission_1001:
  :submitters:
  - :name: Eve Adams
    :sid: eve
    :email: eve@example.org
  :created_at: 2026-12-02 12:00:00.123456000 Z
  :score: 100.0
  :results:
    tests:
    - name: '1'
      output: \"score: 100\"
submission_1002:
  :submitters:
  - :name: Bob Noyce
    :sid: ''
    :email: BOB@example.org
  :created_at: 2026-11-30 12:00:00.000000000 -05:00
";

fn gradescope(metadata: &str) -> Vec<(String, Vec<u8>)> {
    let mut all = members(&[
        "assignment_7_export/submission_1001/lab01.tar.zst",
        "assignment_7_export/submission_1002/lab01.tar.zst",
    ]);
    all.push(("assignment_7_export/submission_metadata.yml".to_owned(), metadata.into()));
    all
}

#[test]
fn gradescope_exports_tell_students_and_when_it_was_received() {
    let mut members = gradescope(METADATA);
    members.push(("assignment_7_export/submission_1001/README.md".to_owned(), b"# My work".to_vec()));
    let deadline = ["--deadline", "2026-12-01T00:00:00Z", "--late-per-day", "10", "--attempts", "last"];
    each(&members, &deadline, |graded| {
        graded.is_full("bob");
        let eve = graded.of("eve");
        assert_eq!((&eve["earned"], &eve["score"]), (&Value::from(10_000), &Value::from(8_000)), "{eve}");
        assert_eq!(eve["attempts"][1]["received"], "2026-12-02T12:00:00.123456Z");
        assert_eq!(graded.of("bob")["attempts"][0]["received"], "2026-11-30T17:00:00Z");
        // The list is none of anybody's files.
        assert_eq!((graded.said.code, &graded.unmatched[..]), (0, &[][..]));
    });
}

#[test]
fn a_group_is_graded_each() {
    let both = "submission_1001:\n  :submitters:\n  - :sid: eve\n  - :sid: bob\n";
    let members: Vec<_> = gradescope(both).into_iter().filter(|(name, _)| !name.contains("1002")).collect();
    each(&members, &[], |graded| {
        graded.is_full("eve");
        graded.is_full("bob");
        assert!(graded.flags("bob").contains(&"same-submission"));
    });
}

#[test]
fn an_export_list_that_is_a_bomb_is_listed_and_nothing_else_suffers() {
    // 16, 17 and 20.
    let mut aliases = "a0: &a0 [x]\n".to_owned();
    for n in 1..40 {
        let before = format!("*a{}, ", n - 1).repeat(20);
        aliases.push_str(&format!("a{n}: &a{n} [{}]\n", before.trim_end_matches(", ")));
    }
    let deep = format!("a: {}{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = format!("a: '{}'", "x".repeat(33 << 20));
    let documents = format!("{METADATA}---\n{METADATA}");
    for text in [&aliases, &deep, &long, &documents, "not: [closed", "- 1\n- 2", "\u{0}"] {
        let class = Class::new();
        let mut members = gradescope(text);
        members[0].1 = forge::good("eve");
        for (name, bytes) in &members {
            class.place.write(&format!("export/{name}"), bytes);
        }
        let list: Vec<_> = members.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
        class.place.write("export.zip", zip(&list));
        for path in ["export", "export.zip"] {
            let graded = class.grade_paths(&["in", path], &[]);
            graded.is_full("eve");
            let list: Vec<_> =
                graded.unmatched.iter().filter(|(place, _)| place.ends_with("_metadata.yml")).collect();
            assert_eq!((list.len(), graded.said.code), (1, 3), "{:?}", graded.unmatched);
            let why = &list[0].1;
            let told = why.starts_with("is no list of Gradescope's: ") || why == "is larger than 32 MiB";
            assert!(told && why.len() < 300 && !why.contains('\n'), "{why}");
        }
    }
}

#[test]
fn a_student_does_not_say_when_it_was_received() {
    // An archive that looks like an export, handed in and not named by the user.
    let members = gradescope(METADATA);
    let list: Vec<_> = members.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    let class = Class::new();
    class.put("Bob Noyce_18_assignsubmission_file_/export.zip", zip(&list));
    let graded = class.grade(&[]);
    assert_eq!(graded.of("eve")["standing"]["is"], "missing", "{}", graded.written);
    let tried = graded.of("bob")["attempts"].as_array().unwrap();
    // The list itself is a file of his, like any other.
    assert_eq!(tried.len(), 3);
    assert!(tried.iter().all(|tried| tried["received"].is_null()), "{tried:?}");
}

#[test]
fn in_plain_folders_a_submission_speaks_for_itself() {
    let class = Class::new();
    class.put("bob/lab01.tar.zst", forge::good("eve"));
    class.put("lab01-bob.tar.zst", b"not it");
    let graded = class.grade(&[]);
    graded.is_full("eve");
    assert_eq!(graded.flags("eve"), Vec::<&str>::new());
    // Of what says nothing, the name tells.
    let bob = graded.of("bob");
    assert_eq!(bob["standing"]["why"].as_str().unwrap().split(',').next(), Some("is something else"));
    assert_eq!((bob["attempts"].as_array().unwrap().len(), graded.said.code), (1, 3));
    // Who is not in the roster may have mistyped; a teacher should look.
    let class = Class::new();
    class.put("Bob Noyce/lab01.tar.zst", forge::good("bbo"));
    let graded = class.grade(&[]);
    graded.is_full("bob");
    assert_eq!(graded.flags("bob"), ["other-student"]);
    // And a name that is nobody's is listed.
    class.put("notes.txt", "to myself");
    let graded = class.grade(&[]);
    assert_eq!(graded.unmatched, [("in/notes.txt".to_owned(), graded.unmatched[0].1.clone())]);
    assert_eq!(graded.said.code, 3);
}
