//! Every kind of output of one small class, byte for byte.
//!
//! After a wanted change: `UPDATE_GOLDENS=1 cargo test -p lab-bulk`, then read
//! the diff.

#![allow(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

mod class;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use lab_bulk::{
    Grade, Standing,
    imports::{canvas, moodle},
    outputs::{Kind, Setting},
};
use snapbox::{Assert, Data, assert::Action, data::DataFormat};

/// Everything that outputs wrote, by path, and what they told the teacher.
struct Written {
    files: BTreeMap<String, String>,
    notes: Vec<String>,
}

fn written(kinds: &[Kind], grades: &[Grade]) -> Written {
    let (dir, course, roster) = (tempfile::tempdir().unwrap(), class::course(), class::roster());
    let setting = Setting { course: &course, roster: &roster };
    let mut notes = Vec::new();
    for kind in kinds {
        let mut output = kind.begin(dir.path(), &setting).unwrap();
        grades.iter().for_each(|grade| output.add(grade).unwrap());
        notes.extend(output.finish(&class::unmatched()).unwrap());
    }
    let mut files = BTreeMap::new();
    read(dir.path(), dir.path(), &mut files);
    Written { files, notes }
}

fn read(root: &Path, dir: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            files.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

fn all() -> Written {
    written(&Kind::ALL.map(|(_, kind)| kind), &class::grades())
}

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

#[test]
fn outputs_are_as_recorded() {
    let update = std::env::var_os("UPDATE_GOLDENS").is_some_and(|value| !value.is_empty());
    let assert = Assert::new().action(if update { Action::Overwrite } else { Action::Verify });
    let Written { files, notes } = all();
    let mut recorded = BTreeMap::new();
    read(&goldens(), &goldens(), &mut recorded);
    for (file, content) in files.into_iter().chain([("notes.txt".to_owned(), notes.join("\n"))]) {
        recorded.remove(&file);
        let golden = Data::read_from(&goldens().join(file), Some(DataFormat::Text)).raw();
        assert.eq(Data::text(content), golden);
    }
    assert!(recorded.is_empty(), "of no output: delete {:?}", recorded.keys());
}

#[test]
fn what_students_see_names_no_hidden_check() {
    for (file, content) in all().files {
        let teachers = ["grades.csv", "grades.json", "junit.xml", "dashboard.html"].contains(&file.as_str());
        let named = content.contains("secret");
        assert_eq!(named, teachers, "{file}");
    }
}

#[test]
fn no_score_is_never_a_zero() {
    let Written { files, .. } = all();
    for (file, none) in [("canvas.csv", ""), ("moodle.csv", "-")] {
        let mut table = csv::Reader::from_reader(files[file].as_bytes());
        let score = table.headers().unwrap().iter().position(|name| name.starts_with("lab06")).unwrap();
        let mut scores: Vec<_> = table.records().map(|row| row.unwrap()[score].to_owned()).collect();
        if file == "canvas.csv" {
            assert_eq!(scores.remove(0), "100");
        }
        let expected = ["100", "69", none, none, none, "42.5", "46.66"];
        assert_eq!(scores, expected, "{file}");
    }
    let posted: Vec<serde_json::Value> =
        files["lti-scores.jsonl"].lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let posted: Vec<_> =
        posted.iter().map(|score| (score["userId"].as_str().unwrap(), &score["scoreGiven"])).collect();
    assert_eq!(posted.len(), 3);
    assert_eq!((posted[1].0, posted[1].1.as_f64()), ("u-2", Some(69.0)));
    for (file, text) in
        files.iter().filter(|(file, _)| file.starts_with("gradescope/") && file.ends_with("json"))
    {
        let results: serde_json::Value = serde_json::from_str(text).unwrap();
        let tests = results["tests"].as_array().unwrap();
        // Gradescope would add up what tests have.
        let scored = tests.iter().any(|test| test.get("score").is_some());
        let unscored = ["cyd", "dan"].iter().any(|id| file.contains(&format!("/{id}-")));
        assert_eq!(results.get("score").is_none(), unscored, "{file}");
        assert!(!(unscored && scored), "{file}");
        assert!(tests.iter().all(|test| test["visibility"] == "visible"), "{file}");
    }
}

#[test]
fn tests_of_gradescope_are_worth_what_the_tasks_are() {
    let Written { files, .. } = all();
    let (_, text) = files.iter().find(|(file, _)| file.starts_with("gradescope/bob-")).unwrap();
    let results: serde_json::Value = serde_json::from_str(text).unwrap();
    let sum = |field: &str| {
        let tests = results["tests"].as_array().unwrap().iter();
        (tests.map(|test| test[field].as_f64().unwrap()).sum::<f64>() * 100.0).round()
    };
    assert_eq!((sum("max_score"), sum("score")), (7_000.0, 4_667.0));
    assert_eq!((&results["output_format"], results["score"].as_f64()), (&"text".into(), Some(69.0)));
}

#[test]
fn importers_take_what_we_write() {
    let Written { files, .. } = all();
    let canvas = canvas::check(files["canvas.csv"].as_bytes());
    assert_eq!((canvas.troubles, canvas.students, canvas.scores), (vec![], 7, 4));
    let moodle = moodle::check(files["moodle.csv"].as_bytes(), moodle::MOST);
    assert_eq!((moodle.troubles, moodle.students, moodle.scores), (vec![], 7, 4));
}

#[test]
fn annotations_and_summary_keep_within_githubs_limits() {
    let mut grade = class::grades().swap_remove(3);
    grade.standing = Standing::Ungradable { why: "x|`<é>\n::error::".repeat(100) };
    let student = |at: usize| {
        let mut grade = grade.clone();
        grade.student.id = format!("s{at}");
        grade
    };
    let grades: Vec<_> = (0..9_000).map(student).collect();
    let Written { files, .. } = written(&[Kind::Actions], &grades);
    let errors: Vec<_> = files["actions.txt"].lines().filter(|line| line.starts_with("::error ")).collect();
    assert_eq!(errors.len(), 10);
    assert!(errors[9].ends_with("::and 8991 more; the summary of the step lists them"), "{}", errors[9]);
    assert!(files["actions.txt"].lines().all(|line| line.starts_with("::")));
    let summary = &files["summary.md"];
    assert!(summary.len() < 1 << 20 && summary.contains("more students, whom `grades.csv` has"));
}
