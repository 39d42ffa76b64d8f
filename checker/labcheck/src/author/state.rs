//! The states a lab is proven on: starter, solution, mutants, accepts.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;

use crate::{failure::Failure, labs};

/// A state of the system and what the lab must say of it.
#[derive(Clone, Debug)]
pub struct State {
    /// `starter`, `solution`, `mutants/latest`, `accepts/replicas`.
    pub name: String,
    /// Manifest files by name; the solution's, with this state's own over them.
    pub files: BTreeMap<String, String>,
    /// What is expected.
    pub expect: Expect,
    /// The text of `expect.yaml`; empty for the solution.
    pub text: String,
}

/// `expect.yaml` of a state.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// What this state is, in a sentence.
    #[serde(default)]
    pub why: String,
    /// Checks that must not pass; every other one must.
    #[serde(default)]
    pub fails: Vec<String>,
    /// Checks whose verdict depends on the moment, as with a pod that comes
    /// and goes.
    #[serde(default)]
    pub either: Vec<String>,
    /// How long the state stands before it is graded.
    #[serde(default)]
    pub aged: Option<lab_spec::Span>,
    /// Labels put on running pods by hand, once the state has stood so long.
    #[serde(default)]
    pub relabel: Option<lab_spec::experiment::Relabel>,
    /// Files of the solution that are left out.
    #[serde(default)]
    pub without: Vec<String>,
    /// The learner's kubeconfig.
    #[serde(default)]
    pub context: Context,
    /// The learner's compose project.
    #[serde(default)]
    pub compose: Compose,
}

/// What the learner did with the compose project in a state.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compose {
    /// The files given with `-f`.
    #[serde(default)]
    pub files: Vec<String>,
    /// The files the project was started with, where they were changed
    /// afterwards and nobody ran `up` again.
    #[serde(default)]
    pub started: Vec<String>,
    /// Whether the project was started.
    #[serde(default = "yes")]
    pub up: bool,
    /// Services that were stopped afterwards.
    #[serde(default)]
    pub stop: Vec<String>,
}

impl Default for Compose {
    fn default() -> Self {
        Self { files: Vec::new(), started: Vec::new(), up: true, stop: Vec::new() }
    }
}

/// The current context of the learner's kubeconfig in a state.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Whether there is one.
    #[serde(default = "yes")]
    pub current: bool,
    /// Its server, if not the lab's cluster.
    pub server: Option<String>,
    /// Its namespace, if not the lab's.
    pub namespace: Option<String>,
}

impl Default for Context {
    fn default() -> Self {
        Self { current: true, server: None, namespace: None }
    }
}

fn yes() -> bool {
    true
}

/// All states of the lab in `dir`: starter, solution, then mutants and
/// accepts by name.
///
/// # Errors
/// If a folder or an `expect.yaml` cannot be read, or says what cannot be.
pub fn all(dir: &Path) -> Result<Vec<State>, Failure> {
    let solution = files(&dir.join("solution"))?;
    let starter = files(&dir.join("starter"))?;
    let mut states = vec![
        state("starter", starter, expect(&dir.join("starter"))?),
        state("solution", solution.clone(), (Expect::default(), String::new())),
    ];
    for group in ["mutants", "accepts"] {
        for name in folders(&dir.join(group))? {
            let at = dir.join(group).join(&name);
            let (expect, text) = expect(&at)?;
            let name = format!("{group}/{name}");
            if expect.fails.is_empty() == (group == "mutants") {
                let word =
                    if group == "mutants" { "names no check that fails" } else { "names checks that fail" };
                return Err(Failure::usage(format!("`{name}/expect.yaml` {word}")));
            }
            let mut merged = solution.clone();
            for file in &expect.without {
                if merged.remove(file).is_none() {
                    return Err(Failure::usage(format!(
                        "`{name}/expect.yaml` leaves out `{file}`, which is no file of the solution"
                    )));
                }
            }
            merged.extend(files(&at)?);
            let mut named = expect.compose.files.iter().chain(&expect.compose.started);
            if let Some(file) = named.find(|file| !merged.contains_key(*file)) {
                return Err(Failure::usage(format!(
                    "`{name}/expect.yaml` names `{file}`, which the state has not"
                )));
            }
            states.push(state(&name, merged, (expect, text)));
        }
    }
    Ok(states)
}

fn state(name: &str, files: BTreeMap<String, String>, (expect, text): (Expect, String)) -> State {
    State { name: name.to_owned(), files, expect, text }
}

/// `expect.yaml` and its text.
fn expect(dir: &Path) -> Result<(Expect, String), Failure> {
    let path = dir.join("expect.yaml");
    let text = fs::read_to_string(&path)
        .map_err(|error| Failure::usage(format!("`{}` cannot be read: {error}", path.display())))?;
    let expect = serde_yaml::from_str(&text)
        .map_err(|error| Failure::usage(format!("`{}`: {}", path.display(), error.without_snippet())))?;
    Ok((expect, text))
}

fn folders(dir: &Path) -> Result<Vec<String>, Failure> {
    let entries =
        fs::read_dir(dir).map_err(|error| Failure::usage(format!("`{}`: {error}", dir.display())))?;
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

/// Every file of a state by its path, `expect.yaml` left out.
fn files(dir: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let mut found = Vec::new();
    labs::walk(dir, &mut found);
    let mut files = BTreeMap::new();
    for path in found {
        let name = path.strip_prefix(dir).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        if name != "expect.yaml" {
            let text = fs::read_to_string(&path)
                .map_err(|error| Failure::usage(format!("`{}`: {error}", path.display())))?;
            files.insert(name, text);
        }
    }
    Ok(files)
}

/// Checks that no state of the lab can fail, with the reason and the test
/// that proves them instead: `unprovable.yaml`.
///
/// # Errors
/// If the file is broken.
pub fn unprovable(dir: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let path = dir.join("unprovable.yaml");
    match fs::read_to_string(&path) {
        Err(_) => Ok(BTreeMap::new()),
        Ok(text) => serde_yaml::from_str(&text)
            .map_err(|error| Failure::usage(format!("`{}`: {}", path.display(), error.without_snippet()))),
    }
}
