//! A class of three in a home of its own: ada's submission is good, eve's is
//! not, bob hands in nothing.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    forge,
    place::{Place, Said},
};

const ROSTER: &str = "id,name,email,participant_id,canvas_id\n\
    ada,Ada Lovelace,ada@example.org,17,117\n\
    bob,Bob Noyce,bob@example.org,18,118\n\
    eve,Eve Adams,eve@example.org,19,119\n";

/// The class, before it is graded.
pub struct Class {
    pub place: Place,
}

/// What came of it.
pub struct Graded {
    pub said: Said,
    grades: BTreeMap<String, Value>,
    /// Files of nobody, and why.
    pub unmatched: Vec<(String, String)>,
    /// All outputs, as one text.
    pub written: String,
}

impl Class {
    /// Ada alone has handed in something.
    pub fn new() -> Self {
        let class = Self { place: Place::new() };
        class.place.write("roster.csv", ROSTER);
        class.put("ada.tar.zst", forge::good("ada"));
        class
    }

    /// Hands in a file.
    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        self.place.write(&format!("in/{name}"), bytes)
    }

    /// Grades what is in `in`, and asserts that nothing but `out` was changed.
    pub fn grade(&self, more: &[&str]) -> Graded {
        self.grade_paths(&["in"], more)
    }

    /// Grades these paths.
    pub fn grade_paths(&self, paths: &[&str], more: &[&str]) -> Graded {
        let before = self.tree();
        let args = ["--lab", "lab01", "--roster", "roster.csv", "--out", "out"];
        let said = self.place.run(&[&["grade"], paths, &args, more].concat());
        assert_eq!(before, self.tree(), "something was written outside of `out`");
        let text = fs::read_to_string(self.place.path("out/grades.json"))
            .unwrap_or_else(|error| panic!("{error}: {said:?}"));
        let document: Value = serde_json::from_str(&text).unwrap();
        let grades = document["grades"].as_array().unwrap().iter();
        let grades = grades.map(|grade| (word(&grade["student"]["id"]), grade.clone())).collect();
        let unmatched = document["unmatched"].as_array().unwrap().iter();
        let unmatched = unmatched.map(|entry| (word(&entry["place"]), word(&entry["why"]))).collect();
        let csv = fs::read_to_string(self.place.path("out/grades.csv")).unwrap();
        Graded { said, grades, unmatched, written: text + &csv }
    }

    /// Every file of the home but the outputs: its path, length and kind.
    fn tree(&self) -> Vec<(PathBuf, u64, bool)> {
        let mut found = Vec::new();
        walk(&self.place.path(""), &mut found);
        let out = self.place.path("out");
        found.retain(|(path, ..)| !path.starts_with(&out));
        found.sort();
        found
    }
}

fn walk(dir: &Path, found: &mut Vec<(PathBuf, u64, bool)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let meta = path.symlink_metadata().unwrap();
        if meta.is_dir() {
            walk(&path, found);
        }
        found.push((path, if meta.is_dir() { 0 } else { meta.len() }, meta.is_symlink()));
    }
}

fn word(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

impl Graded {
    /// The grade of a student.
    pub fn of(&self, student: &str) -> &Value {
        &self.grades[student]
    }

    /// Asserts that a student has all points.
    #[track_caller]
    pub fn is_full(&self, student: &str) {
        let grade = self.of(student);
        let found = (&grade["standing"]["is"], &grade["score"]);
        assert_eq!(found, (&Value::from("graded"), &Value::from(10_000)), "{student}: {}", self.written);
    }

    /// Asserts that eve has no score, and why, in all outputs; that ada has all
    /// points; and the exit code.
    #[track_caller]
    pub fn is_refused(&self, standing: &str, why: &str) {
        self.refuses("eve", standing, why);
    }

    /// The same of another student than eve.
    #[track_caller]
    fn refuses(&self, student: &str, standing: &str, why: &str) {
        self.is_full("ada");
        let eve = self.of(student);
        let found = eve["standing"]["why"].as_str().unwrap_or_default();
        assert_eq!((&eve["standing"]["is"], &eve["score"]), (&Value::from(standing), &Value::Null), "{eve}");
        assert!(found.contains(why), "eve is told `{found}`, expected `{why}`");
        assert!(!found.contains(char::is_control), "{found:?}");
        let line = self.written.lines().find(|line| line.starts_with(&format!("{student},"))).unwrap();
        assert!(line.contains(&format!(",{standing},,")), "{line}");
        assert!(line.contains(&why.replace('"', "\"\"")), "{line}");
        assert_eq!(self.said.code, 3, "{:?}", self.said);
    }

    /// The codes of a student's flags.
    pub fn flags(&self, student: &str) -> Vec<&str> {
        let flags = self.of(student)["flags"].as_array().unwrap().iter();
        flags.map(|flag| flag["code"].as_str().unwrap()).collect()
    }
}

/// Files of as many students, each hostile in its own way, in one class.
#[derive(Default)]
pub struct Refused {
    files: Vec<(String, Vec<u8>, String)>,
}

impl Refused {
    /// Another file, and why it must be refused.
    pub fn add(&mut self, bytes: impl AsRef<[u8]>, why: &str) {
        self.named("e.tar.zst", bytes, why);
    }

    /// The same under this name.
    pub fn named(&mut self, name: &str, bytes: impl AsRef<[u8]>, why: &str) {
        self.files.push((name.to_owned(), bytes.as_ref().to_vec(), why.to_owned()));
    }

    /// Grades them all beside ada's good submission.
    #[track_caller]
    pub fn check(self) {
        assert!(!self.files.is_empty());
        let class = Class::new();
        let mut roster = ROSTER.to_owned();
        for (at, (name, bytes, _)) in self.files.iter().enumerate() {
            roster.push_str(&format!("e{at},,,,\n"));
            class.put(&format!("e{at}/{name}"), bytes);
        }
        class.place.write("roster.csv", roster);
        let graded = class.grade(&[]);
        for (at, (.., why)) in self.files.iter().enumerate() {
            graded.refuses(&format!("e{at}"), "ungradable", why);
        }
        assert_eq!(graded.unmatched, []);
    }
}

/// Grades ada's good submission beside this hostile one.
#[track_caller]
pub fn refused(bytes: &[u8], why: &str) {
    let mut all = Refused::default();
    all.add(bytes, why);
    all.check();
}
