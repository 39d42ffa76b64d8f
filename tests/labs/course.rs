//! The labs of this repository, their states and what was recorded of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use lab_judge::Judge;
use lab_spec::{Evidence, Lab, Report};
use serde::Deserialize;

/// A lab with its directory.
pub struct Course {
    pub dir: PathBuf,
    pub file: String,
    pub lab: Lab,
}

/// A state of a lab, with what its `expect.yaml` says of the checks.
pub struct State {
    /// `starter`, `mutants/latest`.
    pub name: String,
    pub fails: BTreeSet<String>,
    pub either: BTreeSet<String>,
}

/// The part of `expect.yaml` that is about verdicts; `author lint` refuses
/// unknown fields.
#[derive(Default, Deserialize)]
struct Expect {
    #[serde(default)]
    fails: BTreeSet<String>,
    #[serde(default)]
    either: BTreeSet<String>,
}

/// Every lab there is.
pub fn all() -> Vec<Course> {
    let labs = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join("labs");
    let mut dirs: Vec<_> = fs::read_dir(&labs)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("lab.yaml").is_file())
        .collect();
    dirs.sort();
    assert!(!dirs.is_empty(), "no lab in {}", labs.display());
    dirs.into_iter()
        .map(|dir| {
            let file = format!("labs/{}/lab.yaml", dir.file_name().unwrap().to_str().unwrap());
            let text = fs::read_to_string(dir.join("lab.yaml")).unwrap();
            let lab = Lab::parse(&file, &text).unwrap_or_else(|problems| panic!("{problems:#?}"));
            Course { dir, file, lab }
        })
        .collect()
}

/// The lab of this id.
pub fn one(id: &str) -> Course {
    all().into_iter().find(|course| course.lab.id == id).unwrap_or_else(|| panic!("there is no `{id}`"))
}

impl Course {
    pub fn judge(&self) -> Judge<'_> {
        Judge::new(&self.file, &self.lab).unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    /// Its states, found anew from its folders.
    pub fn states(&self) -> Vec<State> {
        let mut names = vec!["starter".to_owned(), "solution".to_owned()];
        for group in ["mutants", "accepts"] {
            let folders = fs::read_dir(self.dir.join(group)).unwrap().map(|entry| entry.unwrap().path());
            names.extend(
                folders.map(|path| format!("{group}/{}", path.file_name().unwrap().to_str().unwrap())),
            );
        }
        names.sort();
        names.into_iter().map(|name| self.state(name)).collect()
    }

    fn state(&self, name: String) -> State {
        let path = self.dir.join(&name).join("expect.yaml");
        let Expect { fails, either } = match fs::read_to_string(&path) {
            Ok(text) => serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}")),
            Err(_) if name == "solution" => Expect::default(),
            Err(error) => panic!("{}: {error}", path.display()),
        };
        State { name, fails, either }
    }

    /// What was recorded of a state.
    pub fn evidence(&self, state: &str) -> Evidence {
        let path = self.recorded(state, "labcheck");
        lab_bundle::read(&path)
            .unwrap_or_else(|error| panic!("{error}; `labcheck author test` records evidence"))
    }

    pub fn recorded(&self, state: &str, extension: &str) -> PathBuf {
        self.dir.join("evidence").join(format!("{}.{extension}", state.replace('/', "-")))
    }

    pub fn report(&self, state: &str) -> Report {
        self.judge().report(&self.evidence(state))
    }

    /// Checks that no state can fail, with the reason.
    pub fn unprovable(&self) -> BTreeMap<String, String> {
        match fs::read_to_string(self.dir.join("unprovable.yaml")) {
            Ok(text) => serde_yaml::from_str(&text).unwrap(),
            Err(_) => BTreeMap::new(),
        }
    }
}
