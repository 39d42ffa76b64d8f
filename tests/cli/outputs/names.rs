//! Hostile inputs 47 and 51: ids that look like others, and ids that are no
//! file names.

use std::{collections::BTreeSet, fs};

use super::{Class, entries, submission};
use crate::place::Place;

#[test]
fn ids_that_look_alike_are_two_students() {
    // Another ada, with a Cyrillic first letter; and one that shows as `bob`.
    let students = [("ada", "Latin"), ("\u{430}da", "Cyrillic"), ("bo\u{202e}b", "Bidi"), ("missing", "x")];
    let class = Class::of(&students, "app");
    let grades = class.table("grades.csv");
    let by: Vec<_> = grades.iter().map(|row| (row["id"].as_str(), row["standing"].as_str())).collect();
    let graded = "graded";
    assert_eq!(
        by,
        [("ada", graded), ("\u{430}da", graded), ("bo\\u{202e}b", graded), ("missing", "missing")]
    );
    let digests: BTreeSet<_> = grades.iter().map(|row| row["sha256"].as_str()).collect();
    assert_eq!(digests.len(), 4, "each has his own submission");
    let dashboard = class.read("dashboard.html");
    for code_points in ["\\u{430}da", "bo\\u{202e}b"] {
        assert!(dashboard.contains(code_points), "{code_points}");
    }
    assert!(class.files().values().all(|text| !text.contains('\u{202e}')));
}

#[test]
fn ids_are_never_file_names() {
    let long = "x".repeat(300);
    let students = [
        ("../x", "Up"),
        ("CON", "Device"),
        (&long, "Long"),
        ("/etc/passwd", "Root"),
        (".", "Dot"),
        ("a\\..\\b", "Win"),
    ];
    let class = Class::of(&students, "app");
    for dir in ["feedback", "gradescope"] {
        let written: BTreeSet<_> = entries(&class.place.path("out").join(dir))
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        let column = if dir == "feedback" { "html" } else { "file" };
        let index = class.table(&format!("{dir}/index.csv"));
        let named: BTreeSet<_> = index.iter().map(|row| row[column].clone()).collect();
        assert_eq!((index.len(), named.len()), (6, 6));
        for name in &written {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            assert!(name.len() < 64 && name.bytes().all(plain) && !name.starts_with('.'), "{name}");
        }
        assert!(named.is_subset(&written));
    }
    // Nothing lies anywhere else.
    let names = |dir: &str| -> BTreeSet<String> {
        let paths = entries(&class.place.path(dir)).into_iter();
        paths.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(""), BTreeSet::from(["in", "out", "roster.csv"].map(str::to_owned)));
    let page = class.of_student("feedback", "../x", "html");
    assert!(page.contains("Up, ../x"));
}

#[test]
fn an_empty_id_is_refused() {
    let place = Place::new();
    place.write("roster.csv", "id,name\nada,Ada\n,Eve\n");
    place.write("in/a.tar.zst", submission("ada", "app"));
    let said = place.run(&[
        "grade",
        "in",
        "--lab",
        "lab06",
        "--roster",
        "roster.csv",
        "--out",
        "out",
        "--write",
        "feedback",
    ]);
    said.is_usage("error: `roster.csv`, line 3: the id is empty\n");
    assert!(!place.path("out/feedback").exists());
}

#[test]
fn feedback_of_who_left_the_class_goes() {
    let class = Class::of(&[("ada", "Ada"), ("bob", "Bob")], "app");
    let before = entries(&class.place.path("out/feedback")).len();
    let roster = fs::read_to_string(class.place.path("roster.csv")).unwrap();
    let left: Vec<_> = roster.lines().filter(|line| !line.starts_with("bob")).collect();
    class.place.write("roster.csv", left.join("\n"));
    let class = Class::graded(class.place, super::ALL);
    assert_eq!((before, entries(&class.place.path("out/feedback")).len()), (5, 3));
}
