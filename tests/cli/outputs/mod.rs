//! What `labcheck grade --write` writes, where names, ids, labels, messages and
//! file names are hostile. Everything is read back by a parser of its own.

mod imports;
mod markup;
mod names;
mod tables;
mod workflow;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use lab_bundle::submission::{self, Draft, Key};
use lab_spec::Evidence;

use crate::place::{Place, Said, repository};

const ALL: &str = "csv,json,junit,gradescope,canvas,moodle,lti,actions,feedback,dashboard";

/// A class of lab 06 that was graded, with all outputs in `out`.
struct Class {
    place: Place,
    said: Said,
}

/// A submission of lab 06's starter. Its pods' label `app` is this one, which
/// labels, selectors and messages then show.
fn submission(student: &str, label: &str) -> Vec<u8> {
    let state = repository().join("labs/06-nobody-answers/evidence/starter.labcheck");
    let evidence = serde_json::to_string(&lab_bundle::read(&state).unwrap()).unwrap();
    let quoted = serde_json::to_string(label).unwrap();
    let mut evidence: Evidence =
        serde_json::from_str(&evidence.replace("inference", &quoted[1..quoted.len() - 1])).unwrap();
    evidence.params.nonce = student.to_owned();
    let draft = Draft {
        tool: "labcheck 0.1.0".to_owned(),
        student: student.to_owned(),
        cluster: None,
        made: Timestamp::UNIX_EPOCH.to_string(),
    };
    let mut secret = [7; 32];
    secret[0] = student.bytes().fold(0, u8::wrapping_add);
    submission::write(draft, &evidence, &Key::from_secret(&secret)).unwrap()
}

impl Class {
    /// Grades students with these ids and names. Those called `missing` hand in
    /// nothing, all others a submission with this label.
    fn of(students: &[(&str, &str)], label: &str) -> Self {
        let place = Place::new();
        let mut roster = csv::Writer::from_writer(Vec::new());
        roster.write_record(["id", "name", "canvas_id", "login", "email", "lti_user_id"]).unwrap();
        for (at, (id, name)) in students.iter().enumerate() {
            let (canvas, email) = (format!("{}", 100 + at), format!("s{at}@example.org"));
            let cells = [*id, *name, &canvas, &email, &email, &format!("u{at}")];
            roster.write_record(cells).unwrap();
            if !id.starts_with("missing") {
                place.write(&format!("in/{at}.tar.zst"), submission(id, label));
            }
        }
        place.write("roster.csv", roster.into_inner().unwrap());
        Self::graded(place, ALL)
    }

    fn graded(place: Place, kinds: &str) -> Self {
        place.write("in/.keep", "");
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
            kinds,
        ]);
        assert!([0, 3].contains(&said.code), "{said:?}");
        Self { place, said }
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.place.path("out").join(file))
            .unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// Everything written that is text, by path below `out`.
    fn files(&self) -> BTreeMap<String, String> {
        let out = self.place.path("out");
        let mut files = BTreeMap::new();
        let mut folders = vec![out.clone()];
        while let Some(folder) = folders.pop() {
            for path in entries(&folder) {
                let name = path.strip_prefix(&out).unwrap().to_str().unwrap().to_owned();
                match path.is_dir() {
                    true => folders.push(path),
                    false if name.starts_with("journal") || name.starts_with('.') => {}
                    false => {
                        files.insert(name, fs::read_to_string(&path).unwrap());
                    }
                }
            }
        }
        files
    }

    /// The rows of a table with column names.
    fn table(&self, file: &str) -> Vec<BTreeMap<String, String>> {
        let text = self.read(file);
        csv::Reader::from_reader(text.as_bytes()).deserialize().map(|row| row.unwrap()).collect()
    }

    /// The student's file in a directory, as its index has it.
    fn of_student(&self, dir: &str, id: &str, column: &str) -> String {
        let index = self.table(&format!("{dir}/index.csv"));
        let row = index.iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("`{id}`: {index:?}"));
        self.read(&format!("{dir}/{}", row[column]))
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}
